"""The template's one task against a fake service over real HTTP: success, and each kind of failure."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

import perdure_template
from perdure import IO, ConfigurationError, Perdure, SyncIO, event_trigger
from perdure_template import Greeting, Template
from tests.support.fakes.faults import Fault
from tests.support.fakes.platform import API_KEY, FakePlatform, FakeRun
from tests.support.fakes.service import FakeService


class FakeGreeter(FakeService):
    """The service, as small as the calls that are tested need."""

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/greetings", self._greet, methods=["POST"]),
            Route("/greetings", self._list, methods=["GET"]),
        ]

    async def _greet(self, request: Request) -> Response:
        if request.headers.get("authorization") != "Bearer secret":
            return JSONResponse({"error": "unauthorized"}, 401)
        return JSONResponse(_greeting((await request.json())["name"]), 201)

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        return JSONResponse([_greeting(query["name"])] * int(query["limit"]))


def _greeting(name: str) -> dict[str, str]:
    return {"id": "g1", "text": f"Hello {name}", "more": "than is needed"}


@pytest.fixture
def fake() -> Iterator[FakeGreeter]:
    with FakeGreeter() as service:
        yield service


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    with FakePlatform() as service:
        yield service


@pytest.fixture
async def app(platform: FakePlatform, fake: FakeGreeter) -> AsyncIterator[Perdure]:
    app = Perdure("acme", api_url=platform.url, api_key=API_KEY)
    template = Template("greeter", token="secret", base_url=fake.url)

    @app.job(id="greet", version="0.1.0", on=event_trigger("greet"), integrations=[template])
    async def greet(payload: dict[str, str], io: IO) -> Greeting:
        greeting = await template.of(io).greet("greet", name=payload["name"])
        assert isinstance(greeting, Greeting)
        return greeting

    @app.job(id="read", version="0.1.0", on=event_trigger("read"), integrations=[template])
    def read(payload: dict[str, str], io: SyncIO) -> list[str]:
        greetings = template.of(io).list_greetings("read", name=payload["name"], limit=2)
        return [greeting.text for greeting in greetings]

    yield app
    await app.close()


@pytest.fixture
def run(platform: FakePlatform) -> FakeRun:
    return platform.start("greet", {"name": "Ada"})


async def test_a_call_is_a_task(
    app: Perdure, platform: FakePlatform, run: FakeRun, fake: FakeGreeter
) -> None:
    expected = {"status": "SUCCESS", "output": {"id": "g1", "text": "Hello Ada"}}
    assert await platform.execute(app, run) == expected
    assert await platform.execute(app, run) == expected  # from what is stored
    assert len(fake.calls) == 1
    task = run.task("greet")
    assert (task["name"], task["params"]) == ("Greet", {"name": "Ada"})
    assert task["connectionKey"] == "greeter"


async def test_in_a_plain_job_a_call_returns_its_value(app: Perdure, platform: FakePlatform) -> None:
    run = platform.start("read", {"name": "Ada"})
    assert (await platform.execute(app, run))["output"] == ["Hello Ada", "Hello Ada"]
    assert run.task("read")["params"] == {"name": "Ada", "limit": 2}


async def test_a_refusal_fails_at_once(
    app: Perdure, platform: FakePlatform, run: FakeRun, fake: FakeGreeter
) -> None:
    fake.faults.add(Fault(status=422))
    reply = await platform.execute(app, run)
    assert (reply["status"], reply["error"]["name"]) == ("ERROR", "ServiceFailed")
    assert "answered 422" in reply["error"]["message"]


@pytest.mark.parametrize("fault", [Fault(status=503), Fault(broken=True)], ids=["503", "connection-breaks"])
async def test_a_failure_of_the_service_is_tried_again(
    app: Perdure, platform: FakePlatform, run: FakeRun, fake: FakeGreeter, fault: Fault
) -> None:
    fake.faults.add(fault)
    reply = await platform.execute(app, run)
    assert (reply["status"], reply.get("retryAt")) == ("RETRY_WITH_TASK", None)
    assert (await platform.execute(app, run))["status"] == "SUCCESS"


@pytest.mark.parametrize(
    "headers", [{"retry-after": "20"}, {"x-calls-left": "0", "x-calls-reset": "20"}], ids=["wait", "budget"]
)
async def test_a_rate_limit_is_tried_again_when_the_service_says(
    app: Perdure, platform: FakePlatform, run: FakeRun, fake: FakeGreeter, headers: dict[str, str]
) -> None:
    fake.faults.add(Fault(status=429, headers=headers))
    before = datetime.now(UTC)
    reply = await platform.execute(app, run)
    assert datetime.fromisoformat(reply["retryAt"]) >= before + timedelta(seconds=20)


def test_a_wrong_declaration_is_named() -> None:
    with pytest.raises(ConfigurationError, match="token is empty"):
        Template("greeter", token="")


async def test_an_address_that_is_none_is_named(platform: FakePlatform) -> None:
    app = Perdure("acme", api_url=platform.url, api_key=API_KEY)
    template = Template("greeter", token="secret", base_url="api.example.com")

    @app.job(id="greet", version="0.1.0", on=event_trigger("greet"), integrations=[template])
    async def greet(payload: dict[str, Any], io: IO) -> None:
        await io.greeter.greet("greet", name="Ada")

    reply = await platform.execute(app, platform.start("greet", {}))
    await app.close()
    assert "base_url must begin with http:// or https://" in reply["error"]["message"]


def test_the_whole_integration_is_shorter_than_60_lines() -> None:
    assert len(Path(inspect.getfile(Template)).read_text().splitlines()) < 60


def test_all_is_what_is_imported() -> None:
    public = {
        name
        for name, value in vars(perdure_template).items()
        if isinstance(value, type) and value.__module__.startswith("perdure_template.")
    }
    assert public == set(perdure_template.__all__)
