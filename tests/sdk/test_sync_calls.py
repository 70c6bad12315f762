"""``app.sync``: the same calls, for code without an event loop."""

import asyncio
import inspect
from typing import Any

import pytest

from perdure import ApiError, Perdure
from perdure.calls import PlatformCalls, SyncCalls
from perdure.stores import Store, SyncStore
from tests.sdk.fake_platform import API_KEY, FakePlatform


@pytest.fixture
def app(platform: FakePlatform) -> Perdure:
    return Perdure("acme", api_url=platform.url, api_key=API_KEY, patience_s=0.3)


def public(cls: type[Any]) -> dict[str, Any]:
    return {
        name: member for name, member in vars(cls).items() if not name.startswith("_") and callable(member)
    }


@pytest.mark.parametrize(("plain", "blocking"), [(PlatformCalls, SyncCalls), (Store, SyncStore)])
def test_both_have_the_same_methods_with_the_same_parameters(plain: type[Any], blocking: type[Any]) -> None:
    assert list(public(plain)) == list(public(blocking))
    for name, member in public(plain).items():
        twin = public(blocking)[name]
        assert inspect.signature(twin) == inspect.signature(member), name
        assert inspect.iscoroutinefunction(member), name
        assert not inspect.iscoroutinefunction(twin), name
        assert twin.__doc__, name


def test_a_script_waits_for_the_answer(app: Perdure, platform: FakePlatform) -> None:
    assert app.sync.send_event("user.created", {"id": 1}, id="e1").id == "e1"
    assert app.sync.get_run("r1", take=1).id == "r1"
    assert [call.path for call in platform.calls] == ["/api/v1/events", "/api/v2/runs/r1?take=1"]


def test_a_refusal_is_the_same_error(app: Perdure, platform: FakePlatform) -> None:
    platform.faults.append((404, {"error": "event unknown", "code": "JQ001"}))
    with pytest.raises(ApiError, match="event unknown"):
        app.sync.get_event("e1")


async def test_a_thread_whose_event_loop_runs_may_call_it_too(app: Perdure, platform: FakePlatform) -> None:
    running = asyncio.get_running_loop()
    assert app.sync.send_event("x", id="e1").id == "e1"
    assert asyncio.get_running_loop() is running
