"""Two connections at once: the same event from both, and an event on its way."""

from datetime import timedelta

import pytest

from tests.sql.rows import queued
from tests.support.builders import Builders
from tests.support.concurrency import blocked_until
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


@pytest.mark.parametrize(("end", "payload"), [("commit", {"n": 1}), ("rollback", {"n": 2})])
def test_the_same_event_from_two_connections_is_stored_once(
    db: Database, other: Database, builders: Builders, end: str, payload: dict[str, int]
) -> None:
    environment_id = builders.endpoint().environment.id
    db.execute("begin")
    db.call("send_event", environment_id, "greet", {"n": 1}, "e-1")
    (sent,) = blocked_until(
        db, end, (other, lambda: other.call("send_event", environment_id, "greet", {"n": 2}, "e-1"))
    )
    assert sent["payload"] == payload
    assert (db.value("select count(*) from perdure.events"), len(queued(db))) == (1, 1)


def test_events_in_opposite_order_do_not_wait_for_each_other(
    db: Database, other: Database, third: Database, builders: Builders
) -> None:
    environment_id = builders.endpoint().environment.id
    events = [{"name": "greet", "id": f"e-{n}"} for n in range(4)]
    db.execute("begin")
    db.call("send_events", environment_id, events[1:2])
    answers = blocked_until(
        db,
        "rollback",
        (other, lambda: [event["id"] for event in other.call("send_events", environment_id, events)]),
        (third, lambda: [event["id"] for event in third.call("send_events", environment_id, events[::-1])]),
    )
    assert answers == [["e-0", "e-1", "e-2", "e-3"], ["e-3", "e-2", "e-1", "e-0"]]
    assert len(queued(db)) == 4


def test_an_event_that_is_being_delivered_can_no_longer_be_cancelled(
    db: Database, other: Database, builders: Builders, clock: Clock
) -> None:
    environment_id = builders.endpoint().environment.id
    db.call("send_events", environment_id, [{"name": "greet", "id": "e-1"}], {"deliverAfter": 60})
    clock.advance(timedelta(seconds=61))
    db.execute("begin")
    assert db.call("promote_due")[0].delivered_events == 1
    with refused("JQ003", "delivered"):
        blocked_until(db, "commit", (other, lambda: other.call("cancel_event", environment_id, "e-1")))


def test_an_event_that_is_being_cancelled_is_not_delivered(
    db: Database, other: Database, builders: Builders, clock: Clock
) -> None:
    environment_id = builders.endpoint().environment.id
    db.call("send_events", environment_id, [{"name": "greet", "id": "e-1"}], {"deliverAfter": 60})
    clock.advance(timedelta(seconds=61))
    db.execute("begin")
    db.call("cancel_event", environment_id, "e-1")
    assert other.call("promote_due")[0].delivered_events == 0  # does not wait
    db.execute("commit")
    assert other.call("promote_due") == [(0, 0, 0, None)]
    assert queued(db) == []
