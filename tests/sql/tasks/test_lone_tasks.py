"""A task that is done, alone in its call: stored as upsert_tasks would store it, or not at all."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import RFC_4122, UUID

import psycopg
import pytest

from tests.sql.rows import INSTANT, snapshot
from tests.support.builders import Builders, Claim, task
from tests.support.database import Database

NOON = "2024-01-31T12:00:00.123Z"
NOBODY = "01900000-0000-7000-8000-000000000000"


@pytest.mark.parametrize("output", [{"n": [1.0, "é"]}, "", None])
def test_it_is_stored_as_in_company(db: Database, builders: Builders, output: Any) -> None:
    builders.runs(2)
    alone, in_company = builders.claims()
    assert store(db, alone, output=None if output is None else json.dumps(output))
    record = task("a", name="step", displayKey="shown", noop=False, status="COMPLETED", startedAt=NOON)
    in_company.stored(record if output is None else {**record, "output": output})
    assert told(db, alone) == told(db, in_company)


def test_null_is_another_output_than_none(db: Database, builders: Builders) -> None:
    builders.run()
    (claim,) = builders.claims()
    assert store(db, claim, output="null")
    assert db.value("select output::text from perdure.tasks") == "null"


def test_it_is_stored_once(db: Database, builders: Builders) -> None:
    builders.run()
    (claim,) = builders.claims()
    claim.stored(task("a", status="COMPLETED", output=1))
    before = snapshot(db)
    assert not store(db, claim, output="2")
    assert snapshot(db) == before


def test_ids_of_tasks_with_the_same_key_ascend_and_differ_by_run(db: Database, builders: Builders) -> None:
    builders.runs(10)
    claims = builders.claims()
    assert all(store(db, claim) for claim in claims)
    query = "select id from perdure.tasks where run_id = %s"
    ids = [UUID(db.value(query, claim.run_id)) for claim in claims]
    assert ids == sorted(ids)
    assert {(id.version, id.variant) for id in ids} == {(7, RFC_4122)}
    assert len({str(id)[19:] for id in ids}) == 10  # those of one instant, too


@pytest.mark.parametrize(
    "other",
    [{"p_lease_number": 2}, {"p_lease_number": None}, {"p_environment_id": NOBODY}, {"p_run_id": NOBODY}],
)
def test_who_does_not_execute_the_run_stores_nothing(
    db: Database, builders: Builders, other: dict[str, Any]
) -> None:
    builders.run()
    (claim,) = builders.claims()
    before = snapshot(db)
    assert not store(db, claim, **other)
    assert snapshot(db) == before


@pytest.mark.parametrize("status", ["SUCCESS", "RESUME_WITH_TASK", "CANCELED"])
def test_an_execution_that_is_over_stores_nothing(db: Database, builders: Builders, status: str) -> None:
    builders.run()
    (claim,) = builders.claims()
    if status == "RESUME_WITH_TASK":
        claim.reply(status, task=task("wait", noop=True, delaySeconds=60))
    else:
        claim.reply(status)
    before = snapshot(db)
    assert not store(db, claim)
    assert snapshot(db) == before


@pytest.mark.parametrize(
    "part",
    [{"p_output": "{"}, {"p_started_at": "noon"}, {"p_name": None}, {"p_idempotency_key": None}],
)
def test_what_cannot_be_stored_is_an_error(db: Database, builders: Builders, part: dict[str, Any]) -> None:
    builders.run()
    (claim,) = builders.claims()
    with pytest.raises((psycopg.DataError, psycopg.IntegrityError)):
        store(db, claim, **part)


def store(db: Database, claim: Claim, output: str | None = "1", **other: Any) -> bool:
    """Whether store_task stores the task "a" of a claimed run."""
    arguments = {
        "p_environment_id": claim.body["environment"]["id"],
        "p_run_id": claim.run_id,
        "p_lease_number": claim.lease_number,
        "p_idempotency_key": task("a")["idempotencyKey"],
        "p_name": "step",
        "p_display_key": "shown",
        "p_output": output,
        "p_started_at": NOON,
        **other,
    }
    named = ", ".join(f"{name} => %s" for name in arguments)
    stored: bool = db.value(f"select perdure.store_task({named})", *arguments.values())
    return stored


def told(db: Database, claim: Claim) -> Any:
    """A run's one task, and what is told of it, without ids and with instants made equal."""
    query = "select row_to_json(t) as row, perdure._task_json(t) as told from perdure.tasks as t"
    (stored,) = db.rows(f"{query} where run_id = %s", claim.run_id)
    text = json.dumps([stored.row, stored.told])
    for id, kind in {claim.run_id: "run", stored.row["id"]: "task"}.items():
        text = text.replace(str(id), kind)
    return json.loads(re.sub(INSTANT, "then", text.replace(NOON.removesuffix("Z"), "noon")))
