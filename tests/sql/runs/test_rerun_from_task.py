"""Doing a run again from one of its tasks on."""

import hashlib
from typing import Any

import pytest

from tests.sql.rows import run_row, snapshot, task_row, task_statuses
from tests.support.builders import Builders, Run, job, manifest, task
from tests.support.database import Database
from tests.support.refusals import refused


def key(run_id: str, around: str, text: str) -> str:
    """As both SDKs make it; ``around``: of the task around, its key in Python, its id in JavaScript."""
    return hashlib.sha256(f"{run_id}:{around}:{text}".encode()).hexdigest()


def done(run: Run, text: str, around: str = "", **members: Any) -> dict[str, Any]:
    """A finished task of the Python SDK."""
    if around:
        members["parentKey"] = around
    wanted = {"status": "COMPLETED", "output": text, "idempotencyKey": key(run.id, around, text)} | members
    return task(text, **wanted)


def from_task(db: Database, run: Run, text: str) -> Run:
    task_id = task_row(db, run.id, text).id
    new = db.call("rerun_from_task", run.environment.id, run.id, task_id)
    return Run(db, new["id"], "", run.environment)


def test_what_ended_before_answers_from_the_store(db: Database, builders: Builders) -> None:
    run = builders.run(payload={"n": 1})
    claim = builders.claim(run)
    claim.store(
        done(run, "first", output={"n": 1.0}, params={"a": 1}, icon="bolt"),
        task("log", name="log", noop=True, status="COMPLETED"),
        done(run, "caught", status="ERRORED", error={"message": "no"}),
        done(run, "chosen"),
        done(run, "after"),
    )
    claim.reply("SUCCESS", output=1)
    db.call("set_run_metadata", run.environment.id, run.id, {"addTags": ["big"], "metadata": {"n": 1}})
    db.call("set_run_status", run.environment.id, run.id, "mail", {"label": "Mail", "state": "loading"})
    before = db.rows("select t::text from perdure.tasks as t where run_id = %s order by id", run.id)

    new = from_task(db, run, "chosen")
    (second,) = builders.claims()
    assert second.run_id == new.id
    assert second.body["event"]["payload"] == {"n": 1}
    known = {known["idempotencyKey"]: known for known in second.body["tasks"]}
    assert set(known) == {key(new.id, "", "first"), key(new.id, "", "caught")}
    assert known[key(new.id, "", "first")]["output"] == {"n": 1.0}
    assert known[key(new.id, "", "caught")]["status"] == "ERRORED"
    row, old = task_row(db, new.id, "first"), task_row(db, run.id, "first")
    assert (row.output_text, row.params, row.icon) == ('{"n": 1.0}', {"a": 1}, "bolt")
    assert (row.started_at, row.completed_at) == (old.started_at, old.completed_at)
    read = new.read()
    assert (read["tags"], read["metadata"]) == (["big"], {"n": 1})
    assert [status["label"] for status in read["statuses"]] == ["Mail"]

    second.stored(done(new, "chosen", output="anew"))
    assert second.reply("SUCCESS") == "SUCCESS"
    assert list(task_statuses(db, new.id)) == ["first", "caught", "chosen"]
    assert run_row(db, run.id).status == "SUCCESS"
    assert db.rows("select t::text from perdure.tasks as t where run_id = %s order by id", run.id) == before
    assert db.call("doctor") == []


def test_what_the_task_lies_in_is_entered_again(db: Database, builders: Builders) -> None:
    run = builders.run()
    claim = builders.claim(run)
    outer = key(run.id, "", "outer")
    claim.store(task("outer", status="RUNNING", idempotencyKey=outer))
    claim.store(done(run, "inner 1", outer), done(run, "inner 2", outer), done(run, "inner 3", outer))
    claim.store(done(run, "outer"))
    claim.reply("SUCCESS")
    new = from_task(db, run, "inner 2")
    assert task_statuses(db, new.id) == {"outer": "RUNNING", "inner 1": "COMPLETED"}
    row, inner = task_row(db, new.id, "outer"), task_row(db, new.id, "inner 1")
    assert (row.output_text, row.completed_at, row.idempotency_key) == (None, None, key(new.id, "", "outer"))
    assert (inner.parent_id, inner.idempotency_key) == (row.id, key(new.id, row.idempotency_key, "inner 1"))


def test_a_finished_task_keeps_all_that_is_in_it(db: Database, builders: Builders) -> None:
    """Side by side: one that began before the chosen task goes on after it."""
    run = builders.run()
    claim = builders.claim(run)
    group = key(run.id, "", "group")
    claim.store(task("group", status="RUNNING", idempotencyKey=group), done(run, "chosen"))
    claim.store(done(run, "late", group), done(run, "group"), done(run, "after"))
    claim.reply("SUCCESS")
    assert task_statuses(db, from_task(db, run, "chosen").id) == {"group": "COMPLETED", "late": "COMPLETED"}


def test_what_an_open_task_has_done_is_not_done_again(db: Database, builders: Builders) -> None:
    run = builders.run()
    claim = builders.claim(run)
    item = key(run.id, "", "item")
    claim.store(task("item", status="RUNNING", idempotencyKey=item), done(run, "part", item))
    claim.store(done(run, "chosen"))
    claim.reply("ERROR", error={"message": "no"})
    new = from_task(db, run, "chosen")
    assert task_statuses(db, new.id) == {"item": "RUNNING", "part": "COMPLETED"}


def test_the_url_of_a_callback_is_told_anew(db: Database, builders: Builders) -> None:
    """That of the earlier run is over, so what was done with it is void."""
    db.call("set_setting", "public_url", "https://perdure.test")
    run = builders.run()
    claim = builders.claim(run)
    approval = key(run.id, "", "approval")
    claim.stored(
        task("approval", idempotencyKey=approval, callback={"enabled": True, "timeoutInSeconds": 60})
    )
    claim.stored(done(run, "tell", approval), done(run, "first"), done(run, "chosen"))
    claim.reply("ERROR", error={"message": "no"})
    assert task_statuses(db, from_task(db, run, "chosen").id) == {"first": "COMPLETED"}
    db.call("continue_run", run.environment.id, run.id)
    assert task_statuses(db, run.id) == {"approval": "CANCELED", "first": "COMPLETED", "chosen": "COMPLETED"}


def test_what_was_undone_is_done_again(db: Database, builders: Builders) -> None:
    run = builders.run()
    claim = builders.claim(run)
    flight, hotel = done(run, "flight"), done(run, "hotel")
    claim.store(flight, hotel, done(run, "car", status="ERRORED", error={"message": "no"}))
    group = key(run.id, "", "perdure:compensate")
    undoing = key(run.id, group, f"undo:{flight['idempotencyKey']}")
    claim.store(task("compensate", status="RUNNING", idempotencyKey=group))
    claim.store(task("undo flight", status="COMPLETED", idempotencyKey=undoing, parentKey=group))
    claim.reply("ERROR", error={"message": "no"})
    assert task_statuses(db, from_task(db, run, "car").id) == {"hotel": "COMPLETED"}


def test_keys_of_the_javascript_sdk_are_made_of_ids(db: Database, builders: Builders) -> None:
    run = builders.run()
    claim = builders.claim(run)
    (outer,) = claim.stored(task("outer", idempotencyKey=key(run.id, "", "outer")))
    inner = task("inner", parentId=outer["id"], idempotencyKey=key(run.id, outer["id"], "inner"))
    claim.stored({**inner, "status": "COMPLETED", "output": 1})
    claim.stored(done(run, "chosen"))
    claim.reply("SUCCESS")
    new = from_task(db, run, "chosen")
    row = task_row(db, new.id, "outer")
    assert task_row(db, new.id, "inner").idempotency_key == key(new.id, row.id, "inner")


def test_parts_of_a_list_read_as_python_writes_them(db: Database, builders: Builders) -> None:
    run = builders.run()
    claim = builders.claim(run)
    claim.store(
        done(run, "item:True:None", idempotencyKey=key(run.id, "", "item:true:null")), done(run, "chosen")
    )
    claim.reply("SUCCESS")
    new = from_task(db, run, "chosen")
    assert task_row(db, new.id, "item:True:None").idempotency_key == key(new.id, "", "item:true:null")


def test_a_task_whose_key_is_not_known_is_not_repeated_by_mistake(db: Database, builders: Builders) -> None:
    run = builders.run()
    claim = builders.claim(run)
    claim.store(done(run, "first", idempotencyKey="a" * 64), done(run, "chosen"))
    claim.reply("SUCCESS")
    before = snapshot(db)
    with refused("JQ002", "'first'", "key is not known"):
        from_task(db, run, "chosen")
    assert snapshot(db) == before
    assert task_statuses(db, from_task(db, run, "first").id) == {}


def test_only_a_task_of_the_run_and_of_the_environment(db: Database, builders: Builders) -> None:
    run, other = builders.runs(2, builders.endpoint())
    claim = next(claim for claim in builders.claims() if claim.run_id == run.id)
    claim.store(done(run, "chosen"))
    task_id = task_row(db, run.id, "chosen").id
    elsewhere = builders.environment()
    for environment_id, run_id in ((run.environment.id, other.id), (elsewhere.id, run.id)):
        with refused("JQ001"):
            db.call("rerun_from_task", environment_id, run_id, task_id)


def test_a_run_of_a_disabled_job_is_not_done_again(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    run = builders.run(endpoint)
    builders.claim(run).store(done(run, "chosen"))
    db.call("index_endpoint", endpoint.id, manifest(job(enabled=False)))
    with refused("JQ002", "disabled"):
        from_task(db, run, "chosen")


@pytest.mark.parametrize("payload", [{"n": 2}, "text", None])
def test_a_rerun_with_another_payload(db: Database, builders: Builders, payload: Any) -> None:
    from psycopg.types.json import Json

    run = builders.run(payload={"n": 1})
    builders.claim(run).reply("SUCCESS")
    db.call("rerun_run", run.environment.id, run.id, Json(payload))
    (claim,) = builders.claims()
    assert claim.body["event"]["payload"] == payload
    assert run.read()["status"] == "SUCCESS"
    assert db.value("select payload from perdure.events where event_id not like '%:retry:%'") == {"n": 1}
