"""Fixtures for all tests; they live in ``tests/support/``."""

import pytest

pytest_plugins = [
    "tests.docs.summary",
    "tests.support.builders",
    "tests.support.fix_clock",
    "tests.support.fix_database",
    "tests.support.fix_endpoint",
    "tests.support.fix_outage",
    "tests.support.parallel",
]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The event loop of async tests."""
    return "asyncio"
