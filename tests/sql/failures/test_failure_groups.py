"""Kinds of failures are found and counted, however many failures there are."""

from __future__ import annotations

from datetime import timedelta

from tests.support.builders import Builders, Endpoint, job
from tests.support.database import Database
from tests.support.refusals import refused


def fail(builders: Builders, app: Endpoint, event: str, message: str) -> str:
    run = builders.run(app, event=event)
    builders.claim(run).reply("ERROR", error={"message": message})
    return run.id


def copy(db: Database, run_id: str, count: int, age: timedelta) -> None:
    """Let as many runs have failed in the same way, that long ago."""
    db.execute(
        """
        insert into perdure.run_failures
        select
            perdure._id_at(n + (date_part('epoch', perdure.clock() - x.age) * 4096000)::bigint),
            f.environment_id, f.job_id, f.fingerprint, f.task_id, perdure.clock() - x.age, f.status,
            f.error_name, f.message, f.task_key
        from perdure.run_failures as f, generate_series(1, %s) as n, (select %s::interval as age) as x
        where f.run_id = %s
        """,
        count,
        age,
        run_id,
    )


def test_groups_are_newest_first_counted_in_the_window_and_capped(db: Database, builders: Builders) -> None:
    app = builders.endpoint(job(), job("pay", event="pay"))
    many = fail(builders, app, "greet", "no order 1")
    copy(db, many, 12_000, timedelta(minutes=5))
    few = fail(builders, app, "pay", "no order 1")
    copy(db, few, 3, timedelta(hours=2))
    copy(db, few, 4, timedelta(days=3))
    environment = app.environment.id

    first, second = db.call("list_failure_groups", environment, window=timedelta(days=1), limit=2)
    assert [(first.job, first.failures), (second.job, second.failures)] == [("pay", 4), ("greet", 10_001)]
    assert (first.last_run_id, len(first.buckets), sum(first.buckets)) == (few, 24, 4)
    assert first.last_seen_at - first.first_seen_at > timedelta(days=2)
    (everything,) = db.call("list_failure_groups", environment, p_job="pay")
    assert (everything.failures, everything.buckets) == (8, None)
    (older,) = db.call("list_failure_groups", environment, before=few)
    assert older.last_run_id == many
    assert db.call("list_failure_groups", builders.environment().id) == []
    with refused("JQ010", "p_bucket"):
        db.call("list_failure_groups", environment, window=timedelta(days=1), bucket=timedelta(seconds=1))


def test_redriving_takes_the_oldest_first(db: Database, builders: Builders) -> None:
    runs = builders.runs(3)
    for claim in builders.claims():
        claim.apply("UNREACHABLE", message="nobody there")
    environment = runs[0].environment.id
    assert db.call("redrive_dead_letters", environment, 2) == 2
    assert [run.status for run in runs] == ["QUEUED", "QUEUED", "FAILURE"]
    assert db.call("redrive_dead_letters", builders.environment().id) == 0
    assert db.call("redrive_dead_letters", environment) == 1
    assert db.rows("select from perdure.run_failures") == []
    assert db.call("redrive_dead_letters", environment) == 0
