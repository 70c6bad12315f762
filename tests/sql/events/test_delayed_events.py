"""Events that lie ahead: delivered in their time, changed or taken back before."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.sql.rows import queued, snapshot
from tests.support.builders import Builders, Endpoint
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


@pytest.fixture
def endpoint(builders: Builders) -> Endpoint:
    """An endpoint with one job that the event ``greet`` starts."""
    return builders.endpoint()


def send(db: Database, endpoint: Endpoint, options: dict[str, Any], **members: Any) -> dict[str, Any]:
    event = {"name": "greet", "id": "e-1", **members}
    (sent,) = db.call("send_events", endpoint.environment.id, [event], options)
    found: dict[str, Any] = sent
    return found


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_an_event_is_delivered_in_its_time(db: Database, endpoint: Endpoint, clock: Clock) -> None:
    before = clock.now()
    sent = send(db, endpoint, {"deliverAfter": 1.5})
    assert sent["deliveredAt"] is None
    assert instant(sent["deliverAt"]) >= before + timedelta(seconds=1.499)
    assert (queued(db), db.call("promote_due")[0].delivered_events) == ([], 0)
    clock.advance(timedelta(seconds=2))
    assert db.call("promote_due")[0].delivered_events == 1
    (run,) = db.call("get_event", endpoint.environment.id, "e-1")["runs"]
    assert queued(db) == [run["id"]]
    assert instant(send(db, endpoint, {})["deliveredAt"]) >= instant(sent["deliverAt"])
    assert db.call("promote_due") == [(0, 0, 0, None)]


@pytest.mark.parametrize(
    "options", [{"deliverAfter": 0}, {"deliverAt": "2024-01-31T12:00:00Z"}, {"deliverAt": None}]
)
def test_what_is_due_already_is_delivered_at_once(
    db: Database, endpoint: Endpoint, options: dict[str, Any]
) -> None:
    assert send(db, endpoint, options)["deliveredAt"] is not None
    assert len(queued(db)) == 1


def test_an_instant_counts_before_a_delay(db: Database, endpoint: Endpoint, clock: Clock) -> None:
    at = (clock.now() + timedelta(hours=2)).replace(microsecond=0)
    sent = send(db, endpoint, {"deliverAt": at.isoformat(), "deliverAfter": 5})
    assert instant(sent["deliverAt"]) == at


def test_an_event_that_lies_ahead_takes_what_is_sent_again(
    db: Database, endpoint: Endpoint, clock: Clock
) -> None:
    send(db, endpoint, {"deliverAfter": 60}, payload={"n": 1}, context={"c": 1}, source="first")
    before = clock.now()
    changed = send(db, endpoint, {"deliverAfter": 600}, payload={"n": 2}, context={"c": 2}, name="other")
    assert (changed["name"], changed["payload"], changed["context"]) == ("greet", {"n": 2}, {"c": 2})
    assert instant(changed["deliverAt"]) >= before + timedelta(seconds=599)
    clock.advance(timedelta(seconds=120))
    assert db.call("promote_due")[0].delivered_events == 0
    clock.advance(timedelta(seconds=500))
    assert db.call("promote_due")[0].delivered_events == 1


@pytest.mark.parametrize("seconds", [0, 4])
def test_what_would_be_due_in_less_than_five_seconds_changes_nothing(
    db: Database, endpoint: Endpoint, seconds: int
) -> None:
    first = send(db, endpoint, {"deliverAfter": 60}, payload={"n": 1})
    before = snapshot(db)
    assert send(db, endpoint, {"deliverAfter": seconds}, payload={"n": 2}) == first
    assert snapshot(db) == before


def test_a_delivered_event_is_not_put_off(db: Database, endpoint: Endpoint) -> None:
    first = send(db, endpoint, {}, payload={"n": 1})
    before = snapshot(db)
    assert send(db, endpoint, {"deliverAfter": 600}, payload={"n": 2}) == first
    assert snapshot(db) == before


def test_a_cancelled_event_is_never_delivered(db: Database, endpoint: Endpoint, clock: Clock) -> None:
    send(db, endpoint, {"deliverAfter": 60})
    cancelled = db.call("cancel_event", endpoint.environment.id, "e-1")
    assert (cancelled["id"], cancelled["deliveredAt"]) == ("e-1", None)
    assert instant(cancelled["cancelledAt"]) <= clock.now()
    before = snapshot(db)
    assert db.call("cancel_event", endpoint.environment.id, "e-1") == cancelled
    assert send(db, endpoint, {"deliverAfter": 600}) == cancelled
    assert send(db, endpoint, {}) == cancelled
    assert snapshot(db) == before
    clock.advance(timedelta(seconds=61))
    assert db.call("promote_due") == [(0, 0, 0, None)]
    assert queued(db) == []


def test_a_delivered_event_cannot_be_cancelled(db: Database, endpoint: Endpoint) -> None:
    send(db, endpoint, {})
    before = snapshot(db)
    with refused("JQ003", "'e-1'", "delivered", "cancel its runs"):
        db.call("cancel_event", endpoint.environment.id, "e-1")
    assert snapshot(db) == before
