"""What apps are asked and told about runs: their properties before they start, their end."""

from datetime import timedelta
from typing import Any

import pytest

from tests.sql.deliveries.delivering import answer, apply, body_of, claim, failure, statuses
from tests.sql.rows import queued, run_row
from tests.support.builders import Builders, Endpoint, Run, job
from tests.support.database import Database
from tests.support.fix_clock import Clock

PROPERTIES = [{"label": "Shop", "text": "acme"}]


@pytest.fixture
def asking(builders: Builders) -> Run:
    """A run in production whose app is to be asked for its properties."""
    endpoint = builders.endpoint(job(preprocessRuns=True), environment=builders.environment("prod"))
    return builders.run(endpoint, payload={"n": 1})


def test_a_run_starts_when_its_properties_are_there(asking: Run, db: Database) -> None:
    assert (asking.status, queued(db)) == ("PENDING", [])
    (claimed,) = claim(db)
    assert (claimed.kind, claimed.action) == ("PREPROCESS", "PREPROCESS_RUN")
    asked = body_of(claimed)
    assert asked["run"] == {"id": asking.id, "isTest": False}
    assert (asked["event"]["payload"], asked["job"]) == ({"n": 1}, {"id": "greet", "version": "1.0.0"})
    assert (asked["environment"]["slug"], asked["organization"]["slug"]) == ("prod", "acme")
    assert "account" not in asked
    assert apply(db, answer(claimed, {"abort": False, "properties": PROPERTIES})) == ["DELIVERED"]
    assert (run_row(db, asking.id).properties, queued(db)) == (PROPERTIES, [asking.id])


def test_a_run_starts_without_properties_when_the_app_has_none_to_give(
    asking: Run, db: Database, clock: Clock
) -> None:
    for attempt in range(1, 4):  # soon: the run waits
        assert queued(db) == []
        (claimed,) = claim(db, kind="PREPROCESS")
        bad = answer(claimed, status=404) if attempt % 2 else failure(claimed)
        outcome = apply(db, bad)
        clock.advance(timedelta(seconds=4))
    assert outcome == ["FAILED"]
    assert (run_row(db, asking.id).properties, queued(db)) == (None, [asking.id])


def test_a_run_starts_although_nobody_ever_answers(asking: Run, db: Database, clock: Clock) -> None:
    for _ in range(14):
        assert len(claim(db)) == 1
        clock.advance(timedelta(minutes=2))
    assert claim(db) == []
    assert (asking.status, queued(db)) == ("QUEUED", [asking.id])


def test_a_cancelled_run_is_not_asked_about(asking: Run, db: Database) -> None:
    db.call("cancel_run", asking.environment.id, asking.id)
    assert claim(db) == []
    assert (asking.status, queued(db)) == ("CANCELED", [])
    assert ("PREPROCESS", "FAILED") in statuses(db)


def test_an_answer_about_a_run_cancelled_meanwhile_changes_nothing(asking: Run, db: Database) -> None:
    (claimed,) = claim(db)
    db.call("cancel_run", asking.environment.id, asking.id)
    assert apply(db, answer(claimed, {"properties": PROPERTIES})) == ["DELIVERED"]
    assert (run_row(db, asking.id).properties, queued(db)) == (None, [])


def test_listeners_are_told_up_to_thirteen_times(
    db: Database, builders: Builders, production: Endpoint, clock: Clock
) -> None:
    run = builders.run(production)
    metadata: dict[str, Any] = {"metadata": {"successSubscription": True}}
    reply = {"status": "SUCCESS", "output": 7}
    builders.claim(run).apply("REPLY", httpStatus=200, reply=reply, **metadata)
    for attempt in range(1, 14):
        (claimed,) = claim(db, kind="RUN_NOTIFICATION")
        assert (claimed.action, claimed.url) == ("RUN_NOTIFICATION", production.url)
        assert claimed.lease_number == attempt
        told = body_of(claimed)
        assert (told["id"], told["ok"], told["output"]) == (run.id, True, 7)
        outcome = apply(db, answer(claimed, "<h1>Error</h1>", status=500))
        clock.advance(timedelta(hours=1))
    assert outcome == ["FAILED"]


def test_listeners_are_told_once_when_they_answer(
    db: Database, builders: Builders, production: Endpoint
) -> None:
    claimed_run = builders.claim(builders.run(production))
    metadata = {"failedSubscription": True}
    claimed_run.apply(
        "REPLY", httpStatus=200, reply={"status": "ERROR", "error": {"message": "no"}}, metadata=metadata
    )
    (claimed,) = claim(db)
    assert body_of(claimed)["error"]["message"] == "no"
    assert apply(db, answer(claimed, {"ok": True})) == ["DELIVERED"]
    assert [kind for kind, _ in statuses(db)].count("RUN_NOTIFICATION") == 1
