"""A task alone in its call, as nearly all are: stored and answered as one in company."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.sql.rows import INSTANT, snapshot, task_statuses
from tests.support.builders import Builders, Claim, task
from tests.support.database import Database

ENDED = {"status": "COMPLETED", "output": {"n": 1}}
SAID_OF_A_TASK: dict[str, Any] = {
    "icon": "bolt",
    "description": "é \ud800",
    "params": {"\u0000": [1.0]},
    "properties": [{"label": "a", "text": "b"}],
    "outputProperties": [],
    "style": {"style": "minimal"},
    "connectionKey": "github",
    "redact": {"paths": ["n"]},
    "parallel": True,
    "startedAt": "2024-01-31T12:00:00.123Z",
}


@pytest.mark.parametrize(
    "members",
    [
        ENDED,
        {**ENDED, **SAID_OF_A_TASK},
        {"status": "COMPLETED"},
        {"status": "COMPLETED", "output": None},
        {"status": "COMPLETED", "output": "\u0000", "noop": True, "error": 1},
        {"status": "ERRORED", "error": {"message": "it broke"}, "output": 1},
        {**ENDED, "parentKey": task("around")["idempotencyKey"]},
        {**ENDED, "delaySeconds": 60},
        {**ENDED, "operation": "fetch", "params": {}},
        {**ENDED, "effect": {"type": "sendEvents", "events": [{"name": "x"}]}},
        {**ENDED, "output": "x" * 5000},
        {"status": "RUNNING"},
        {},
    ],
)
@pytest.mark.parametrize("knows_leases", [True, False])
def test_a_task_alone_is_stored_and_answered_as_one_in_company(
    db: Database, builders: Builders, knows_leases: bool, members: dict[str, Any]
) -> None:
    builders.runs(2)
    alone, in_company = builders.claims()
    record = task("a", **members)
    for claim in (alone, in_company):
        claim.stored(task("around"), task("other"))
    identity = {} if knows_leases else {"leaseNumber": None}
    (answer,) = db.call("upsert_tasks", [call(alone, record, **identity)])
    (other, _) = db.call(
        "upsert_tasks", [call(in_company, record, **identity), call(in_company, task("b", **ENDED))]
    )
    assert told(db, alone, answer) == told(db, in_company, other)


@pytest.mark.parametrize("members", [ENDED, {"status": "RUNNING"}])
def test_a_task_alone_is_stored_once(db: Database, builders: Builders, members: dict[str, Any]) -> None:
    builders.run()
    (claim,) = builders.claims()
    (first,) = claim.stored(task("a", **ENDED))
    (again,) = claim.store(task("a", **{**members, "output": 2}), minimal=True)
    assert again.response == first
    assert task_statuses(db, claim.run_id) == {"a": "COMPLETED"}


@pytest.mark.parametrize(
    ("identity", "record", "code"),
    [
        ({"leaseNumber": 2}, ENDED, "JQ005"),
        ({"runId": "01900000-0000-7000-8000-000000000000"}, ENDED, "JQ001"),
        ({"environmentId": "01900000-0000-7000-8000-000000000000"}, ENDED, "JQ001"),
        ({}, {**ENDED, "idempotencyKey": ""}, "JQ010"),
        ({}, {**ENDED, "idempotencyKey": None}, "JQ010"),
        ({}, {**ENDED, "startedAt": "noon"}, "JQ010"),
        ({"leaseNumber": "one"}, ENDED, "JQ010"),
    ],
)
def test_a_task_alone_that_may_not_be_stored_is_refused(
    db: Database, builders: Builders, identity: dict[str, Any], record: dict[str, Any], code: str
) -> None:
    builders.run()
    (claim,) = builders.claims()
    before = snapshot(db)
    (row,) = db.call("upsert_tasks", [call(claim, {**task("a"), **record}, **identity)])
    assert (row.error_code, row.response) == (code, None)
    assert row.error_message
    assert snapshot(db) == before


@pytest.mark.parametrize("knows_leases", [True, False])
def test_a_task_alone_of_a_run_that_has_ended_is_late(
    db: Database, builders: Builders, knows_leases: bool
) -> None:
    builders.run()
    (claim,) = builders.claims()
    claim.reply("SUCCESS")
    identity = {} if knows_leases else {"leaseNumber": None}
    (row,) = db.call("upsert_tasks", [call(claim, task("a", **ENDED), **identity)])
    if knows_leases:
        assert row.error_code == "JQ003"
    else:
        assert row.response["status"] == "CANCELED"


def call(claim: Claim, record: dict[str, Any], **identity: Any) -> dict[str, Any]:
    """A call about a task of a claimed run."""
    return {
        "environmentId": claim.body["environment"]["id"],
        "runId": claim.run_id,
        "leaseNumber": claim.lease_number,
        **identity,
        "task": record,
    }


def told(db: Database, claim: Claim, answer: Any) -> Any:
    """The answer for the task "a", and its row, without ids of their own and with instants made equal."""
    query = "select row_to_json(t) as row from perdure.tasks as t where run_id = %s and display_key = 'a'"
    (stored,) = db.rows(query, claim.run_id)
    around = db.value(
        "select id from perdure.tasks where run_id = %s and display_key = 'around'", claim.run_id
    )
    text = json.dumps([answer.response, answer.error_code, answer.error_message, stored.row])
    for id, kind in {claim.run_id: "run", around: "around", stored.row["id"]: "task"}.items():
        text = text.replace(str(id), kind)
    return json.loads(re.sub(INSTANT, "then", text.replace("2024-01-31T12:00:00.123", "noon")))
