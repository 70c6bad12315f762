"""Pages that stay up to date: what changed is sent, and so is that nothing can be."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
import pytest

from perdure_server.app import create_app
from perdure_server.settings import Settings
from tests.server.dashboard.conftest import Office
from tests.support.http_server import serve

PAGE = "/dashboard/orgs/acme"


@pytest.fixture
async def events(office: Office, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """Opens the stream of a page as somebody; gives its events as (name, data)."""
    monkeypatch.setattr("perdure_server.dashboard.live._PULSE_S", 0.05)
    with serve(create_app(Settings(office.db.url, access_log=False))) as url:

        @asynccontextmanager
        async def open_stream(role: str | None, path: str = PAGE) -> AsyncIterator[Any]:
            browser = await office.visitor(role)
            headers = {"accept": "text/event-stream"}
            if token := browser.client.cookies.get("perdure_session"):
                headers["cookie"] = f"perdure_session={token}"
            async with (
                httpx.AsyncClient(base_url=url, timeout=30) as client,
                client.stream("GET", path, headers=headers) as answer,
                aclosing(read(answer)) as found,
            ):
                yield answer, found

        yield open_stream


async def read(answer: httpx.Response) -> Any:
    name, data = "", ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            data = line.removeprefix("data: ")
        elif not line and name:
            yield name, json.loads(data) if name == "parts" else data
            name = ""


async def test_what_changes_is_sent_and_nothing_else(office: Office, events: Any):
    async with events("viewer") as (answer, found):
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        name, parts = await anext(found)
        assert (name, list(parts)) == ("parts", ["projects"])
        assert "No project yet" in parts["projects"]
        office.db.call("create_project", "acme", "shop")
        name, parts = await anext(found)
        assert name == "parts"
        assert "Production" in parts["projects"]


async def test_a_database_that_is_away_is_said_until_it_is_back(office: Office, events: Any):
    async with events("viewer") as (_answer, found):
        await anext(found)
        office.db.execute("reset role")
        office.db.execute("alter function perdure.touch_session(text) rename to away")
        assert await anext(found) == ("fault", "The database does not answer.")
        office.db.execute("alter function perdure.away(text) rename to touch_session")
        while (event := await anext(found))[0] == "fault":
            pass
        assert event[0] == "parts"  # whole, since the browser may have missed some
        assert list(event[1]) == ["projects"]


async def test_a_stream_ends_with_the_session(office: Office, events: Any):
    async with events("viewer") as (_answer, found):
        await anext(found)
        office.db.execute("update perdure.sessions set revoked_at = now()")
        assert await anext(found) == ("gone", "")
        assert [event async for event in found] == []


async def test_a_stream_ends_with_the_membership(office: Office, events: Any):
    async with events("member") as (_answer, found):
        await anext(found)
        office.db.execute("delete from perdure.memberships")
        assert await anext(found) == ("gone", "")


@pytest.mark.parametrize("role", [None, "stranger"])
async def test_nobody_else_is_sent_anything(office: Office, events: Any, role: str | None):
    async with events(role) as (_answer, found):
        assert [event async for event in found] == [("gone", "")]


async def test_a_page_without_live_parts_has_a_pulse(office: Office, events: Any):
    async with events("viewer", f"{PAGE}/members") as (_answer, found):
        assert await anext(found) == ("parts", {})
