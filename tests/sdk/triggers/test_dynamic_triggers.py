"""Dynamic triggers: sources that are added at run time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from perdure import (
    IO,
    ConfigurationError,
    Context,
    ExternalSource,
    ExternalSourceTrigger,
    Integration,
    IntegrationTasks,
    Perdure,
    SyncIO,
    event_trigger,
    operation,
)
from perdure.integrations import DeliverAnswer, RegisterSource, SourceRequest
from perdure.testing import Platform
from perdure.triggers import DynamicTrigger
from perdure.wire.events import RawEvent
from perdure.wire.sources import UpdateSource
from tests.sdk.fake_platform import API_KEY, FakePlatform
from tests.sdk.real_platform import RealPlatform, real_platform
from tests.sdk.triggers.requests import ask
from tests.support.fix_database import TestServer

PROVIDER: list[Any] = []


class Repo(BaseModel):
    """What a trigger is made of."""

    name: str
    stars: int = 0


class HubTasks(IntegrationTasks):
    """What the provider can do."""

    @operation()
    async def create_hook(self, *, repo: str, url: str) -> int:
        """Create it."""
        PROVIDER.append((repo, url))
        return 77


class Hub(Integration[HubTasks]):
    """A provider."""

    kind = "hub"
    title = "Hub"
    icon = "hub"


class RepoSource(ExternalSource):
    """The webhook of a repository: its own params are not those of the trigger."""

    async def register(self, registration: RegisterSource, io: IO, ctx: Context) -> UpdateSource | None:
        """Create it."""
        assert registration.source.params == self.params
        hook = await io.hub.create_hook(
            "create", repo=self.params["repo"], url=registration.source.channel.url
        )
        return UpdateSource(key=self.key, data=hook, options={"event": ["star"]})

    async def handle(self, request: SourceRequest) -> DeliverAnswer:
        """One event for each request."""
        assert request.params == self.params
        payload = {**request.json_body(), "repo": self.params["repo"]}
        return DeliverAnswer(events=[RawEvent(name="star", source="hub", payload=payload)])


HUB = Hub("hub")


def starred(repo: Repo) -> ExternalSourceTrigger:
    source = RepoSource(HUB, key=f"hub.{repo.name}", params={"repo": repo.name}, options={"event": ["star"]})
    return ExternalSourceTrigger(
        source, "star", source="hub", filter={"stars": [{"$gte": repo.stars}]}, title="On star"
    )


def declare(app: Perdure) -> DynamicTrigger[Repo]:
    """A dynamic trigger with a job."""
    stars = app.dynamic_trigger("stars", starred, integration=HUB)

    @app.job(id="celebrate", version="1.2.0", on=stars)
    async def celebrate(payload: Any, io: IO, ctx: Context) -> Any:
        assert ctx.source is not None
        return [payload["repo"], payload["stars"], ctx.source.id, ctx.source.metadata]

    return stars


@pytest.fixture(autouse=True)
def _provider() -> None:
    PROVIDER.clear()


REGISTRATION = {
    "rule": {"event": "star", "source": "hub", "payload": {"stars": [{"$gte": 10}]}},
    "source": {
        "version": "2",
        "channel": "HTTP",
        "integration": {"id": "hub", "metadata": {"id": "hub", "name": "Hub"}, "authSource": "LOCAL"},
        "key": "hub.site",
        "params": {"name": "site", "stars": 10},
        "options": {"event": ["star"]},
    },
}


async def test_a_dynamic_trigger_as_the_platform_is_told(app: Perdure) -> None:
    declare(app)
    manifest = app.manifest().to_wire()
    assert manifest["dynamicTriggers"] == [
        {
            "id": "stars",
            "jobs": [{"id": "celebrate", "version": "1.2.0"}],
            "registerSourceJob": {"id": "register-dynamic-trigger-stars", "version": "0.1.0"},
        }
    ]
    job, internal = manifest["jobs"]
    assert job["trigger"] == {"type": "dynamic", "id": "stars"}
    assert internal["trigger"]["rule"]["payload"] == {"dynamicTriggerId": ["stars"]}
    assert manifest["sources"] == []


async def test_it_answers_what_it_wants_registered(app: Perdure) -> None:
    declare(app)
    params = {"name": "site", "stars": 10}
    assert (await ask(app, "INITIALIZE_TRIGGER", {"id": "stars", "params": params})).json() == REGISTRATION


async def test_an_unknown_one_and_wrong_params_are_refused(app: Perdure) -> None:
    declare(app)
    unknown = await ask(app, "INITIALIZE_TRIGGER", {"id": "moons", "params": {}})
    assert (unknown.status_code, unknown.json()) == (404, {"message": "Dynamic trigger not found: 'moons'"})
    wrong = await ask(app, "INITIALIZE_TRIGGER", {"id": "stars", "params": {"stars": "many"}})
    assert wrong.status_code == 400
    assert "the params of dynamic trigger 'stars'" in wrong.json()["message"]
    assert "name: Field required" in wrong.json()["message"]


async def test_what_is_declared_wrongly_is_refused(app: Perdure) -> None:
    declare(app)
    with pytest.raises(ConfigurationError, match="taken already"):
        app.dynamic_schedule("stars")
    with pytest.raises(ConfigurationError, match=r"must take the params, not \(\)"):
        app.dynamic_trigger("none", lambda: None, integration=HUB)  # type: ignore[arg-type, misc]
    of_another = app.dynamic_trigger("other", starred, integration=Hub("hub_of_others"))
    with pytest.raises(ConfigurationError, match="made a source of 'hub'"):
        of_another.registration(Repo(name="site"))

    def plain_event(params: str) -> Any:
        return event_trigger("x")

    no_source = app.dynamic_trigger("wrong", plain_event, integration=HUB)
    with pytest.raises(ConfigurationError, match="must return the trigger of an external source"):
        no_source.registration("params")


def test_it_is_registered_by_calls_that_block(platform: FakePlatform) -> None:
    app = Perdure("acme", api_url=platform.url, api_key=API_KEY)
    stars = declare(app)
    channel = {"type": "HTTP", "url": "https://perdure.example/x"}
    source = {"key": "row:a/b:hub.site", "active": False, "secret": "s", "channel": channel}
    platform.faults.append((200, {"id": "1", "source": source, "options": {}}))
    answer = stars.sync.register("a/b", Repo(name="site", stars=10), account_id="anna", metadata={"n": 1})
    assert answer.source.key == "row:a/b:hub.site"
    (call,) = platform.calls
    assert (call.method, call.path) == ("PUT", "/api/v2/acme/triggers/stars/registrations/a%2Fb")
    assert call.body == {**REGISTRATION, "accountId": "anna", "metadata": {"n": 1}}
    app.sync.close()


async def test_a_delivery_of_an_unknown_dynamic_trigger_becomes_nothing(app: Perdure) -> None:
    request = SourceRequest(
        key="k",
        secret="s",
        params={},
        data=None,
        url="https://x",
        method="POST",
        headers={},
        dynamic_id="moons",
    )
    assert (await app.registry.services.handle(request)).events == []


# On the engine


@pytest.mark.parametrize("plain", [False, True], ids=["async", "plain"])
@pytest.mark.perdure(replay="always")
async def test_from_a_registration_in_a_run_to_the_event(perdure_platform: Platform, plain: bool) -> None:
    app = Perdure("stargazer")
    stars = declare(app)

    async def follow(payload: Any, io: IO) -> None:
        await io.register_trigger("follow", stars, "a/b", Repo(name="site", stars=10), metadata={"n": 1})

    def follow_plain(payload: Any, io: SyncIO) -> None:
        io.register_trigger("follow", stars, "a/b", Repo(name="site", stars=10), metadata={"n": 1})

    on = event_trigger("follow")
    run = await perdure_platform.start(
        app.job(id="follow", version="1.0.0", on=on)(follow_plain if plain else follow)
    )
    assert run.status == "SUCCESS"
    assert [(task.name, task.output) for task in run.tasks] == [("Register Dynamic Trigger", None)]
    await perdure_platform.settle()
    ((repo, url),) = PROVIDER
    assert repo == "site"
    for count in (9, 10):
        body = b'{"stars": %d}' % count
        assert (await perdure_platform.request("POST", url, body=body)).status == 200
    (celebrated,) = [one for one in perdure_platform.runs if one.job == "celebrate"]
    assert celebrated.output == ["site", 10, "a/b", {"n": 1}]


@pytest.fixture(scope="module")
def stack(postgres_server: TestServer, template_database: str) -> Iterator[RealPlatform]:
    with real_platform(postgres_server, template_database) as platform:
        platform.db.call("set_setting", "public_url", platform.url)
        yield platform


def test_another_program_registers_by_params_alone(stack: RealPlatform) -> None:
    app = stack.new_app("stargazer")
    declare(app)
    stack.register(app)
    path = f"{stack.url}/api/v2/stargazer/triggers/stars/registrations/a"
    with httpx.Client(
        trust_env=False, headers={"authorization": f"Bearer {stack.environment.key}"}
    ) as client:
        answer = client.put(path, json={"params": {"name": "site", "stars": 10}})
        refused = client.put(path, json={"params": {"stars": 10}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["source"]["params"] == {"name": "site", "stars": 10}
    assert refused.status_code == 400
    assert "name: Field required" in refused.json()["error"]
