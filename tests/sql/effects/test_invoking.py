"""Tasks that start runs of jobs, and wait for their end or do not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.sql.effects.effects import endpoint_with, go_round, invoking, output_of
from tests.sql.rows import queued, task_row
from tests.support.builders import Builders, Claim, job, task
from tests.support.database import Database
from tests.support.fix_clock import Clock


@pytest.fixture
def claim(builders: Builders) -> Claim:
    return builders.claim(builders.run(endpoint_with(builders, job("off", event="off", enabled=False))))


def child_claim(builders: Builders) -> Claim:
    (claim,) = builders.claims()
    assert claim.body["job"]["id"] == "child"
    return claim


def test_without_waiting_it_is_done_at_once(builders: Builders, claim: Claim) -> None:
    (stored,) = claim.stored(invoking("start", payload={"n": 1}, accountId="user-1"))
    child = child_claim(builders)
    assert (stored["status"], stored["output"]) == ("COMPLETED", {"id": child.run_id})
    assert stored["outputProperties"] == [{"label": "Run", "text": child.run_id}]
    assert child.body["event"]["payload"] == {"n": 1}
    assert child.body["account"]["id"] == "user-1"


def test_met_again_it_starts_nothing(builders: Builders, claim: Claim) -> None:
    first = claim.stored(invoking("start"))
    assert claim.stored(invoking("start")) == first
    child_claim(builders)
    assert builders.claims() == []


@pytest.mark.parametrize(
    ("reply", "ok"),
    [
        ({"status": "SUCCESS", "output": {"n": 7}}, True),
        ({"status": "ERROR", "error": {"message": "no"}}, False),
    ],
)
def test_the_run_goes_on_with_the_end_of_the_other(
    db: Database, builders: Builders, claim: Claim, reply: dict[str, Any], ok: bool
) -> None:
    waiting = claim.reply("RESUME_WITH_TASK", task=invoking("start", wait=True))
    assert (waiting, output_of(db, claim, "start")) == ("WAITING_TO_CONTINUE", ("WAITING", None))
    child = child_claim(builders)
    assert db.call("doctor") == []
    child.reply(**reply)
    go_round(db)
    status, output = output_of(db, claim, "start")
    assert (status, output["id"], output["ok"]) == ("COMPLETED", child.run_id, ok)
    assert output["output" if ok else "error"] == reply["output" if ok else "error"]
    assert queued(db) == [claim.run_id]


def test_the_other_may_end_before_the_reply_comes(db: Database, builders: Builders, claim: Claim) -> None:
    (stored,) = claim.stored(invoking("start", wait=True))
    assert stored["status"] == "WAITING"
    child_claim(builders).reply("SUCCESS", output=1)
    go_round(db)
    assert claim.reply("RESUME_WITH_TASK", task={"id": stored["id"]}) == "WAITING_TO_EXECUTE"
    assert queued(db) == [claim.run_id]


def test_patience_ends(db: Database, clock: Clock, builders: Builders, claim: Claim) -> None:
    claim.reply("RESUME_WITH_TASK", task=invoking("start", wait=True, timeoutInSeconds=60))
    child = child_claim(builders)
    clock.advance(timedelta(seconds=61))
    go_round(db)
    assert output_of(db, claim, "start") == ("ERRORED", "Remote callback timeout - no requests received")
    assert queued(db) == [claim.run_id]
    child.reply("SUCCESS", output=1)
    go_round(db)
    assert output_of(db, claim, "start")[0] == "ERRORED"


def test_without_a_limit_it_waits_for_ever(db: Database, clock: Clock, claim: Claim) -> None:
    claim.reply("RESUME_WITH_TASK", task=invoking("start", wait=True, timeoutInSeconds=0))
    assert task_row(db, claim.run_id, "start").due_at is None
    assert db.call("doctor") == []


def test_a_run_that_is_continued_waits_for_the_same_run(
    db: Database, builders: Builders, claim: Claim
) -> None:
    claim.reply("RESUME_WITH_TASK", task=invoking("start", wait=True))
    child = child_claim(builders)
    environment_id = claim.body["environment"]["id"]
    db.call("cancel_run", environment_id, claim.run_id)
    child.reply("SUCCESS", output=5)
    go_round(db)
    assert output_of(db, claim, "start") == ("CANCELED", None)
    db.call("continue_run", environment_id, claim.run_id)
    (again,) = builders.claims()
    assert again.reply("RESUME_WITH_TASK", task=invoking("start", wait=True)) == "WAITING_TO_CONTINUE"
    go_round(db)
    assert output_of(db, claim, "start")[1]["id"] == child.run_id
    assert queued(db) == [claim.run_id]


def test_what_cannot_be_started_fails_its_task(claim: Claim) -> None:
    expected: dict[str, tuple[str, dict[str, Any]]] = {
        "nobody": ("NotFound", {"jobId": "nobody"}),
        "job 'off' is disabled": ("WrongState", {"jobId": "off"}),
        "effect.jobId must be the id of a job": ("InvalidArgument", {"jobId": 5}),
        "effect.wait must be true or false": ("InvalidArgument", {"wait": "no"}),
        "effect.timeoutInSeconds must be 0": ("InvalidArgument", {"timeoutInSeconds": -1}),
        "effect.accountId must be a text": ("InvalidArgument", {"accountId": ""}),
    }
    start = {"type": "invoke", "jobId": "child", "wait": True}
    tasks = [task(words, effect={**start, **members}) for words, (_, members) in expected.items()]
    for (words, (name, _)), stored in zip(expected.items(), claim.stored(*tasks), strict=True):
        assert (stored["status"], stored["output"]["name"]) == ("ERRORED", name)
        assert words in stored["output"]["message"]


def test_a_reply_that_waits_for_what_cannot_be_started_goes_on(db: Database, claim: Claim) -> None:
    bad = invoking("bad", "nobody", wait=True)
    assert claim.reply("RESUME_WITH_TASK", task=bad) == "WAITING_TO_EXECUTE"
    assert output_of(db, claim, "bad")[0] == "ERRORED"
    assert queued(db) == [claim.run_id]
