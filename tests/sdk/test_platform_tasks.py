"""Tasks that the platform ends: events, requests, other jobs. On the wire, and with an older platform."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from perdure import IO, Perdure, RunFailed, TaskFailed, WaitTimedOut, event_trigger, make_event
from perdure.wire.tasks import CALLBACK_TIMED_OUT
from tests.sdk.fake_platform import NOW, FakePlatform

ON = event_trigger("test.event")


class Approval(BaseModel):
    by: str


EVENT = {
    "id": "e1",
    "name": "order.approved",
    "source": "trigger.dev",
    "payload": {"by": "ann"},
    "timestamp": NOW,
}


async def test_waiting_for_an_event_costs_no_call(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        event = await io.wait_for_event(
            "approval",
            "order.approved",
            schema=Approval,
            filter={"order": [7]},
            timeout=timedelta(days=2),
        )
        return event.payload.by

    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert reply["status"] == "RESUME_WITH_TASK"
    assert reply["task"]["effect"] == {
        "type": "waitForEvent",
        "name": "order.approved",
        "filter": {"order": [7]},
        "timeoutInSeconds": 172800.0,
    }
    run.complete("approval", EVENT)
    assert (await platform.execute(app, run))["output"] == "ann"
    assert platform.calls == []


async def test_no_event_in_time_is_an_error_of_its_own(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        try:
            await io.wait_for_event("approval", "order.approved")
        except WaitTimedOut as error:
            return f"{type(error).__name__}: {error.key}"
        return "approved"

    run = platform.start("job")
    await platform.execute(app, run)
    run.complete("approval", CALLBACK_TIMED_OUT, status="ERRORED")
    assert (await platform.execute(app, run))["output"] == "WaitTimedOut: approval"


async def test_the_url_of_a_request_is_told_once(app: Perdure, platform: FakePlatform) -> None:
    urls: list[str] = []

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        async def mail(url: str) -> None:
            urls.append(url)

        approval = await io.wait_for_request("approval", mail, schema=Approval)
        return approval.by

    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert reply["status"] == "RESUME_WITH_TASK"
    assert (await platform.execute(app, run))["status"] == "RESUME_WITH_TASK"
    run.complete("approval", {"by": "bob"})
    assert (await platform.execute(app, run))["output"] == "bob"
    assert urls == [f"http://callback.test/{run.row('approval')['id']}"]
    assert run.row("tell")["parentId"] == run.row("approval")["id"]


async def test_events_are_sent_in_the_call_that_stores_the_task(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[str]:
        one = await io.send_event("one", "user.created", {"id": 1}, deliver_after=timedelta(seconds=5))
        await io.wait("pause", 1)
        return [one.id]

    run = platform.start("job")
    run.effect_outputs["sendEvents"] = [{"id": "e1", "name": "user.created", "payload": {}, "timestamp": NOW}]
    assert (await platform.finish(app, run))["output"] == ["e1"]
    ((record,),) = platform.puts()
    assert record["effect"]["events"] == [{"name": "user.created", "payload": {"id": 1}, "context": {}}]
    assert record["effect"]["options"] == {"deliverAfter": 5}


async def test_an_effect_that_the_platform_does_not_speak_of_is_no_success(
    app: Perdure, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await io.send_event("one", "user.created", {})

    monkeypatch.setattr(platform, "_store", lambda *_: (200, {"tasks": [None]}))
    reply = await platform.execute(app, platform.start("job"))
    assert (reply["status"], reply["error"]["message"]) == (
        "ERROR",
        "the platform did not say how the task stands",
    )


async def test_a_job_is_invoked_and_its_output_decoded(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="child", version="1.0.0", on=ON)
    async def child(payload: Approval, io: IO) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> int:
        return (await io.invoke_and_wait("child", child, Approval(by="ann"))).year

    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert reply["task"]["effect"] == {
        "type": "invoke",
        "jobId": "child",
        "payload": {"by": "ann"},
        "context": {},
        "wait": True,
        "timeoutInSeconds": 0.0,
    }
    run.complete("child", {"id": "r2", "ok": True, "status": "SUCCESS", "output": "2026-01-01T00:00:00Z"})
    assert (await platform.execute(app, run))["output"] == 2026
    assert platform.calls == []


async def test_a_failed_child_is_a_run_failed(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[str]:
        try:
            await io.invoke_and_wait("child", "other-app-job", {"n": 1})
        except RunFailed as error:
            return [error.job_id, error.run_id, error.status, error.error.message]
        return []

    run = platform.start("job")
    await platform.execute(app, run)
    end = {"id": "r2", "ok": False, "status": "CANCELED", "error": {"message": "cancelled by hand"}}
    run.complete("child", end)
    assert (await platform.execute(app, run))["output"] == [
        "other-app-job",
        "r2",
        "CANCELED",
        "cancelled by hand",
    ]


async def test_a_batch_waits_for_all_and_keeps_the_order(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[Any]:
        results = await io.batch_invoke_and_wait("children", "child", [{"n": 0}, {"n": 1}])
        return [result.status if isinstance(result, RunFailed) else result for result in results]

    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert reply["status"] == "RESUME_WITH_TASK"
    run.complete("1", {"id": "r1", "ok": False, "status": "FAILURE", "error": {"message": "no"}})
    assert (await platform.execute(app, run))["status"] == "RESUME_WITH_TASK"
    run.complete("0", {"id": "r0", "ok": True, "status": "SUCCESS", "output": "zero"})
    assert (await platform.execute(app, run))["output"] == ["zero", "FAILURE"]


async def test_a_job_that_is_invoked_without_waiting(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        return (await io.invoke("child", "other", {"n": 1}, account_id="u1")).id

    run = platform.start("job")
    run.effect_outputs["invoke"] = {"id": "r2"}
    assert (await platform.finish(app, run))["output"] == "r2"
    ((record,),) = platform.puts()
    assert (record["effect"]["wait"], record["effect"]["accountId"]) == (False, "u1")


async def test_what_the_platform_refuses_is_a_failed_task(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        try:
            await io.invoke("child", "other")
        except TaskFailed as error:
            return error.message
        return ""

    refused = {"message": "there is no job 'other'", "name": "JQ001"}
    run = platform.start("job")
    store = run.store
    run.store = lambda record: store({**record, "status": "ERRORED", "error": refused})  # type: ignore[method-assign]
    assert (await platform.execute(app, run))["output"] == "there is no job 'other'"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"timeout": timedelta(days=400)}, "timeout must be a second to a year"),
        ({"timeout": timedelta(0)}, "timeout must be a second to a year"),
        ({"filter": {"order": 7}}, "filter.order must be a list"),
    ],
)
async def test_an_impossible_wait_for_an_event_is_refused(
    app: Perdure, platform: FakePlatform, arguments: dict[str, Any], text: str
) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await io.wait_for_event("approval", "order.approved", **arguments)

    reply = await platform.execute(app, platform.start("job"))
    assert text in reply["error"]["message"]


async def test_wait_until_needs_a_time_zone(app: Perdure, platform: FakePlatform) -> None:
    instant = datetime(2027, 1, 1, tzinfo=UTC)

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        with pytest.raises(ValueError, match="aware datetime"):
            io.wait_until("naive", instant.replace(tzinfo=None))
        await io.wait_until("aware", instant)

    reply = await platform.execute(app, platform.start("job"))
    assert reply["task"]["delayUntil"] == "2027-01-01T00:00:00Z"


def test_events_made_by_hand_have_ids_that_differ_and_ascend_with_time() -> None:
    ids = [make_event("user.created").id or "" for _ in range(1000)]
    assert len(set(ids)) == 1000
    made_ns = time.time_ns()
    while time.time_ns() < made_ns + 1000:  # the microsecond of the last one may be that of the next
        pass
    assert (make_event("user.created").id or "") > max(ids)
