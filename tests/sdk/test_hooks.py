"""Hooks: which are asked for, what they get, and what happens when one fails."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from perdure import IO, Perdure, SyncIO, event_trigger, interval_trigger
from perdure.hooks import read_notification
from perdure.job import AnyJob
from perdure.testing import Platform
from perdure.threads import run_blocking
from perdure.wire.notifications import RunNotification
from perdure.wire.signing import SignatureError, sign
from tests.sdk.fake_platform import API_KEY, NOW, FakePlatform, execute_request, post
from tests.sdk.triggers.requests import ask
from tests.support.signed_requests import SECRETS, signed

ON = event_trigger("order.paid")


class Receipt(BaseModel):
    """What the job returns."""

    number: int


def declare(app: Perdure) -> AnyJob:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> Receipt:
        return Receipt(number=payload["number"])

    return job


def told(ok: bool = True, **changes: Any) -> dict[str, Any]:
    """The body of RUN_NOTIFICATION."""
    end = {"output": {"number": 7}} if ok else {"error": {"message": "no money", "name": "Broke"}}
    return {
        "id": "run-1",
        "ok": ok,
        "status": "SUCCESS" if ok else "FAILURE",
        "startedAt": NOW,
        "updatedAt": NOW,
        "completedAt": NOW,
        "isTest": False,
        "executionDurationInMs": 12,
        "executionCount": 1,
        "job": {"id": "job", "version": "1.0.0"},
        "statuses": [],
        "environment": {"id": "e", "slug": "dev", "type": "DEVELOPMENT"},
        "organization": {"id": "o", "title": "Acme", "slug": "acme"},
        "project": {"id": "p", "name": "Site", "slug": "site"},
        "invocation": {"id": "event-1", "context": {}, "timestamp": NOW, "payload": {"number": 7}},
        **end,
        **changes,
    }


async def subscriptions(app: Perdure, platform: FakePlatform) -> Any:
    """What the answer to an execution asks for."""
    answer = await post(app, execute_request(platform.body(platform.start("job", {"number": 7}))))
    assert answer.json()["status"] == "SUCCESS"
    return json.loads(answer.headers["x-trigger-run-metadata"])


async def test_only_what_has_hooks_is_asked_for(app: Perdure, platform: FakePlatform) -> None:
    job = declare(app)
    assert await subscriptions(app, platform) == {}
    job.on_success(lambda notification: None)
    assert await subscriptions(app, platform) == {"successSubscription": True}
    app.on_failure(lambda notification: None)
    assert await subscriptions(app, platform) == {"successSubscription": True, "failedSubscription": True}


async def test_hooks_of_the_job_and_of_the_app_are_called(app: Perdure) -> None:
    calls: list[Any] = []
    job = declare(app)

    @job.on_success
    async def celebrate(notification: RunNotification[Receipt]) -> None:
        calls.append(("job", notification.id, notification.output))

    @app.on_success
    def count(notification: RunNotification) -> None:
        calls.append(("app", notification.job.id, threading.current_thread() is threading.main_thread()))

    @app.on_failure
    def mourn(notification: RunNotification) -> None:
        calls.append(("failure", notification.error_message, notification.output))

    answer = await ask(app, "RUN_NOTIFICATION", told())
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert calls == [("job", "run-1", Receipt(number=7)), ("app", "job", False)]
    calls.clear()
    task = {"id": "t", "cacheKey": "pay", "status": "ERRORED", "name": "pay", "icon": None, "startedAt": NOW}
    await ask(app, "RUN_NOTIFICATION", told(ok=False, task={**task, "error": {}, "params": None}))
    assert calls == [("failure", "no money", None)]


@pytest.mark.parametrize(
    ("status", "error", "text"),
    [
        ("CANCELED", {"message": "The run ended with CANCELED"}, "The run ended with CANCELED"),
        ("INVALID_PAYLOAD", [{"path": ["a"], "message": "b"}], "the run ended with INVALID_PAYLOAD: [{"),
    ],
)
async def test_every_other_end_is_a_failure(app: Perdure, status: str, error: Any, text: str) -> None:
    seen: list[RunNotification] = []
    declare(app).on_failure(seen.append)
    await ask(app, "RUN_NOTIFICATION", told(ok=False, status=status, error=error))
    assert seen[0].error_message.startswith(text)


async def test_a_hook_that_raises_is_a_500_after_the_others_were_called(app: Perdure) -> None:
    seen: list[Any] = []
    job = declare(app)

    @job.on_success
    async def broken(notification: RunNotification[Receipt]) -> None:
        raise RuntimeError("no mail server")

    job.on_success(seen.append)
    answer = await ask(app, "RUN_NOTIFICATION", told())
    assert (answer.status_code, answer.json()) == (500, {"message": "RuntimeError: no mail server"})
    assert len(seen) == 1


async def test_an_output_that_does_not_fit_any_more_is_not_handed_over(app: Perdure) -> None:
    seen: list[Any] = []
    declare(app).on_success(seen.append)
    answer = await ask(app, "RUN_NOTIFICATION", told(output={"number": "seven"}))
    assert answer.status_code == 500
    assert "the output of job 'job' does not fit" in answer.json()["message"]
    assert seen == []


async def test_a_job_that_is_gone_leaves_the_apps_hooks(app: Perdure) -> None:
    seen: list[RunNotification] = []
    app.on_success(seen.append)
    assert (await ask(app, "RUN_NOTIFICATION", told())).status_code == 200
    assert seen[0].output == {"number": 7}


def test_a_plain_hook_runs_in_the_requests_thread_where_there_is_no_loop() -> None:
    app = Perdure("acme", api_key=API_KEY)
    seen: list[int] = []
    app.on_success(lambda notification: seen.append(threading.get_ident()))
    body = json.dumps(told()).encode()
    request = signed("RUN_NOTIFICATION", body)
    answer = run_blocking(lambda: app.endpoint.handle("POST", request.headers, body))
    assert (answer.status, seen) == (200, [threading.get_ident()])


# What a callback URL gets


def test_a_notification_is_read_when_it_is_signed() -> None:
    body = json.dumps(told()).encode()
    headers = sign(SECRETS, message_id="m1", timestamp=int(time.time()), body=body)
    shouted = {name.upper(): value for name, value in headers.items()}
    for api_key in (API_KEY, ["tr_dev_other", API_KEY]):
        assert read_notification(shouted, body, api_key=api_key).output == {"number": 7}
    with pytest.raises(SignatureError, match="does not match"):
        read_notification(headers, body, api_key="tr_dev_other")
    with pytest.raises(SignatureError, match="does not match"):
        read_notification(headers, body + b" ", api_key=API_KEY)


# On the engine


@pytest.mark.parametrize("plain", [False, True], ids=["async", "plain"])
async def test_hooks_are_told_of_real_ends(perdure_platform: Platform, plain: bool) -> None:
    app = Perdure("shop")
    seen: list[Any] = []

    def pay(amount: int) -> int:
        if amount < 0:
            raise ValueError("no money")
        return amount

    async def buy(payload: Any, io: IO) -> Receipt:
        return Receipt(number=await io.run_task("pay", pay, payload["amount"]))

    def buy_plain(payload: Any, io: SyncIO) -> Receipt:
        return Receipt(number=io.run_task("pay", pay, payload["amount"]))

    job: AnyJob = app.job(id="buy", version="1.0.0", on=ON)(buy_plain if plain else buy)

    @job.on_success
    def bought(notification: RunNotification[Receipt]) -> None:
        assert notification.output is not None
        seen.append(("bought", notification.output.number, notification.invocation.payload))

    @app.on_failure
    async def failed(notification: RunNotification) -> None:
        assert notification.task is not None
        seen.append((notification.status, notification.error_message, notification.task.cache_key))

    await perdure_platform.start(job, {"amount": 3})
    await perdure_platform.start(job, {"amount": -3})
    assert seen == [("bought", 3, {"amount": 3}), ("FAILURE", "no money", "pay")]


async def test_a_hook_that_fails_is_told_again(perdure_platform: Platform) -> None:
    app = Perdure("shop")
    tries: list[str] = []

    @app.job(id="tick", version="1.0.0", on=interval_trigger(timedelta(minutes=10)))
    async def tick(payload: Any, io: IO) -> None: ...

    @app.on_success
    async def flaky(notification: RunNotification) -> None:
        tries.append(notification.id)
        if len(tries) < 3:
            raise RuntimeError("no mail server")

    await perdure_platform.attach(app)
    await perdure_platform.advance(minutes=15)
    assert len(tries) == 3
    assert len(set(tries)) == 1
