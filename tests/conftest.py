"""Fixtures for all tests; they live in ``tests/support/``."""

import signal

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Whoever starts the tests in the background of a script has programs ignore Ctrl-C, and those that tests
    # start would, too: some are ended by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

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
