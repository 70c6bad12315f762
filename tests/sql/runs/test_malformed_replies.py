"""A reply that cannot be applied fails its run, and no other of its batch."""

import secrets
from typing import Any

import psycopg
import pytest

from tests.sql.rows import executions, leased, queued, run_row, task_statuses
from tests.support.builders import Builders, Claim, task
from tests.support.database import Database

NO_TASK = "01900000-0000-7000-8000-000000000000"
MALFORMED: list[tuple[str, dict[str, Any], str]] = [
    ("UNHEARD_OF", {}, "status this server does not know: UNHEARD_OF"),
    ("RETRY_WITH_TASK", {"task": task("a"), "retryAt": "soon"}, "timestamp"),
    ("RETRY_WITH_TASK", {"task": task("a"), "retryAt": "infinity"}, "tasks_due_at_finite"),
    ("RETRY_WITH_TASK", {"task": task("a"), "retry": {"factor": "much"}}, "double precision"),
    ("RETRY_WITH_TASK", {"task": task("a"), "retry": {"randomize": "perhaps"}}, "boolean"),
    (
        "RETRY_WITH_TASK",
        {"task": task("a"), "retry": {"minTimeoutInMs": 1e300, "maxTimeoutInMs": 1e300}},
        "range",
    ),
    ("RETRY_WITH_TASK", {"task": {"id": NO_TASK}}, "a task that its run does not have"),
    ("RETRY_WITH_TASK", {}, "a task that its run does not have"),
    ("RESUME_WITH_TASK", {"task": {"id": NO_TASK}}, "a task that its run does not have"),
    ("RESUME_WITH_TASK", {"task": {"id": "no uuid"}}, "a task that its run does not have"),
    ("RESUME_WITH_TASK", {"task": {"id": 5}}, "a task that its run does not have"),
    ("RESUME_WITH_TASK", {"task": "text"}, "a task that its run does not have"),
    ("RESUME_WITH_TASK", {}, "a task that its run does not have"),
    ("RESUME_WITH_TASK", {"task": {"name": "no key"}}, "idempotency_key"),
    ("RESUME_WITH_TASK", {"task": task("a", delaySeconds="long")}, "double precision"),
    ("RESUME_WITH_TASK", {"task": task("a", delaySeconds=1e300)}, "out of range"),
    ("RESUME_WITH_TASK", {"task": task("a", delayUntil="2024-13-45")}, "out of range"),
    ("RESUME_WITH_TASK", {"task": task("a", delayUntil="infinity")}, "tasks_due_at_finite"),
    ("RESUME_WITH_TASK", {"task": {**task("a"), "noop": "maybe"}}, "boolean"),
    ("RESUME_WITH_TASK", {"task": task("a", operation="dance")}, "tasks_operation_known"),
    ("RESUME_WITH_PARALLEL_TASK", {"task": {"id": NO_TASK}, "childErrors": []}, "its run does not have"),
    ("RESUME_WITH_PARALLEL_TASK", {"task": task("a"), "childErrors": "many"}, "scalar"),
    ("AUTO_YIELD_RATE_LIMIT", {"reset": "soon"}, "double precision"),
    ("AUTO_YIELD_RATE_LIMIT", {"reset": 1e300}, "out of range"),
    ("AUTO_YIELD_RATE_LIMIT", {"reset": "Infinity"}, "runs_due_at_finite"),
    ("AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK", {"id": NO_TASK}, "a task that its run does not have"),
    ("AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK", {}, "a task that its run does not have"),
    ("YIELD_EXECUTION", {}, "must have a key"),
    ("YIELD_EXECUTION", {"key": 5}, "must have a key"),
    ("SUCCESS", {"tasks": "many"}, "scalar"),
    ("SUCCESS", {"tasks": [5]}, "scalar"),
    ("SUCCESS", {"tasks": [{"name": "no key"}]}, "idempotency_key"),
    ("SUCCESS", {"tasks": [{"idempotencyKey": secrets.token_hex(10_000)}]}, "index row"),
]


def test_malformed_replies_fail_their_runs_alone(db: Database, builders: Builders) -> None:
    """All of them in one batch, between a good first one and a good last one."""
    builders.runs(len(MALFORMED) + 2)
    first, *bad, last = builders.claims(100)
    for claim in bad:
        claim.store(task("open"))

    def result(claim: Claim, status: str, members: dict[str, Any]) -> dict[str, Any]:
        identity = {
            "runId": claim.run_id,
            "leaseNumber": 1,
            "verdict": "REPLY",
            "durationMs": 7,
            "httpStatus": 200,
        }
        return {**identity, "reply": {"status": status, **members}}

    found = db.call(
        "apply_results",
        [
            result(last, "YIELD_EXECUTION", {"key": "a"}),
            *(
                result(claim, status, members)
                for claim, (status, members, _) in zip(bad, MALFORMED, strict=True)
            ),
            result(first, "SUCCESS", {"output": 1, "tasks": [task("log", noop=True)]}),
        ],
    )
    assert [(row.run_id, row.outcome) for row in found] == [
        (last.run_id, "WAITING_TO_EXECUTE"),
        *((claim.run_id, "FAILURE") for claim in bad),
        (first.run_id, "SUCCESS"),
    ]
    assert (run_row(db, first.run_id).output, task_statuses(db, first.run_id)) == (1, {"log": "COMPLETED"})
    assert (queued(db), leased(db)) == ([last.run_id], [])
    for claim, (status, members, reason) in zip(bad, MALFORMED, strict=True):
        run = run_row(db, claim.run_id)
        assert reason in run.output["message"], (status, members)
        assert (run.execution_count, run.duration_ms) == (1, 7)
        assert task_statuses(db, claim.run_id) == {"open": "ERRORED"}
        (execution,) = executions(db, claim.run_id)
        assert (execution.http_status, execution.duration_ms) == (200, 7)
        assert execution.verdict == ("REPLY" if status == "UNHEARD_OF" else "MALFORMED")


def test_a_completed_task_whose_output_is_no_json_fails_the_run(db: Database, builders: Builders) -> None:
    outputs = ["{", "", "undefined"]
    builders.runs(len(outputs))
    for claim, output in zip(builders.claims(), outputs, strict=True):
        (stored,) = claim.store(task("task"))
        outcome = claim.reply(
            "AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK", id=stored.response["id"], output=output
        )
        assert outcome == "FAILURE"
        assert "invalid input syntax for type json" in run_row(db, claim.run_id).output["message"]
        assert task_statuses(db, claim.run_id) == {"task": "ERRORED"}


def test_a_reply_without_a_status_fails_the_run(db: Database, builders: Builders) -> None:
    replies: list[Any] = [None, [], "SUCCESS", 5, {"status": None}, {"status": 5}, {"status": {}}]
    builders.runs(len(replies))
    for claim, reply in zip(builders.claims(), replies, strict=True):
        assert claim.apply("REPLY", reply=reply) == "FAILURE"
        assert "status this server does not know" in run_row(db, claim.run_id).output["message"]


def test_a_task_of_another_run_is_unknown(db: Database, builders: Builders) -> None:
    builders.runs(2)
    mine, other = builders.claims()
    (stored,) = other.store(task("wait", noop=True, delaySeconds=60))
    assert mine.reply("RESUME_WITH_TASK", task=stored.response) == "FAILURE"
    assert task_statuses(db, other.run_id) == {"wait": "WAITING"}


@pytest.mark.parametrize("verdict", ["UNHEARD_OF", None])
def test_a_verdict_that_is_none_is_the_callers_mistake(
    db: Database, builders: Builders, verdict: Any
) -> None:
    claim = builders.claim()
    with pytest.raises(psycopg.errors.IntegrityError):
        claim.apply(verdict)
    assert (run_row(db, claim.run_id).status, leased(db)) == ("EXECUTING", [claim.run_id])


def test_no_results_are_no_rows(db: Database) -> None:
    assert db.call("apply_results", []) == []
