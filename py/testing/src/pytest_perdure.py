"""The pytest plugin of ``perdure.testing``; outside of it, so that who does not use it imports nothing.

Fixtures: ``perdure_platform``, ``perdure_platform_sync``, and for the whole session
``perdure_postgres_url``, to be overridden with the URL of a Postgres to use instead of the embedded one.
Marker: ``@pytest.mark.perdure(replay="always", crash="everywhere")``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from perdure_testing import Laboratory, Platform, SyncPlatform

_MODES = {"replay": "always", "crash": "everywhere"}


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker."""
    config.addinivalue_line(
        "markers",
        'perdure(replay="always", crash="everywhere"): run the jobs of the test again after every task; run '
        "the test again with the app killed at every call in turn",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Wrap the tests that are marked."""
    marker = item.get_closest_marker("perdure")
    if marker is None or not isinstance(item, pytest.Function):
        return
    wrong = marker.args or [name for name, value in marker.kwargs.items() if _MODES.get(name) != value]
    if wrong:
        raise pytest.UsageError(
            f'{item.nodeid}: the marker perdure takes replay="always" and crash="everywhere", not {wrong}'
        )
    item.obj = _wrapped(item.obj, marker.kwargs)


def _wrapped(test: Any, modes: Mapping[str, str]) -> Any:
    from perdure_testing.modes import crash_everywhere, replay_always

    if "replay" in modes:
        test = replay_always(test)
    return crash_everywhere(test) if "crash" in modes else test


@pytest.fixture(scope="session")
def perdure_postgres_url() -> str | None:
    """A Postgres to make the databases of tests in, as a superuser; None: an embedded one of this session."""
    return os.environ.get("PERDURE_TEST_DATABASE_URL") or None


@pytest.fixture(scope="session")
def perdure_laboratory(perdure_postgres_url: str | None) -> Iterator[Laboratory]:
    """What the tests of a session share."""
    from perdure_testing import Laboratory

    laboratory = Laboratory(perdure_postgres_url)
    yield laboratory
    laboratory.close()


@pytest.fixture
def perdure_platform(perdure_laboratory: Laboratory) -> Iterator[Platform]:
    """The platform, with nothing in it."""
    with perdure_laboratory.platform() as platform:
        yield platform


@pytest.fixture
def perdure_platform_sync(perdure_platform: Platform) -> SyncPlatform:
    """The same for a test that is not async."""
    from perdure_testing import SyncPlatform

    return SyncPlatform(perdure_platform)
