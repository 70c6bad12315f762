"""Cancelling, rerunning and continuing many runs, step by step."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.sql.accounts.people import found
from tests.support.builders import Builders, Endpoint, job, manifest
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


def begin(db: Database, endpoint: Endpoint, kind: str, **selection: Any) -> str:
    action_id: str = db.call("begin_bulk_action", endpoint.environment.id, kind, **selection)
    return action_id


def read(db: Database, endpoint: Endpoint, action_id: str) -> dict[str, Any]:
    action: dict[str, Any] = db.call("get_bulk_action", endpoint.environment.id, action_id)
    return action


def finish(db: Database, endpoint: Endpoint, action_id: str) -> dict[str, Any]:
    """Let time pass until the action has ended; returns it."""
    for _ in range(100):
        (promotion,) = db.call("promote_due")
        action = read(db, endpoint, action_id)
        if action["status"] != "RUNNING":
            return action
        assert promotion.next_due_ms == 0
    raise AssertionError(action)


def statuses(db: Database) -> Counter[str]:
    return Counter(row.status for row in db.rows("select status from perdure.runs"))


def test_everything_that_matches_is_cancelled(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job("a", event="a"), job("b", event="b"))
    db.call("send_events", endpoint.environment.id, [{"name": "a"}] * 450)
    (other,) = builders.runs(1, endpoint, event="b")
    action_id = begin(db, endpoint, "CANCEL", filter={"job": "a"})
    later = builders.run(endpoint, event="a")

    db.call("promote_due")
    action = read(db, endpoint, action_id)
    assert (action["status"], action["done"], action["by"]) == ("RUNNING", 200, "administrator")
    assert 0 < action["progress"] <= 1
    action = finish(db, endpoint, action_id)
    assert (action["status"], action["done"], action["skipped"]) == ("COMPLETED", 450, 0)
    assert (action["progress"], action["skips"]) == (1, [])
    assert (other.status, later.status) == ("QUEUED", "QUEUED")
    assert statuses(db) == {"CANCELED": 450, "QUEUED": 2}
    assert {claim.run_id for claim in builders.claims(1000)} == {other.id, later.id}


def test_named_runs_are_cancelled_and_it_is_said_which_were_not(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    done, open_run, bystander = builders.runs(3, endpoint)
    elsewhere = builders.run(builders.endpoint())
    (claim,) = [one for one in builders.claims() if one.run_id == done.id]
    claim.reply("SUCCESS")
    action_id = begin(db, endpoint, "CANCEL", run_ids=[done.id, open_run.id, elsewhere.id])
    action = finish(db, endpoint, action_id)
    assert (action["selected"], action["done"], action["skipped"]) == (3, 1, 2)
    assert action["skips"] == [
        {"runId": elsewhere.id, "reason": "There is no such run here."},
        {"runId": done.id, "reason": "It had already ended: SUCCESS."},
    ]
    assert [run.status for run in (done, open_run, bystander, elsewhere)] == [
        "SUCCESS",
        "CANCELED",
        "EXECUTING",
        "EXECUTING",
    ]


def test_runs_are_rerun_with_their_payloads_but_not_the_new_ones(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job("a", event="a"), job("gone", event="gone"))
    runs = [builders.run(endpoint, event="a", payload={"number": number}) for number in range(3)]
    lost = builders.run(endpoint, event="gone")
    db.call("index_endpoint", endpoint.id, manifest(job("a", event="a")), {"name": "perdure", "version": "1"})
    action = finish(db, endpoint, begin(db, endpoint, "RERUN", filter={}))
    assert (action["status"], action["done"], action["skipped"]) == ("COMPLETED", 3, 1)
    assert action["skips"] == [{"runId": lost.id, "reason": "Its job is disabled in this environment."}]
    known = {run.id for run in [*runs, lost]}
    claims = builders.claims(100)
    numbers = sorted(
        claim.body["event"]["payload"]["number"] for claim in claims if claim.run_id not in known
    )
    assert numbers == [0, 1, 2]
    assert db.value("select count(*) from perdure.runs") == 7


def test_one_event_with_several_runs_is_copied_for_each(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job("a"), job("b"))
    builders.runs(1, endpoint)
    finish(db, endpoint, begin(db, endpoint, "RERUN", filter={}))
    rows = db.rows(
        "select k.slug, count(*) from perdure.runs as r join perdure.jobs as k on k.id = r.job_id group by 1"
    )
    assert dict(rows) == {"a": 2, "b": 2}


def test_failed_runs_go_on(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    failed, waiting, done = builders.runs(3, endpoint)
    for claim in builders.claims():
        if claim.run_id == failed.id:
            claim.reply("ERROR", error={"message": "no stock"})
        elif claim.run_id == done.id:
            claim.reply("SUCCESS")
    action = finish(db, endpoint, begin(db, endpoint, "CONTINUE", run_ids=[failed.id, waiting.id, done.id]))
    assert (action["done"], action["skipped"]) == (1, 2)
    assert {skip["reason"] for skip in action["skips"]} == {
        "It has not ended: EXECUTING.",
        "It has succeeded: there is nothing to continue.",
    }
    assert failed.status == "QUEUED"
    again = finish(db, endpoint, begin(db, endpoint, "CONTINUE", filter={"status": ["FAILURE"]}))
    assert (again["done"], again["skipped"]) == (0, 0)


def test_without_a_status_an_action_takes_the_runs_that_it_suits(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    failed, done, waiting = builders.runs(3, endpoint)
    for claim in builders.claims():
        if claim.run_id == failed.id:
            claim.reply("ERROR", error={"message": "no stock"})
        elif claim.run_id == done.id:
            claim.reply("SUCCESS")
    canceled = finish(db, endpoint, begin(db, endpoint, "CANCEL", filter={}))
    continued = finish(db, endpoint, begin(db, endpoint, "CONTINUE", filter={}))
    assert [(one["done"], one["skipped"]) for one in (canceled, continued)] == [(1, 0), (1, 0)]
    assert [run.status for run in (failed, done, waiting)] == ["QUEUED", "SUCCESS", "CANCELED"]
    assert finish(db, endpoint, begin(db, endpoint, "CANCEL", filter={"status": ["SUCCESS"]}))["skipped"] == 1


def test_a_stopped_action_goes_no_further(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    db.call("send_events", endpoint.environment.id, [{"name": "greet"}] * 300)
    action_id = begin(db, endpoint, "CANCEL", filter={})
    db.call("promote_due")
    for _ in range(2):
        db.call("stop_bulk_action", endpoint.environment.id, action_id)
    (promotion,) = db.call("promote_due")
    assert promotion.next_due_ms is None
    action = read(db, endpoint, action_id)
    assert (action["status"], action["done"]) == ("STOPPED", 200)
    assert statuses(db) == {"CANCELED": 200, "QUEUED": 100}
    ended = begin(db, endpoint, "CANCEL", filter={"job": "nothing"})
    finish(db, endpoint, ended)
    with refused("JQ003", "already ended"):
        db.call("stop_bulk_action", endpoint.environment.id, ended)


def test_a_step_that_is_lost_is_done_again_once(db: Database, builders: Builders) -> None:
    """A dispatcher that is killed takes its transaction with it."""
    endpoint = builders.endpoint()
    builders.runs(3, endpoint)
    action_id = begin(db, endpoint, "RERUN", filter={})
    with db.connection.transaction(force_rollback=True):
        db.call("promote_due")
        assert db.value("select count(*) from perdure.runs") == 6
    assert finish(db, endpoint, action_id)["done"] == 3
    assert db.value("select count(*) from perdure.runs") == 6


def test_dispatchers_share_the_steps(db: Database, other: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    builders.runs(3, endpoint)
    action_id = begin(db, endpoint, "RERUN", filter={})
    with db.connection.transaction():
        db.call("promote_due")
        other.call("promote_due")  # passes over what the first one does
    assert read(db, endpoint, action_id)["done"] == 3
    assert db.value("select count(*) from perdure.runs") == 6


def test_an_error_ends_the_action_and_nothing_else(db: Database, builders: Builders, clock: Clock) -> None:
    endpoint = builders.endpoint()
    builders.runs(2, endpoint)
    action_id = begin(db, endpoint, "RERUN", filter={})
    db.execute("alter table perdure.events add constraint no_more check (event_id not like '%:retry:%')")
    action = finish(db, endpoint, action_id)
    assert action["status"] == "FAILED"
    assert "no_more" in action["message"]
    assert db.value("select count(*) from perdure.runs") == 2


def test_actions_are_listed_newest_first_where_they_are(db: Database, builders: Builders) -> None:
    people, endpoint = found(db), builders.endpoint()
    first = begin(db, endpoint, "CANCEL", filter={})
    second = begin(db, endpoint, "RERUN", run_ids=[builders.run(endpoint).id], user_id=people.owner)
    listed = db.call("list_bulk_actions", endpoint.environment.id)
    assert [(one["id"], one["by"]) for one in listed] == [(second, "ann@x.org"), (first, "administrator")]
    below = db.call("list_bulk_actions", endpoint.environment.id, second, 1)
    assert [one["id"] for one in below] == [first]
    elsewhere = builders.environment()
    assert db.call("list_bulk_actions", elsewhere.id) == []
    for function in ("get_bulk_action", "stop_bulk_action"):
        with refused("JQ001", "no bulk action"):
            db.call(function, elsewhere.id, first)


@pytest.mark.parametrize(
    ("kind", "selection", "words"),
    [
        ("DELETE", {"filter": {}}, "p_kind must be CANCEL, RERUN or CONTINUE"),
        ("CANCEL", {}, "exactly one of p_filter and p_run_ids"),
        ("CANCEL", {"filter": {}, "run_ids": ["00000000-0000-0000-0000-000000000000"]}, "exactly one"),
        ("CANCEL", {"run_ids": []}, "1 to 1000 runs, not 0"),
        ("CANCEL", {"filter": {"colour": "red"}}, "no member colour"),
    ],
)
def test_what_cannot_be_begun(
    db: Database, builders: Builders, kind: str, selection: dict[str, Any], words: str
) -> None:
    with refused("JQ010", words):
        begin(db, builders.endpoint(), kind, **selection)


def test_a_run_that_is_named_twice_counts_once(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    run = builders.run(endpoint)
    action = finish(db, endpoint, begin(db, endpoint, "CANCEL", run_ids=[run.id, run.id]))
    assert (action["selected"], action["done"], action["skipped"]) == (1, 1, 0)
