"""Schedules that are attached to a dynamic one at run time (protocol 9)."""

from datetime import timedelta
from typing import Any

import pytest

from tests.sql.rows import snapshot
from tests.sql.schedules.schedule_app import ScheduleApp, attached, cron, interval, scheduled
from tests.support.builders import Builders
from tests.support.concurrency import blocked_until
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused

MINUTE = timedelta(minutes=1)


def test_a_tick_starts_all_jobs_of_the_dynamic_schedule(app: ScheduleApp, clock: Clock) -> None:
    app.index(attached("first"), attached("second"), dynamicSchedules=[{"id": "tenants", "jobs": []}])
    schedule = interval(accountId="anna", metadata={"z": 1, "a": None})
    answer = app.register("acme/1", schedule)
    assert answer == {"id": "acme/1", "schedule": schedule, "metadata": schedule["metadata"], "active": True}
    app.register("globex", interval(3600))
    assert app.row("acme/1").dynamic_schedule == "tenants"
    clock.advance(MINUTE)
    assert app.promote() == 1
    (tick,) = app.ticks()
    assert tick.source_context == {"id": "acme/1", "metadata": {"z": 1, "a": None}}
    assert tick.account == "anna"
    assert sorted(app.started()) == ["first", "second"]
    clock.advance(timedelta(hours=1))
    assert app.promote() == 2


def test_the_answer_is_a_schedule_that_could_be_sent_again(app: ScheduleApp) -> None:
    for schedule in (interval(20), cron("0 9 * * *"), cron("0 9 * * *", "Europe/Berlin", accountId="anna")):
        answer = app.register("k", schedule)
        assert answer == {"id": "k", "schedule": schedule, "active": True}
        due_at = app.due_at("k")
        assert app.register("k", answer["schedule"]) == answer
        assert app.due_at("k") == due_at


def test_the_same_key_again_changes_the_schedule(app: ScheduleApp, clock: Clock) -> None:
    app.register()
    due_at = app.due_at("one")
    clock.advance(timedelta(seconds=10))
    app.register("one", interval(metadata="new"))
    assert (app.due_at("one"), app.row("one").metadata) == (due_at, "new")
    app.register("one", interval(120))
    assert timedelta(seconds=100) < app.due_at("one") - clock.now() <= timedelta(seconds=120)
    assert app.db.value("select count(*) from perdure.schedules where key = 'one'") == 1


def test_metadata_is_kept_as_it_was_written(app: ScheduleApp) -> None:
    text = '{"b": 1.0, "a": "\\u0000", "b": 2}'
    body = f'{{"id": "one", "type": "interval", "options": {{"seconds": 60}}, "metadata": {text}}}'
    answer = app.db.value(
        "select perdure.register_schedule(%s, 'tenants', %s::json)::text", app.environment_id, body
    )
    assert answer.count(text) == 2


def test_one_that_is_unregistered_stops_and_may_come_back(app: ScheduleApp, clock: Clock) -> None:
    app.register()
    app.unregister()
    app.unregister()
    app.unregister("never was")
    assert (app.row("one").active, app.row("one").due_at) == (False, None)
    app.index(attached("first"), dynamicSchedules=[{"id": "tenants", "jobs": []}])
    clock.advance(2 * MINUTE)
    assert app.promote() == 0
    app.register()
    assert timedelta(0) < app.due_at("one") - clock.now() <= MINUTE


def test_one_that_no_job_has_any_more_ticks_for_nobody(app: ScheduleApp, clock: Clock) -> None:
    app.register()
    app.index()
    clock.advance(MINUTE)
    assert (app.promote(), app.ticks()) == (1, [])
    app.index(attached("first"), dynamicSchedules=[{"id": "tenants", "jobs": []}])
    clock.advance(MINUTE)
    assert (app.promote(), app.started()) == (1, ["first"])


def test_in_development_registered_ones_wait_to_be_switched_on(db: Database, builders: Builders) -> None:
    app = ScheduleApp(
        db, builders.endpoint(attached("first"), dynamicSchedules=[{"id": "tenants", "jobs": []}])
    )
    assert app.register()["active"] is True
    assert app.row("one").due_at is None
    assert app.enable(True) == 1
    assert app.row("one").due_at is not None


def test_the_same_key_of_two_dynamic_schedules_are_two(app: ScheduleApp) -> None:
    both = [{"id": "tenants", "jobs": []}, {"id": "users", "jobs": []}]
    app.index(attached("first"), attached("x", "users"), dynamicSchedules=both)
    app.register("one")
    app.register("one", interval(20), slug="users")
    app.unregister("one")
    rows = app.db.rows(
        "select dynamic_schedule as slug, active from perdure_views.schedules where key = 'one'"
    )
    assert {row.slug: row.active for row in rows} == {"tenants": False, "users": True}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (None, ["p_body.id"]),
        ([], ["p_body.id"]),
        (interval(), ["p_body.id"]),
        ({"id": "", **interval()}, ["p_body.id"]),
        ({"id": "x" * 501, **interval()}, ["p_body.id", "500"]),
        ({"id": "a"}, ["p_body.type"]),
        ({"id": "a", **interval(5)}, ["p_body.options.seconds", "5"]),
        ({"id": "a", **cron("x")}, ["p_body.options", "five fields"]),
        ({"id": "a", **cron(zone="Mars/Base")}, ["p_body.options", "time zone"]),
    ],
)
def test_a_malformed_registration_is_refused(app: ScheduleApp, body: Any, words: list[str]) -> None:
    before = snapshot(app.db)
    with refused("JQ010", *words):
        app.db.call("register_schedule", app.environment_id, "tenants", body)
    assert snapshot(app.db) == before


def test_only_a_dynamic_schedule_of_the_environment_takes_schedules(
    app: ScheduleApp, builders: Builders
) -> None:
    app.index(attached("x", "repo"), dynamicTriggers=[{"id": "repo", "jobs": []}])
    elsewhere = ScheduleApp(app.db, builders.endpoint())
    for asked, slug in ((app, "unheard-of"), (app, "repo"), (elsewhere, "tenants")):
        with refused("JQ001", slug):
            asked.register(slug=slug)
        with refused("JQ001", slug):
            asked.unregister(slug=slug)


def test_two_registrations_of_a_key_at_once_make_one_schedule(app: ScheduleApp, other: Database) -> None:
    app.db.execute("begin")
    app.register("one", interval(60))
    second = ScheduleApp(other, app.endpoint)
    (answer,) = blocked_until(app.db, "commit", (other, lambda: second.register("one", interval(90))))
    assert answer["schedule"]["options"] == {"seconds": 90}
    assert app.row("one").seconds == 90


def test_one_registered_while_schedules_are_switched_off_does_not_fire(
    app: ScheduleApp, other: Database
) -> None:
    app.db.execute("begin")
    app.enable(False)
    second = ScheduleApp(other, app.endpoint)
    blocked_until(app.db, "commit", (other, lambda: second.register("one")))
    assert app.row("one").due_at is None


def test_reading_the_app_and_switching_do_not_wait_for_each_other(app: ScheduleApp, other: Database) -> None:
    reader = ScheduleApp(other, app.endpoint)
    app.db.execute("begin")
    app.db.execute("select from perdure.environments for no key update")  # how set_schedules_enabled begins
    blocked_until(
        app.db,
        f"select perdure.set_schedules_enabled('{app.environment_id}', false); commit",
        (other, lambda: reader.index(scheduled("tick", enabled=False), scheduled("new"))),
    )
    assert (app.row("tick").active, app.row("new").active, app.row("new").due_at) == (False, True, None)
