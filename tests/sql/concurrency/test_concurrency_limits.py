"""Concurrency limits of job versions, groups and environments: who is kept back, who goes first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.sql.rows import queued, run_row
from tests.support.builders import SDK, Builders, Endpoint, job, manifest, task
from tests.support.concurrency import blocked_until
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


def blocked(db: Database) -> list[str]:
    """The runs that a limit keeps back."""
    return [str(row.run_id) for row in db.rows("select run_id from perdure.blocked_runs order by run_id")]


def reindex(db: Database, endpoint: Endpoint, *jobs: dict[str, object]) -> None:
    """Index the endpoint again with these jobs."""
    db.call("index_endpoint", endpoint.id, manifest(*jobs), SDK)


def test_no_more_than_the_limit_are_in_flight(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job(concurrencyLimit=2))
    runs = builders.runs(5, endpoint)
    first = builders.claims()
    assert {claim.run_id for claim in first} == {run.id for run in runs[:2]}
    assert builders.claims() == []
    assert blocked(db) == [run.id for run in runs[2:]]
    assert db.call("doctor") == []
    first[0].reply("SUCCESS")
    (third,) = builders.claims()
    assert third.run_id == runs[2].id
    for claim in (first[1], third):
        claim.reply("SUCCESS")
    assert {claim.run_id for claim in builders.claims()} == {run.id for run in runs[3:]}
    assert blocked(db) == []


def test_a_waiting_run_holds_no_slot_and_resumes_before_new_ones(
    db: Database, builders: Builders, clock: Clock
) -> None:
    endpoint = builders.endpoint(job(concurrencyLimit=1))
    waiting, second, third = builders.runs(3, endpoint)
    (claim,) = builders.claims()
    claim.reply("RESUME_WITH_TASK", task=task("nap", noop=True, delaySeconds=5))
    (claim,) = builders.claims()
    assert claim.run_id == second.id
    clock.advance(timedelta(seconds=6))
    db.call("promote_due")
    assert builders.claims() == []
    claim.reply("SUCCESS")
    (claim,) = builders.claims()
    assert claim.run_id == waiting.id
    claim.reply("SUCCESS")
    assert [claim.run_id for claim in builders.claims()] == [third.id]


def test_a_group_is_shared_and_other_jobs_go_their_way(db: Database, builders: Builders) -> None:
    group = {"id": "shared", "limit": 1}
    endpoint = builders.endpoint(
        job("a", event="both", concurrencyLimit=group),
        job("b", event="both", concurrencyLimit=group),
        job("free", event="both"),
    )
    builders.runs(1, endpoint, event="both")
    claims = builders.claims()
    assert sorted(claim.body["job"]["id"] for claim in claims) == ["a", "free"]
    next(claim for claim in claims if claim.body["job"]["id"] == "a").reply("SUCCESS")
    assert [claim.body["job"]["id"] for claim in builders.claims()] == ["b"]


def test_an_environment_has_a_limit_of_its_own(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job("a", event="both", concurrencyLimit=1), job("b", event="both"))
    db.call("set_concurrency_limit", endpoint.environment.id, 2)
    builders.runs(2, endpoint, event="both")
    claims = builders.claims()
    assert len(claims) == 2
    db.call("set_concurrency_limit", endpoint.environment.id, None)
    more = builders.claims()
    assert [claim.body["job"]["id"] for claim in more] == ["b"]
    with refused("JQ010"):
        db.call("set_concurrency_limit", endpoint.environment.id, 0)


def test_a_raised_limit_lets_runs_go_at_once(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job(concurrencyLimit=1))
    builders.runs(4, endpoint)
    assert len(builders.claims()) == 1
    reindex(db, endpoint, job(concurrencyLimit=3))
    assert len(builders.claims()) == 2
    reindex(db, endpoint, job())
    assert len(builders.claims()) == 1


def test_cancelling_frees_the_slot_and_forgets_who_was_kept_back(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job(concurrencyLimit=1))
    first, second, third = builders.runs(3, endpoint)
    builders.claims()
    builders.claims()
    db.call("cancel_run", second.environment.id, second.id)
    assert blocked(db) == [third.id]
    db.call("cancel_run", first.environment.id, first.id)
    assert [claim.run_id for claim in builders.claims()] == [third.id]


def test_a_lost_lease_frees_the_slot(db: Database, builders: Builders, clock: Clock) -> None:
    endpoint = builders.endpoint(job(concurrencyLimit=1))
    first, second = builders.runs(2, endpoint)
    builders.claims()
    builders.claims()
    clock.advance(timedelta(minutes=10))
    db.call("promote_due")
    assert [claim.run_id for claim in builders.claims()] == [second.id]
    assert run_row(db, first.id).status == "WAITING_TO_EXECUTE"


def test_two_dispatchers_do_not_exceed_the_limit(db: Database, other: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job(concurrencyLimit=1))
    builders.runs(2, endpoint)
    db.execute("begin")
    assert len(db.call("claim_runs", "one", 1)) == 1
    (theirs,) = blocked_until(db, "commit", (other, lambda: other.call("claim_runs", "two", 1)))
    assert theirs == []
    assert len(blocked(db)) == 1


@pytest.mark.parametrize(
    "limit", [0, -1, 1.5, "two", {"id": "g"}, {"limit": 1}, {"id": "g", "limit": 0}, [1]]
)
def test_a_limit_that_is_none_is_refused(db: Database, builders: Builders, limit: object) -> None:
    endpoint = builders.endpoint()
    with refused("JQ010", "jobs[0].concurrencyLimit"):
        reindex(db, endpoint, job(concurrencyLimit=limit))
    assert queued(db) == []


def test_queues_are_listed_as_they_stand(db: Database, builders: Builders) -> None:
    group = {"id": "mails", "limit": 1}
    endpoint = builders.endpoint(
        job("a", event="a", concurrencyLimit=group),
        job("b", event="b", concurrencyLimit=group),
        job("alone", event="c", concurrencyLimit=1),
    )
    id = endpoint.environment.id
    builders.runs(3, endpoint, event="a")
    builders.claims()

    def stands() -> list[tuple[object, ...]]:
        return [tuple(row) for row in db.call("list_queues", id)]

    assert stands() == [("mails", 1, ["a", "b"], 1, 2, False)]
    db.call("pause_queue", id, "mails")
    assert stands() == [("mails", 1, ["a", "b"], 1, 2, True)]
