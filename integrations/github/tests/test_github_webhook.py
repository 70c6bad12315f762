"""The registration job: a webhook that is created once and follows what jobs ask for."""

from __future__ import annotations

from typing import Any

import pytest

from perdure import Perdure
from perdure.wire.events import REGISTER_SOURCE_EVENT
from perdure_github import GitHub
from tests.support.fakes.faults import Fault
from tests.support.fakes.github import FakeGitHub, Hook, Repository
from tests.support.fakes.platform import FakePlatform, FakeRun

KEY = "github.repo.acme.site"
URL = "https://perdure.example/api/v1/sources/http/s1"
SECRET = "5" * 64


class Registrar:
    """Starts registration jobs as the platform does."""

    def __init__(self, app: Perdure, platform: FakePlatform) -> None:
        self._app = app
        self._platform = platform

    def start(
        self,
        *,
        desired: list[str],
        missing: list[str] | None = None,
        orphaned: list[str] | None = None,
        data: Any = None,
        url: str = URL,
        secret: str = SECRET,
    ) -> FakeRun:
        change = {"desired": desired, "missing": missing or desired, "orphaned": orphaned or []}
        source = {
            "key": KEY,
            "active": data is not None,
            "secret": secret,
            "data": data,
            "channel": {"type": "HTTP", "url": url},
        }
        payload = {"id": "s1", "source": source, "options": {"event": change}}
        return self._platform.start(KEY, payload, event_name=REGISTER_SOURCE_EVENT)

    async def execute(self, run: FakeRun) -> dict[str, Any]:
        return await self._platform.execute(self._app, run)

    async def register(self, **what: Any) -> dict[str, Any]:
        """Register, and return what the platform was told."""
        reply = await self.execute(self.start(**what))
        assert reply["status"] == "SUCCESS", reply
        return self._platform.updated_sources[-1]


@pytest.fixture
def registrar(app: Perdure, platform: FakePlatform, github: GitHub) -> Registrar:
    trigger = github.issue_opened(owner="acme", repo="site")

    @app.job(id="job", version="0.1.0", on=trigger, integrations=[github])
    async def job(payload: Any, io: Any) -> None:
        raise AssertionError("only its source is used here")

    return Registrar(app, platform)


def only_hook(site: Repository) -> Hook:
    (hook,) = site.hooks.values()
    return hook


async def test_the_webhook_is_created(registrar: Registrar, fake: FakeGitHub, site: Repository) -> None:
    told = await registrar.register(desired=["issues", "push"])
    hook = only_hook(site)
    assert (hook.url, hook.content_type, hook.secret, hook.insecure_ssl) == (URL, "json", SECRET, "0")
    assert (hook.events, hook.active) == (["issues", "push"], True)
    assert told == {"key": KEY, "data": {"webhookId": hook.id}, "options": {"event": ["issues", "push"]}}
    assert [call.method for call in fake.calls] == ["GET", "POST"]


async def test_the_secret_is_neither_shown_nor_stored(
    registrar: Registrar, platform: FakePlatform, site: Repository
) -> None:
    run = registrar.start(desired=["issues"])
    await registrar.execute(run)
    task = run.task("register webhook")
    assert (task["name"], task["params"]["events"]) == ("Register webhook", ["issues"])
    assert SECRET not in str(list(run.tasks.values()))


async def test_registering_again_changes_the_same_webhook(
    registrar: Registrar, fake: FakeGitHub, site: Repository
) -> None:
    first = await registrar.register(desired=["issues"])
    second = await registrar.register(desired=["issues"], missing=["push"], data=first["data"])
    hook = only_hook(site)
    assert hook.events == ["issues", "push"]
    assert hook.secret == SECRET  # a change without the secret would have dropped it
    assert second["data"] == first["data"]
    assert second["options"] == {"event": ["issues", "push"]}


async def test_events_that_no_job_asks_for_any_more_are_dropped(
    registrar: Registrar, site: Repository
) -> None:
    first = await registrar.register(desired=["issues", "push"])
    told = await registrar.register(
        desired=["issues", "push"], missing=[], orphaned=["push"], data=first["data"]
    )
    assert only_hook(site).events == ["issues"]
    assert told["options"] == {"event": ["issues"]}


async def test_a_webhook_with_our_url_is_taken_over(
    registrar: Registrar, fake: FakeGitHub, site: Repository
) -> None:
    await registrar.register(desired=["issues"])
    told = await registrar.register(desired=["issues"], secret="6" * 64)  # the platform forgot its id
    assert told["data"] == {"webhookId": only_hook(site).id}
    assert only_hook(site).secret == "6" * 64


async def test_a_webhook_that_was_switched_off_is_switched_on(registrar: Registrar, site: Repository) -> None:
    first = await registrar.register(desired=["issues"])
    only_hook(site).active = False
    await registrar.register(desired=["issues"], data=first["data"])
    assert only_hook(site).active


async def test_a_new_address_moves_the_webhook(registrar: Registrar, site: Repository) -> None:
    first = await registrar.register(desired=["issues"])
    await registrar.register(desired=["issues"], data=first["data"], url="https://new.example/s1")
    assert only_hook(site).url == "https://new.example/s1"


async def test_a_webhook_that_was_deleted_at_github_is_made_anew(
    registrar: Registrar, site: Repository
) -> None:
    first = await registrar.register(desired=["issues"])
    site.hooks.clear()
    told = await registrar.register(desired=["issues"], data=first["data"])
    assert told["data"] == {"webhookId": only_hook(site).id}
    assert told["data"] != first["data"]


async def test_other_webhooks_are_left_alone(
    registrar: Registrar, fake: FakeGitHub, site: Repository
) -> None:
    for number in range(120):  # more than a page, so that the list is read to its end
        url = f"https://other.example/{number}"
        site.hooks[number] = Hook(
            id=number,
            events=["push"],
            url=url,
            content_type="form",
            secret=None,
            insecure_ssl="0",
            active=True,
            created_at=site.created_at,
            updated_at=site.created_at,
        )
    before = {hook_id: hook.url for hook_id, hook in site.hooks.items()}
    told = await registrar.register(desired=["issues"])
    assert {hook_id: site.hooks[hook_id].url for hook_id in before} == before
    again = await registrar.register(desired=["issues"])
    assert again["data"] == told["data"]


async def test_a_creation_whose_answer_was_lost_is_found_by_the_next_try(
    registrar: Registrar, fake: FakeGitHub, site: Repository
) -> None:
    fake.faults.add(Fault(method="POST", path="/hooks", broken_after=True))
    run = registrar.start(desired=["issues"])
    assert (await registrar.execute(run))["status"] == "RETRY_WITH_TASK"
    assert only_hook(site).url == URL
    assert (await registrar.execute(run))["status"] == "SUCCESS"
    assert only_hook(site).url == URL


async def test_a_webhook_made_meanwhile_is_taken_over(
    registrar: Registrar, fake: FakeGitHub, site: Repository, platform: FakePlatform
) -> None:
    refused = {"message": "Validation Failed", "errors": [{"message": "Hook already exists"}]}
    await registrar.register(desired=["issues"])
    # The list was read before the other registration, the creation tried after it.
    fake.faults.add(Fault(method="GET", path="/hooks", status=200, body=[]))
    fake.faults.add(Fault(method="POST", path="/hooks", status=422, body=refused))
    told = await registrar.register(desired=["issues"])
    assert told["data"] == {"webhookId": only_hook(site).id}


async def test_an_address_that_github_refuses_fails_the_registration(
    registrar: Registrar, fake: FakeGitHub, site: Repository
) -> None:
    text = "url is not supported because it isn't reachable over the public Internet (localhost)"
    refused = {"message": "Validation Failed", "errors": [{"resource": "Hook", "message": text}]}
    fake.faults.add(Fault(method="POST", path="/hooks", status=422, body=refused))
    reply = await registrar.execute(registrar.start(desired=["issues"]))
    assert reply["status"] == "ERROR"
    assert text in reply["error"]["message"]


async def test_a_token_without_rights_is_named(
    registrar: Registrar, fake: FakeGitHub, site: Repository, platform: FakePlatform
) -> None:
    fake.faults.add(Fault(method="GET", path="/hooks", status=404, body={"message": "Not Found"}))
    reply = await registrar.execute(registrar.start(desired=["issues"]))
    assert reply["status"] == "ERROR"
    assert (
        "/repos/acme/site/hooks: Not Found (it is not there, or the token may not see it)"
        in (reply["error"]["message"])
    )
    assert platform.updated_sources == []
