"""Why a run waits: the reason, a sentence for people, and what there is to know, in each state."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.builders import PUBLIC_URL, Builders, Run, job, task
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


def explain(run: Run) -> dict[str, Any]:
    """Why it waits."""
    explanation: dict[str, Any] = run.db.call("explain_wait", run.environment.id, run.id)
    return explanation


def seconds_left(db: Database, explanation: dict[str, Any]) -> int:
    """Until when it waits, in seconds from now."""
    now = db.value("select perdure.clock()")
    return round((datetime.fromisoformat(explanation["until"]) - now).total_seconds())


def test_in_the_queue_at_its_place(db: Database, builders: Builders) -> None:
    first, second, third = builders.runs(3, builders.endpoint())
    assert explain(first)["sentence"] == "It is the next in the queue."
    found = explain(third)
    assert (found["reason"], found["facts"]["place"]) == ("QUEUED", 3)
    assert found["sentence"] == "It is in the queue, behind 2 other runs."
    assert explain(second)["sentence"] == "It is in the queue, behind 1 other run."


def test_nobody_takes_it(db: Database, builders: Builders, clock: Clock) -> None:
    run = builders.run()
    clock.advance(timedelta(minutes=1))
    assert explain(run)["reason"] == "NO_DISPATCHER"


def test_executing_and_ended(db: Database, builders: Builders) -> None:
    run = builders.run()
    claim = builders.claim(run)
    found = explain(run)
    assert (found["reason"], found["facts"]) == ("EXECUTING", {"dispatcher": "test", "leaseNumber": 1})
    assert seconds_left(db, found) == 70
    claim.reply("SUCCESS")
    assert explain(run) is None
    with refused("JQ001"):
        db.call("explain_wait", builders.environment().id, run.id)


def test_a_limit_says_who_holds_it(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job(concurrencyLimit={"id": "mails", "limit": 1}))
    first, second, third = builders.runs(3, endpoint)
    builders.claims()
    found = explain(third)
    assert found["sentence"] == (
        'Its queue "mails" may have 1 execution at once, and 1 is under way; 1 run waits before this one.'
    )
    assert found["facts"] == {
        "limit": "GROUP",
        "name": "mails",
        "maxExecutions": 1,
        "used": 1,
        "heldBy": [first.id],
        "ahead": 1,
    }
    assert explain(second)["facts"]["ahead"] == 0


@pytest.mark.parametrize(
    ("scope", "arguments", "sentence"),
    [
        ("job", ["greet"], "Its job is paused by ann@x.org: deploying."),
        ("queue", ["mails"], 'Its queue "mails" is paused by ann@x.org: deploying.'),
        ("environment", [], "Its environment is paused by ann@x.org: deploying."),
    ],
)
def test_a_pause_says_who_and_why(
    db: Database, builders: Builders, scope: str, arguments: list[str], sentence: str
) -> None:
    endpoint = builders.endpoint(job(concurrencyLimit={"id": "mails", "limit": 1}))
    run = builders.run(endpoint)
    pause = db.call(f"pause_{scope}", endpoint.environment.id, *arguments, "ann@x.org", "deploying")
    for _ in ("in the queue", "kept back"):
        found = explain(run)
        assert (found["reason"], found["sentence"], found["since"]) == ("PAUSED", sentence, pause["pausedAt"])
        assert builders.claims() == []


def test_a_pause_of_everything_without_words(db: Database, builders: Builders) -> None:
    run = builders.run()
    db.call("pause_everything")
    assert explain(run)["sentence"] == "Everything is paused."


@pytest.mark.parametrize(
    ("waits", "reason", "sentence", "left_s"),
    [
        ({"noop": True, "delaySeconds": 60}, "TIMER", 'It sleeps: "x".', 60),
        (
            {"callback": {"enabled": True, "timeoutInSeconds": 90}},
            "CALLBACK",
            'Task "x" waits to be called back from outside.',
            90,
        ),
        (
            {"effect": {"type": "waitForEvent", "name": "paid", "timeoutInSeconds": 30}},
            "EVENT",
            'Task "x" waits for an event "paid".',
            30,
        ),
        (
            {"effect": {"type": "invoke", "jobId": "greet", "wait": True, "timeoutInSeconds": 30}},
            "CHILD_RUN",
            'Task "x" waits for a run of job "greet" that it has started.',
            30,
        ),
        (
            {"operation": "fetch", "params": {"url": "https://api.example/"}},
            "OPERATION",
            'The request of task "x" is under way.',
            0,
        ),
    ],
)
def test_a_task_says_what_it_waits_for(
    db: Database, builders: Builders, waits: dict[str, Any], reason: str, sentence: str, left_s: int
) -> None:
    db.call("set_setting", "public_url", PUBLIC_URL)
    run = builders.run()
    builders.claim(run).reply("RESUME_WITH_TASK", task=task("x", **waits))
    found = explain(run)
    assert (found["reason"], found["sentence"]) == (reason, sentence)
    assert seconds_left(db, found) == left_s
    assert found["facts"]["waitingTasks"] == 1
    if reason == "CHILD_RUN":
        assert found["facts"]["runStatus"] == "QUEUED"
    assert "callback" not in str(found["facts"]), "no secret of a callback"


def test_a_failed_task_says_when_it_is_tried_again(db: Database, builders: Builders) -> None:
    run = builders.run()
    claim = builders.claim(run)
    retry = {"limit": 5, "minTimeoutInMs": 30_000, "randomize": False}
    claim.reply("RETRY_WITH_TASK", task=task("x"), error={"message": "no answer"}, retry=retry)
    found = explain(run)
    assert found["sentence"] == 'Task "x" failed and is tried again (attempt 2).'
    assert found["facts"]["lastError"] == {"message": "no answer"}
    assert seconds_left(db, found) == 30


def test_several_tasks_are_counted(db: Database, builders: Builders) -> None:
    run = builders.run()
    claim = builders.claim(run)
    claim.stored(task("soon", noop=True, name="soon", delaySeconds=5), task("y", noop=True, delaySeconds=60))
    claim.reply("RESUME_WITH_TASK", task=task("soon", noop=True, delaySeconds=5))
    found = explain(run)
    assert found["sentence"] == 'It sleeps: "soon". 1 other task of it waits, too.'


def test_no_answer_is_asked_for_again(db: Database, builders: Builders) -> None:
    run = builders.run()
    builders.claim(run).apply("LEASE_EXPIRED", message="gone")
    found = explain(run)
    assert found["reason"] == "BACKOFF"
    assert found["sentence"] == "Its last execution got no answer (1 in a row); it is executed again later."
    assert found["facts"] == {
        "failures": 1, "verdict": "LEASE_EXPIRED", "httpStatus": None, "message": "gone",
    }  # fmt: skip
    assert "until" in found


def test_before_it_starts(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job(preprocessRuns=True))
    run = builders.run(endpoint)
    assert explain(run)["reason"] == "PREPARING"


def test_a_missing_connection_is_named(db: Database, builders: Builders) -> None:
    slack = {"id": "slack", "authSource": "HOSTED", "metadata": {"id": "slack", "name": "Slack"}}
    run = builders.run(builders.endpoint(job(integrations={"slack": slack})))
    found = explain(run)
    assert found["reason"] == "CONNECTIONS", found
    assert found["sentence"] == 'It needs a connection that is missing: "Slack".'


def test_an_app_that_should_fetch_it_is_away(db: Database, builders: Builders, clock: Clock) -> None:
    endpoint = builders.endpoint()
    db.call("connect_endpoint", endpoint.environment.id, endpoint.slug)
    first, second = builders.runs(2, endpoint)
    clock.advance(timedelta(minutes=1))
    found = explain(second)
    assert (found["reason"], found["facts"]) == ("NOT_CONNECTED", {"app": "app", "place": 2})
    assert "is it running?" in found["sentence"]
    db.call("claim_runs", "server", 1, endpoint_ids=[endpoint.id])
    found = explain(second)
    assert (found["reason"], found["facts"]["inFlight"]) == ("QUEUED", 1), "it is busy"
    assert explain(first)["reason"] == "EXECUTING"
