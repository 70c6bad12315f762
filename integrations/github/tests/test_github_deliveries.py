"""What the source makes of deliveries, as the fake GitHub sends them over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from perdure import Perdure
from perdure.integrations import DeliverAnswer, SourceRequest
from perdure_github import GitHub
from tests.support.fakes.github import BOT_TOKEN, FakeGitHub, Hook, Repository, sign
from tests.support.fakes.platform import FakePlatform
from tests.support.fakes.receiver import Receiver

KEY = "github.repo.acme.site"
SECRET = "5" * 64


class Inbox:
    """Passes what GitHub delivered on to the app, as the platform does."""

    def __init__(self, app: Perdure, platform: FakePlatform, receiver: Receiver) -> None:
        self._app = app
        self._platform = platform
        self._receiver = receiver

    async def hand_over(self, position: int = -1, **changes: Any) -> DeliverAnswer:
        """Hand a delivery to the app, with ``changes`` to what was received."""
        call = list(self._receiver.calls)[position]
        request = SourceRequest(
            key=KEY,
            secret=SECRET,
            params={"owner": "acme", "repo": "site"},
            data={"webhookId": 1},
            url=self._receiver.url,
            method=call.method,
            headers=call.headers,
            body=self._receiver.bodies[position],
        )
        return await self._platform.deliver(self._app, request.model_copy(update=changes))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    with Receiver() as service:
        yield service


@pytest.fixture
def hook(fake: FakeGitHub, site: Repository, receiver: Receiver) -> Hook:
    """A webhook at GitHub with the source's secret."""
    config = {"url": receiver.url, "content_type": "json", "secret": SECRET}
    httpx.post(
        f"{fake.url}/repos/acme/site/hooks",
        json={"config": config, "events": ["issues"]},
        headers={"authorization": f"Bearer {BOT_TOKEN}"},
        trust_env=False,
    ).raise_for_status()
    fake.settle()
    return next(iter(site.hooks.values()))


@pytest.fixture
def inbox(app: Perdure, platform: FakePlatform, github: GitHub, receiver: Receiver, hook: Hook) -> Inbox:
    trigger = github.issue_opened(owner="acme", repo="site")

    @app.job(id="job", version="0.1.0", on=trigger, integrations=[github])
    async def job(payload: Any, io: Any) -> None:
        raise AssertionError("only its source is used here")

    return Inbox(app, platform, receiver)


async def open_issue(fake: FakeGitHub, site: Repository) -> None:
    fake.open_issue(site, "Another")
    await asyncio.to_thread(fake.settle)


async def test_a_delivery_becomes_an_event(
    inbox: Inbox, fake: FakeGitHub, site: Repository, receiver: Receiver, hook: Hook
) -> None:
    await open_issue(fake, site)
    answer = await inbox.hand_over()
    (event,) = answer.events
    delivery = hook.deliveries[-1]
    assert (event.name, event.source, event.id) == ("issues", "github.com", delivery.guid)
    assert event.payload == json.loads(receiver.bodies[-1])
    assert event.context == {
        "headers": {
            "x-github-delivery": delivery.guid,
            "x-github-event": "issues",
            "x-github-hook-id": str(hook.id),
            "x-github-hook-installation-target-id": str(site.id),
            "x-github-hook-installation-target-type": "repository",
        }
    }
    assert (answer.response.status, answer.response.body) == (200, {"ok": True})


async def test_a_repeated_delivery_has_the_same_event_id(
    inbox: Inbox, fake: FakeGitHub, site: Repository, hook: Hook
) -> None:
    await open_issue(fake, site)
    fake.redeliver(site, hook, hook.deliveries[-1])
    await asyncio.to_thread(fake.settle)
    first, second = [await inbox.hand_over(position) for position in (-2, -1)]
    assert first.events[0].id == second.events[0].id
    assert first.events[0].payload == second.events[0].payload


async def test_a_ping_is_answered_and_no_event(inbox: Inbox, receiver: Receiver) -> None:
    assert [call.headers["x-github-event"] for call in receiver.calls] == ["ping"]
    answer = await inbox.hand_over()
    assert (answer.events, answer.response.status) == ([], 200)
    assert answer.response.body == {"ok": True, "event": "ping"}


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=" + "0" * 64,
        sign("not the secret", b"{}"),
        "sha256=",
        "sha256=\N{LATIN SMALL LETTER E WITH ACUTE}",
        "sha1=" + "0" * 40,
        "md5=x",
    ],
)
async def test_a_wrong_signature_is_refused(
    inbox: Inbox, fake: FakeGitHub, site: Repository, receiver: Receiver, signature: str | None
) -> None:
    await open_issue(fake, site)
    headers = dict(list(receiver.calls)[-1].headers)
    del headers["x-hub-signature-256"]
    if signature is not None:
        headers["x-hub-signature-256"] = signature
    answer = await inbox.hand_over(headers=headers)
    assert (answer.events, answer.response.status) == ([], 401)
    assert "x-hub-signature-256 is missing or wrong" in str(answer.response.body)


async def test_githubs_sha1_signature_is_not_enough(
    inbox: Inbox, fake: FakeGitHub, site: Repository, receiver: Receiver
) -> None:
    await open_issue(fake, site)
    headers = dict(list(receiver.calls)[-1].headers)
    headers["x-hub-signature-256"] = headers["x-hub-signature"]
    assert (await inbox.hand_over(headers=headers)).response.status == 401


async def test_a_changed_body_or_another_secret_is_refused(
    inbox: Inbox, fake: FakeGitHub, site: Repository, receiver: Receiver
) -> None:
    await open_issue(fake, site)
    changed = receiver.bodies[-1].replace(b"opened", b"closed")
    assert (await inbox.hand_over(body=changed)).response.status == 401
    assert (await inbox.hand_over(secret="6" * 64)).response.status == 401
    assert (await inbox.hand_over()).response.status == 200


async def test_a_delivery_that_the_fake_signs_wrongly_is_refused(
    inbox: Inbox, fake: FakeGitHub, site: Repository
) -> None:
    payload = fake.issues_event(site, site.issues[1])
    wrong: dict[str, str | None] = {"X-Hub-Signature-256": sign("not the secret", b"{}")}
    await asyncio.to_thread(fake.deliver, site, "issues", payload, headers=wrong)
    assert (await inbox.hand_over()).response.status == 401
    unsigned: dict[str, str | None] = {"X-Hub-Signature-256": None}
    await asyncio.to_thread(fake.deliver, site, "issues", payload, headers=unsigned)
    assert (await inbox.hand_over()).response.status == 401


@pytest.mark.parametrize(
    ("body", "text"), [(b"{", "not a delivery's JSON"), (b"[]", "it holds a list"), (b"\xff", "utf-8")]
)
async def test_a_signed_body_that_is_no_delivery_is_refused(
    inbox: Inbox, receiver: Receiver, body: bytes, text: str
) -> None:
    headers = {**list(receiver.calls)[-1].headers, "x-github-event": "issues"}
    headers["x-hub-signature-256"] = sign(SECRET, body)
    answer = await inbox.hand_over(headers=headers, body=body)
    assert (answer.events, answer.response.status) == ([], 400)
    assert text in str(answer.response.body)


@pytest.mark.parametrize("missing", ["x-github-event", "x-github-delivery"])
async def test_a_signed_request_without_githubs_headers_is_refused(
    inbox: Inbox, receiver: Receiver, missing: str
) -> None:
    headers = {name: text for name, text in list(receiver.calls)[-1].headers.items() if name != missing}
    assert (await inbox.hand_over(headers=headers)).response.status == 400


async def test_a_webhook_switched_to_form_encoding_still_works(
    inbox: Inbox, fake: FakeGitHub, site: Repository, hook: Hook
) -> None:
    hook.content_type = "form"
    await open_issue(fake, site)
    (event,) = (await inbox.hand_over()).events
    assert isinstance(event.payload, dict)
    assert event.payload["action"] == "opened"
