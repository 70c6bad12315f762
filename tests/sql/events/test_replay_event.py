"""A stored event once more."""

from typing import Any

from tests.sql.schedules.conftest import app
from tests.sql.schedules.schedule_app import ScheduleApp
from tests.support.builders import Builders, job
from tests.support.database import Database
from tests.support.refusals import refused

__all__ = ["app"]


def stored(db: Database, event_id: str) -> Any:
    (row,) = db.rows("select * from perdure_views.events where event_id = %s", event_id)
    return row


def test_a_replay_is_a_new_event_that_starts_what_listens_today(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job("greet", rule={"payload": {"n": [{"$gt": 0}]}}))
    environment = endpoint.environment.id
    event = {"name": "greet", "id": "e", "payload": {"n": 1}, "context": {"who": "ada"}, "isTest": True}
    db.call("send_events", environment, [event], {"accountId": "user-7", "tags": ["vip"]})
    replayed = db.call("replay_event", environment, "e")
    old, new = stored(db, "e"), stored(db, replayed["id"])
    assert new.id != old.id
    assert new.replayed_id == old.id
    assert old.replayed_id is None
    same = ("name", "source", "payload", "context", "account", "is_test", "run_tags", "happened_at")
    assert [getattr(new, name) for name in same] == [getattr(old, name) for name in same]
    (run,) = db.call("list_event_runs", environment, replayed["id"])
    assert (run.job, run.status) == ("greet", "QUEUED")
    again = db.call("replay_event", environment, "e")
    assert again["id"] not in ("e", replayed["id"])


def test_what_is_still_to_be_delivered_is_not_replayed_and_what_was_taken_back_is(
    db: Database, builders: Builders
) -> None:
    environment = builders.endpoint().environment.id
    db.call("send_events", environment, [{"name": "greet", "id": "later"}], {"deliverAfter": 3600})
    with refused("JQ002", "still to be delivered"):
        db.call("replay_event", environment, "later")
    db.call("cancel_event", environment, "later")
    replayed = db.call("replay_event", environment, "later")
    assert len(db.call("list_event_runs", environment, replayed["id"])) == 1


def test_an_invocation_starts_its_job_again(db: Database, builders: Builders) -> None:
    environment = builders.endpoint(job("greet", event="never")).environment.id
    db.call("invoke_job", environment, "greet", {"n": 1}, p_idempotency_key="i")
    replayed = db.call("replay_event", environment, "i")
    assert [run.job for run in db.call("list_event_runs", environment, replayed["id"])] == ["greet"]


def test_a_tick_starts_its_jobs_again(app: ScheduleApp) -> None:
    app.register("one")
    event_id = app.db.call("fire_schedule", app.environment_id, app.row("one").id)
    app.db.call("replay_event", app.environment_id, event_id)
    assert app.started() == ["first", "second", "first", "second"]
