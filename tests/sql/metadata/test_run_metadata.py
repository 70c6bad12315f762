"""Tags and metadata of runs: given at the start, changed from inside, found again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Json

from tests.sql.rows import snapshot
from tests.support.builders import Builders, Endpoint, Run, job
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


def change(db: Database, run: Run, **members: Any) -> Any:
    return db.call("set_run_metadata", run.environment.id, run.id, members)


def started(db: Database, endpoint: Endpoint, **options: Any) -> Run:
    """A run started by an event with these options."""
    environment = endpoint.environment
    (sent,) = db.call("send_events", environment.id, [{"name": "greet"}], options)
    (run,) = db.call("get_event", environment.id, sent["id"])["runs"]
    return Run(db, run["id"], sent["id"], environment)


def found(db: Database, endpoint: Endpoint, *tags: str, **query: Any) -> list[str]:
    page = db.call("list_runs", endpoint.environment.id, tags=list(tags), **query)
    return [run["id"] for run in page["runs"]]


def test_a_run_has_what_its_event_was_sent_with(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job(), job("other"))  # the event starts a run of each
    options = {"tags": ["vip", "eu", "vip"], "metadata": {"customer": {"id": 5}, "none": None}}
    db.call("send_events", endpoint.environment.id, [{"name": "greet"}], options)
    listed = db.call("list_runs", endpoint.environment.id)["runs"]
    expected = (["eu", "vip"], {"customer": {"id": 5}})
    assert [(one["tags"], one["metadata"]) for one in listed] == [expected] * 2
    run = db.call("get_run", endpoint.environment.id, listed[0]["id"])
    assert (run["tags"], run["metadata"]) == expected


def test_an_event_that_comes_later_brings_them_too(db: Database, builders: Builders, clock: Clock) -> None:
    environment = builders.endpoint().environment
    for tags in (["first"], ["second"]):
        event = {"id": "e-1", "name": "greet"}
        db.call("send_events", environment.id, [event], {"deliverAfter": 60, "tags": tags})
    clock.advance(timedelta(seconds=61))
    db.call("promote_due")
    (listed,) = db.call("list_runs", environment.id)["runs"]
    assert listed["tags"] == ["second"]


def test_an_invoked_run_has_them_and_one_that_is_done_again(db: Database, builders: Builders) -> None:
    environment = builders.endpoint().environment
    options = {"tags": ["manual"], "metadata": {"by": "ann"}}
    for _ in range(2):  # the second starts nothing
        run_id = db.call("invoke_job", environment.id, "greet", {}, {}, options, "key")["id"]
    run = Run(db, run_id, "key", environment)
    change(db, run, addTags=["seen"])
    again = db.call("rerun_run", environment.id, run_id)
    assert (again["tags"], again["metadata"]) == (["manual"], {"by": "ann"})
    assert run.read()["tags"] == ["manual", "seen"]


def test_a_change_adds_removes_and_merges(db: Database, builders: Builders) -> None:
    run = builders.run()
    assert change(db, run, addTags=["b", "a"], metadata={"n": 1, "list": [1, {"x": None}]}) == {
        "tags": ["a", "b"],
        "metadata": {"n": 1, "list": [1, {"x": None}]},
    }
    wanted = {"tags": ["b", "c"], "metadata": {"n": 2, "list": [1, {"x": None}], "s": "é"}}
    for _ in range(2):  # the second changes nothing
        before = snapshot(db)
        assert (
            change(db, run, removeTags=["a", "c"], addTags=["c"], metadata={"n": 2, "s": "é", "gone": None})
            == wanted
        )
    assert snapshot(db) == before
    assert change(db, run, metadata={"list": None, "s": None, "n": None})["metadata"] == {}
    assert change(db, run) == {"tags": ["b", "c"], "metadata": {}}


def test_a_run_that_has_ended_can_be_tagged(db: Database, builders: Builders) -> None:
    run = builders.run()
    builders.claim(run).reply("SUCCESS", output=None)
    change(db, run, addTags=["reviewed"])
    assert (run.status, run.read()["tags"]) == ("SUCCESS", ["reviewed"])


def test_a_run_without_them_has_no_rows(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    run = started(db, endpoint, tags=[], metadata={})
    builders.claim(run).reply("SUCCESS", output=None)
    assert db.rows("select 1 from perdure.run_tags") == db.rows("select 1 from perdure.run_metadata") == []


def test_runs_are_found_by_all_of_the_tags_newest_first(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    other = builders.endpoint()
    runs = [started(db, endpoint, tags=tags) for tags in (["a"], ["a", "b"], ["b"], ["b", "c", "a"])]
    started(db, other, tags=["a"])
    builders.run(endpoint)
    ids = [run.id for run in runs]
    assert found(db, endpoint, "a") == [ids[3], ids[1], ids[0]]
    assert found(db, endpoint, "a", "b") == found(db, endpoint, "b", "a", "b") == [ids[3], ids[1]]
    assert found(db, endpoint, "A") == found(db, endpoint, "a", "z") == []
    page = db.call("list_runs", endpoint.environment.id, tags=["a"], take=2)
    assert [run["id"] for run in page["runs"]] == [ids[3], ids[1]]
    assert found(db, endpoint, "a", cursor=page["nextCursor"]) == [ids[0]]
    db.call("cancel_run", endpoint.environment.id, ids[1])
    assert found(db, endpoint, "a", status="CANCELED") == [ids[1]]
    assert found(db, endpoint, "a", job="nobody") == []
    assert len(found(db, endpoint)) == 5


def test_the_search_reads_the_tagged_runs_only(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    builders.runs(300, endpoint)
    run = started(db, endpoint, tags=["rare"])
    db.execute("analyze perdure.runs, perdure.run_tags, perdure.jobs")
    with db.connection.transaction():
        before = db.value("select pg_stat_get_xact_tuples_returned('perdure.runs'::regclass)")
        assert found(db, endpoint, "rare") == [run.id]
        after = db.value("select pg_stat_get_xact_tuples_returned('perdure.runs'::regclass)")
    assert after - before < 100


def test_the_views_show_them(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    run, plain = started(db, endpoint, tags=["b", "a"], metadata={"n": 1}), builders.run(endpoint)
    with db.as_role("perdure_readonly") as reader:
        rows = reader.rows("select id, tags, metadata from perdure_views.runs order by id")
        tags = reader.rows("select tag from perdure_views.run_tags where run_id = %s order by tag", run.id)
    assert [tuple(row) for row in rows] == [(run.id, ["a", "b"], {"n": 1}), (plain.id, [], {})]
    assert [row.tag for row in tags] == ["a", "b"]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"addTags": "vip"}, "p_change.addTags must be a list"),
        ({"addTags": ["ok", 5]}, "p_change.addTags[1]"),
        ({"addTags": [""]}, "p_change.addTags[0]"),
        ({"addTags": ["x" * 201]}, "p_change.addTags[0]"),
        ({"addTags": [str(n) for n in range(51)]}, "p_change.addTags must be at most 50"),
        ({"removeTags": [None]}, "p_change.removeTags[0]"),
        ({"metadata": [1]}, "p_change.metadata must be an object"),
        ({"metadata": {"a": "x" * 65536}}, "p_change.metadata must be at most 64 KiB"),
        ({"metadata": {"a": "\0"}}, r"metadata must not contain \u0000"),
        ({"addTags": ["a\0"]}, r"p_change.addTags[0]"),
    ],
)
def test_what_cannot_be_kept_is_refused(
    db: Database, builders: Builders, members: dict[str, Any], words: str
) -> None:
    run = builders.run()
    before = snapshot(db)
    with refused("JQ010", words):
        change(db, run, **members)
    assert snapshot(db) == before


@pytest.mark.parametrize("document", ["[]", "null", '"x"', '{"metadata": {"n": 1e1000000}}'])
def test_a_document_that_is_no_change_is_refused(db: Database, builders: Builders, document: str) -> None:
    run = builders.run()
    with refused("JQ010", "p_change"):
        db.call("set_run_metadata", run.environment.id, run.id, Json(None, dumps=lambda _: document))


def test_limits_hold_over_several_changes(db: Database, builders: Builders) -> None:
    run = builders.run()
    change(db, run, addTags=[f"{n:02}" * 100 for n in range(50)], metadata={"a": "x" * 40000})
    with refused("JQ010", "50 tags"):
        change(db, run, addTags=["one more"])
    with refused("JQ010", "64 KiB"):
        change(db, run, metadata={"b": "x" * 40000})
    changed = change(
        db, run, removeTags=["00" * 100], addTags=["one more"], metadata={"a": None, "b": "x" * 40000}
    )
    assert (len(changed["tags"]), list(changed["metadata"])) == (50, ["b"])


@pytest.mark.parametrize(
    "options", [{"tags": "vip"}, {"tags": [7]}, {"metadata": 1}, {"metadata": {"a": "x" * 65536}}]
)
def test_a_start_with_what_cannot_be_kept_is_refused(
    db: Database, builders: Builders, options: dict[str, Any]
) -> None:
    environment = builders.endpoint().environment
    (member,) = options
    before = snapshot(db)
    with refused("JQ010", f"p_options.{member}"):
        db.call("send_events", environment.id, [{"name": "greet"}], options)
    with refused("JQ010", f"p_options.{member}"):
        db.call("invoke_job", environment.id, "greet", {}, {}, options)
    assert snapshot(db) == before


def test_another_environments_run_is_not_found(db: Database, builders: Builders) -> None:
    run, other = builders.run(), builders.environment()
    with refused("JQ001", run.id):
        db.call("set_run_metadata", other.id, run.id, {"addTags": ["a"]})


def test_changes_of_two_connections_both_count(db: Database, other: Database, builders: Builders) -> None:
    run = builders.run()
    with db.connection.transaction():
        change(db, run, addTags=["a"], metadata={"a": 1})
        other.execute("set lock_timeout = '200ms'")
        with refused("55P03"):  # it waits for the first to commit
            change(other, run, metadata={"b": 2})
        claimed = other.call("claim_runs", "test", 10)  # and the run itself goes on meanwhile
        assert [row.run_id for row in claimed] == [run.id]
    other.execute("set lock_timeout = 0")
    assert change(other, run, addTags=["b"], metadata={"b": 2}) == {
        "tags": ["a", "b"],
        "metadata": {"a": 1, "b": 2},
    }
