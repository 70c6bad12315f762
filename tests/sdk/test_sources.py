"""External sources: registration by the internal job, delivery, and sharing between jobs."""

import json
from typing import Any, ClassVar

import pytest

from perdure import (
    IO,
    ConfigurationError,
    Context,
    ExternalSource,
    ExternalSourceTrigger,
    Integration,
    IntegrationTasks,
    Perdure,
    operation,
)
from perdure.integrations import DeliverAnswer, RegisterSource, SourceRequest, SourceResponse
from perdure.wire.events import RawEvent
from perdure.wire.sources import UpdateSource
from tests.sdk.fake_platform import FakePlatform
from tests.sdk.triggers.requests import ask
from tests.support.source_headers import write_source_headers

PROVIDER: list[Any] = []


class HubTasks(IntegrationTasks):
    @operation()
    async def create_webhook(self, *, url: str, events: list[str]) -> int:
        PROVIDER.append((url, events))
        return 77


class Hub(Integration[HubTasks]):
    kind = "hub"
    title = "Hub"
    icon = "hub"


class RepoSource(ExternalSource):
    version: ClassVar[str] = "0.2.0"

    async def register(self, registration: RegisterSource, io: IO, ctx: Context) -> UpdateSource | None:
        desired = registration.options["event"].desired
        hook = await io.hub.create_webhook("create", url=registration.source.channel.url, events=desired)
        return UpdateSource(key=self.key, data={"hook": hook}, options={"event": desired})

    async def handle(self, request: SourceRequest) -> DeliverAnswer:
        if request.header("X-Signature") != request.secret:
            return DeliverAnswer(response=SourceResponse(status=401, body={"error": "bad signature"}))
        event = RawEvent(
            id=request.header("x-delivery"), name="issues", source="hub", payload=request.json_body()
        )
        return DeliverAnswer(events=[event], metadata={"last": "seen"})


def repo_trigger(hub: Hub, *events: str, params: Any = None) -> ExternalSourceTrigger:
    source = RepoSource(
        hub, key="hub.repo:acme/site", params=params or {"repo": "acme/site"}, options={"event": list(events)}
    )
    return ExternalSourceTrigger(
        source, list(events), source="hub", filter={"action": ["opened"]}, title="On issue"
    )


@pytest.fixture
def source_app(app: Perdure) -> Perdure:
    hub = Hub("hub")

    @app.job(id="one", version="1.0.0", on=repo_trigger(hub, "issues"), integrations=[hub])
    async def one(payload: Any, io: IO) -> None: ...

    @app.job(id="two", version="1.0.0", on=repo_trigger(hub, "push", "issues"))
    async def two(payload: Any, io: IO) -> None: ...

    return app


def registration() -> dict[str, Any]:
    return {
        "id": "source-1",
        "source": {
            "key": "hub.repo:acme/site",
            "active": False,
            "secret": "s3cret",
            "params": {"repo": "acme/site"},
            "channel": {"type": "HTTP", "url": "https://perdure.example/api/v1/sources/http/source-1"},
            "clientId": "acme",
        },
        "options": {"event": {"desired": ["issues", "push"], "missing": ["issues", "push"], "orphaned": []}},
    }


async def test_two_jobs_share_a_source_with_united_options(source_app: Perdure) -> None:
    manifest = source_app.manifest().to_wire()
    assert manifest["sources"] == [
        {
            "version": "2",
            "channel": "HTTP",
            "integration": {"id": "hub", "metadata": {"id": "hub", "name": "Hub"}, "authSource": "LOCAL"},
            "key": "hub.repo:acme/site",
            "params": {"repo": "acme/site"},
            "options": {"event": ["issues", "push"]},
            "registerSourceJob": {"id": "hub.repo:acme/site", "version": "0.2.0"},
        }
    ]
    one, two, internal = manifest["jobs"]
    assert one["integrations"] == {"hub": manifest["sources"][0]["integration"]}
    assert one["trigger"]["rule"] == {"event": ["issues"], "source": "hub", "payload": {"action": ["opened"]}}
    assert two["internal"] is False
    assert internal["internal"] is True
    assert internal["id"] == "hub.repo:acme/site"
    assert internal["trigger"]["rule"] == {
        "event": "dev.trigger.source.register.v2",
        "source": "trigger.dev",
        "payload": {"source": {"key": ["hub.repo:acme/site"]}},
    }


async def test_the_internal_job_registers_and_tells_the_platform(
    source_app: Perdure, platform: FakePlatform
) -> None:
    PROVIDER.clear()
    run = platform.start("hub.repo:acme/site", registration())
    assert (await platform.finish(source_app, run))["status"] == "SUCCESS"
    assert PROVIDER == [("https://perdure.example/api/v1/sources/http/source-1", ["issues", "push"])]
    (call,) = [call for call in platform.calls if "/sources/" in call.path]
    assert (call.method, call.path) == ("PUT", "/api/v2/acme/sources/hub.repo%3Aacme%2Fsite")
    assert call.body == {
        "key": "hub.repo:acme/site",
        "options": {"event": ["issues", "push"]},
        "data": {"hook": 77},
    }
    assert [row["name"] for row in run.rows.values()] == ["Create webhook", "Update Source"]
    assert "s3cret" not in json.dumps(list(run.rows.values()))


async def deliver(app: Perdure, request: SourceRequest) -> Any:
    return await ask(app, "DELIVER_HTTP_SOURCE_REQUEST", request.body, write_source_headers(request))


def received(**changes: Any) -> SourceRequest:
    fields: dict[str, Any] = {
        "key": "hub.repo:acme/site",
        "secret": "s3cret",
        "params": {"repo": "acme/site"},
        "data": None,
        "url": "https://perdure.example/x",
        "method": "POST",
        "headers": {"x-signature": "s3cret", "x-delivery": "d1"},
        "body": b'{"action": "opened",  "title": "\xc3\xa9"}',
    }
    return SourceRequest(**{**fields, **changes})


async def test_a_delivery_becomes_events(source_app: Perdure) -> None:
    answer = await deliver(source_app, received())
    assert answer.json() == {
        "events": [
            {
                "name": "issues",
                "payload": {"action": "opened", "title": "é"},
                "context": {},
                "id": "d1",
                "source": "hub",
            }
        ],
        "response": {"status": 200, "body": {"ok": True}},
        "metadata": {"last": "seen"},
    }


async def test_a_forged_delivery_becomes_nothing(source_app: Perdure) -> None:
    answer = await deliver(source_app, received(secret="other"))
    assert answer.json() == {"events": [], "response": {"status": 401, "body": {"error": "bad signature"}}}


async def test_a_delivery_for_an_unknown_source_is_answered_empty(source_app: Perdure) -> None:
    answer = await deliver(source_app, received(key="other"))
    assert answer.json() == {"events": [], "response": {"status": 200, "body": {"ok": True}}}


async def test_a_source_that_raises_is_a_500_that_is_delivered_again(source_app: Perdure) -> None:
    answer = await deliver(source_app, received(body=b"not json"))
    assert answer.status_code == 500


@pytest.mark.parametrize(
    "missing", ["x-ts-key", "x-ts-secret", "x-ts-data", "x-ts-params", "x-ts-http-headers"]
)
async def test_a_delivery_without_a_header_names_it(source_app: Perdure, missing: str) -> None:
    headers = write_source_headers(received())
    del headers[missing]
    answer = await ask(source_app, "DELIVER_HTTP_SOURCE_REQUEST", b"{}", headers)
    assert answer.status_code == 400
    assert f"header {missing} is missing" in answer.json()["message"]


def test_the_same_key_with_other_params_is_refused() -> None:
    app = Perdure("acme")
    hub = Hub("hub")

    async def fn(payload: Any, io: IO) -> None: ...

    app.job(id="one", version="1.0.0", on=repo_trigger(hub, "issues"))(fn)
    with pytest.raises(ConfigurationError, match="declared twice and differently"):
        app.job(id="two", version="1.0.0", on=repo_trigger(hub, "issues", params={"repo": "other"}))(fn)
    assert [job.id for job in app.jobs] == ["one"]


def test_a_source_needs_an_event() -> None:
    with pytest.raises(ValueError, match="at least one 'event'"):
        repo_trigger(Hub("hub"))


def test_a_key_that_cannot_travel_in_a_header_is_refused() -> None:
    with pytest.raises(ValueError, match="must be printable ASCII"):
        RepoSource(Hub("hub"), key="hub:\u94a5", params=None, options={"event": ["push"]})
