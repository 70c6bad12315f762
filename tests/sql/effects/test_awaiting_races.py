"""Waits for events against senders in other transactions: no event is lost, and nobody waits long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.sql.effects.effects import awaiting, go_round, payload_of, send, sending
from tests.sql.rows import queued
from tests.support.builders import Builders, Claim
from tests.support.concurrency import blocked_until
from tests.support.database import Database
from tests.support.fix_clock import Clock


@pytest.fixture
def claim(builders: Builders) -> Claim:
    return builders.claim()


@pytest.fixture
def fourth(db: Database) -> Iterator[Database]:
    with Database(db.url) as connection:
        connection.execute("set statement_timeout = '20s'")
        yield connection


def look_ups(db: Database) -> int:
    count: int = db.value("select count(*) from perdure.event_look_ups")
    return count


def look_again(db: Database, clock: Clock, times: int = 1) -> None:
    for _ in range(times):
        clock.advance(timedelta(seconds=31))  # longer than between any two looks
        go_round(db)


@pytest.mark.parametrize("sent_first", [True, False])
@pytest.mark.parametrize("looked", [0, 3])
def test_neither_sees_the_other(
    db: Database, other: Database, clock: Clock, claim: Claim, sent_first: bool, looked: int
) -> None:
    """The sender's transaction and the wait's overlap; the sender's ends last."""
    other.execute("begin")
    if sent_first:
        send(other, claim, {"payload": 1})
        claim.reply("RESUME_WITH_TASK", task=awaiting("paid"))
    else:
        db.execute("begin")
        claim.reply("RESUME_WITH_TASK", task=awaiting("paid"))
        send(other, claim, {"payload": 1})
        db.execute("commit")
    for _ in range(looked):
        look_again(db, clock)
    assert payload_of(db, claim, "paid") is None
    other.execute("commit")
    assert queued(db) == []
    look_again(db, clock)
    assert (payload_of(db, claim, "paid"), queued(db)) == (1, [claim.run_id])
    assert look_ups(db) == 0


def test_looking_ends_when_no_such_transaction_is_left(
    db: Database, other: Database, clock: Clock, claim: Claim
) -> None:
    other.execute("begin")
    other.call("new_id")
    other.execute("create temp table writes (a int)")
    claim.stored(awaiting("paid"))
    look_again(db, clock, 2)
    assert look_ups(db) == 1
    other.execute("rollback")
    with db.as_role("perdure_owner") as later:
        later.execute("begin")
        later.execute("create temp table writes (a int)")
        look_again(db, clock)
        assert look_ups(db) == 0  # one that began later would have seen the wait
        later.execute("rollback")


def test_it_is_looked_for_more_and_more_seldom(
    db: Database, other: Database, clock: Clock, claim: Claim
) -> None:
    other.execute("begin")
    other.execute("create temp table writes (a int)")
    claim.stored(awaiting("paid", timeoutInSeconds=86400))

    def pause_after_a_look() -> timedelta:
        db.call("promote_due")
        pause: timedelta = db.value("select due_at - perdure.clock() from perdure.event_look_ups")
        return pause

    first = pause_after_a_look()
    assert first <= timedelta(milliseconds=50)
    clock.advance(timedelta(seconds=4))
    assert first < pause_after_a_look() < timedelta(seconds=2)
    clock.advance(timedelta(hours=1))
    assert timedelta(seconds=29) < pause_after_a_look() <= timedelta(seconds=30)


def test_a_sender_with_an_old_snapshot_loses_nothing(
    db: Database, other: Database, clock: Clock, claim: Claim
) -> None:
    other.execute("begin isolation level repeatable read")
    assert other.value("select count(*) from perdure.event_dispatchers where url is not null") == 0
    claim.stored(awaiting("paid"))
    look_again(db, clock)
    assert look_ups(db) == 0
    (sent,) = send(other, claim, {"payload": 1})
    assert sent["deliveredAt"] is None
    other.execute("commit")
    go_round(db)
    assert payload_of(db, claim, "paid") == 1


@pytest.mark.parametrize(("end", "found"), [("commit", 1), ("rollback", 2)])
def test_senders_do_not_wait_for_each_other(
    db: Database, other: Database, third: Database, clock: Clock, claim: Claim, end: str, found: int
) -> None:
    claim.stored(awaiting("paid"))
    go_round(db)
    other.execute("begin")
    send(other, claim, {"payload": 1})
    send(third, claim, {"payload": 2})  # while the first sender holds the wait
    other.execute(end)
    look_again(db, clock)
    assert payload_of(db, claim, "paid") == found
    assert look_ups(db) == 0


def test_a_wait_that_a_sender_holds_may_be_ended(
    db: Database, other: Database, clock: Clock, claim: Claim
) -> None:
    claim.stored(awaiting("one"))
    go_round(db)
    other.execute("begin")
    send(other, claim, {"payload": 1})
    other_environment = claim.body["environment"]["id"]
    db.execute("set statement_timeout = '10s'")
    db.call("cancel_run", other_environment, claim.run_id)
    other.execute("commit")
    go_round(db)
    assert db.value("select count(*) from perdure.event_dispatchers where url is not null") == 0
    assert db.call("doctor") == []


def test_two_waits_of_a_run_at_once_take_two_events(
    db: Database, other: Database, claim: Claim, clock: Clock
) -> None:
    send(db, claim, {"payload": 1}, {"payload": 2})
    call = {
        "environmentId": claim.body["environment"]["id"],
        "runId": claim.run_id,
        "leaseNumber": claim.lease_number,
    }
    db.execute("begin")
    claim.stored(awaiting("one"))
    ((row,),) = blocked_until(
        db, "commit", (other, lambda: other.call("upsert_tasks", [{**call, "task": awaiting("two")}]))
    )
    assert row.response["output"]["payload"] == 2
    assert payload_of(db, claim, "one") == 1


def test_batches_in_opposite_order_do_not_wait_for_each_other(
    db: Database, other: Database, third: Database, builders: Builders
) -> None:
    """Two batches that wait and send for the same runs, in opposite order."""
    builders.runs(3, builders.endpoint())
    claims = builders.claims()

    def call(claim: Claim, task: dict[str, Any]) -> dict[str, Any]:
        environment_id = claim.body["environment"]["id"]
        return {
            "environmentId": environment_id,
            "runId": claim.run_id,
            "leaseNumber": claim.lease_number,
            "task": task,
        }

    for claim in claims:
        claim.stored(awaiting("before", "b"))
    first = [call(claim, awaiting("a")) for claim in claims] + [call(claims[0], sending("s", {"name": "b"}))]
    second = [call(claim, awaiting("c")) for claim in reversed(claims)] + [
        call(claims[2], sending("s", {"name": "b"}))
    ]
    db.execute("begin")
    db.rows("select id from perdure.runs where id = %s for update", claims[1].run_id)
    answers = blocked_until(
        db,
        "rollback",
        (other, lambda: [row.response["status"] for row in other.call("upsert_tasks", first)]),
        (third, lambda: [row.response["status"] for row in third.call("upsert_tasks", second)]),
    )
    assert answers == [["WAITING"] * 3 + ["COMPLETED"]] * 2


def test_under_load_every_event_ends_one_wait(
    db: Database, other: Database, third: Database, fourth: Database, clock: Clock, builders: Builders
) -> None:
    """Senders, waits and dispatchers side by side, in no order: as many waits end as events were sent."""
    runs, rounds = 4, 6
    builders.runs(runs, builders.endpoint())
    claims = builders.claims()

    def sender(connection: Database) -> None:
        for number in range(rounds):
            connection.execute("begin")
            send(connection, claims[0], {"payload": number}, {"payload": number})
            connection.execute("commit")

    def waiter(connection: Database) -> None:
        for number in range(rounds):
            for claim in claims:
                own = replace(claim, db=connection)
                own.stored(awaiting(f"wait-{number}"), awaiting(f"more-{number}"))

    def dispatcher(connection: Database) -> None:
        for _ in range(3 * rounds):
            go_round(connection)

    work: list[tuple[Callable[[Database], None], Database]] = [
        (sender, other),
        (waiter, third),
        (dispatcher, fourth),
    ]
    with ThreadPoolExecutor(len(work)) as pool:
        for future in [pool.submit(part, connection) for part, connection in work]:
            future.result(timeout=60)
    look_again(db, clock, 2)
    for claim in claims:
        rows = db.rows(
            "select output ->> 'id' as id, status from perdure.tasks where run_id = %s", claim.run_id
        )
        assert {row.status for row in rows} == {"COMPLETED"}
        assert len({row.id for row in rows}) == 2 * rounds
    assert look_ups(db) == 0
    assert db.value("select count(*) from perdure.event_dispatchers where url is not null") == 0
