"""The schedules of jobs, as an endpoint declares them (protocol 9 and 14)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sql.rows import snapshot
from tests.sql.schedules.schedule_app import MISSING_HOUR, ScheduleApp, attached, cron, interval, scheduled
from tests.support.builders import Builders, job
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused

SOON = timedelta(seconds=10)
MINUTE = timedelta(minutes=1)


def test_a_job_s_schedule_is_due_after_its_first_interval(app: ScheduleApp, clock: Clock) -> None:
    row = app.row()
    assert (row.job, row.dynamic_schedule, row.type, row.seconds, row.cron) == (
        "tick",
        None,
        "interval",
        60,
        None,
    )
    assert (row.active, row.last_fired_at, row.problem) == (True, None, None)
    assert timedelta(0) < row.due_at - clock.now() <= MINUTE
    assert app.promote() == 0


def test_cron_in_a_time_zone_with_account_and_metadata(app: ScheduleApp) -> None:
    app.index(
        scheduled("c", cron("30 9 * * *", "Asia/Kathmandu", accountId="anna", metadata={"b": 1, "a": [2]}))
    )
    row = app.row("c")
    assert (row.type, row.cron, row.time_zone, row.seconds) == ("cron", "30 9 * * *", "Asia/Kathmandu", None)
    assert (row.account, row.metadata) == ("anna", {"b": 1, "a": [2]})
    assert f"{row.due_at.astimezone(UTC):%H:%M:%S}" == "03:45:00"
    app.index(scheduled("c", cron("30 9 * * *")))
    row = app.row("c")
    assert (row.time_zone, row.account, row.metadata) == ("UTC", None, None)
    assert f"{row.due_at.astimezone(UTC):%H:%M:%S}" == "09:30:00"


def test_reading_the_app_again_does_not_put_the_next_fire_off(app: ScheduleApp, clock: Clock) -> None:
    due_at = app.due_at()
    clock.advance(SOON)
    app.index(scheduled())
    assert app.due_at() == due_at
    app.index(scheduled(version="1.1.0", schedule=interval(metadata={"new": True}, accountId="anna")))
    assert (app.due_at(), app.row().metadata, app.row().account) == (due_at, {"new": True}, "anna")
    clock.advance(3 * MINUTE)  # due, and nobody has come by yet
    app.index(scheduled(version="1.1.0"))
    assert (app.promote(), app.started()) == (1, ["tick"])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (interval(60), interval(3600)),
        (cron("0 9 * * *"), cron("0 10 * * *")),
        (cron("0 9 * * *"), cron("0 9 * * *", "Europe/Berlin")),
        (cron("* * * * *"), interval(3600)),
    ],
)
def test_a_schedule_with_another_timing_begins_anew(
    app: ScheduleApp, clock: Clock, before: dict[str, Any], after: dict[str, Any]
) -> None:
    app.index(scheduled(schedule=before))
    id, due_at = app.row().id, app.due_at()
    clock.advance(SOON)
    app.index(scheduled(schedule=after))
    assert (app.row().id, app.row().active) == (id, True)
    assert app.due_at() != due_at
    assert app.due_at() > clock.now()
    if after["type"] == "interval":
        assert timedelta(seconds=3590) < app.due_at() - clock.now() <= timedelta(hours=1)


@pytest.mark.parametrize(
    "jobs",
    [
        [scheduled(enabled=False)],
        [job("other")],
        [],
        [job("tick")],
        [attached("tick")],
        [scheduled(version="0.9.0"), job("other")],
    ],
    ids=["disabled", "missing", "all missing", "event", "dynamic", "older version"],
)
def test_a_job_without_its_schedule_stops_and_may_come_back(
    app: ScheduleApp, clock: Clock, jobs: list[dict[str, Any]]
) -> None:
    app.index(*jobs)
    clock.advance(2 * MINUTE)
    if any(each["version"] == "0.9.0" for each in jobs):  # 1.0.0 is still the newest
        assert (app.row().active, app.promote()) == (True, 1)
        return
    row = app.row()
    assert (row.active, row.due_at, app.promote(), app.started()) == (False, None, 0, [])
    app.index(scheduled())
    assert app.row().id == row.id
    assert timedelta(0) < app.due_at() - clock.now() <= MINUTE
    clock.advance(MINUTE)
    assert (app.promote(), app.started()) == (1, ["tick"])


def test_the_newest_version_says_when(app: ScheduleApp) -> None:
    app.index(scheduled(version="2.0.0", schedule=interval(3600)))
    app.index(scheduled(version="1.5.0", schedule=interval(20)))
    assert app.row().seconds == 3600


def test_two_apps_of_an_environment_leave_each_others_alone(app: ScheduleApp, builders: Builders) -> None:
    builders.endpoint(scheduled("other"), environment=app.endpoint.environment, slug="b")
    assert (app.row().active, app.row("other").active) == (True, True)
    app.index(scheduled())
    assert (app.row().active, app.row("other").active) == (True, True)
    app.index()
    assert (app.row().active, app.row("other").active) == (False, True)


def test_in_development_schedules_wait_to_be_switched_on(
    db: Database, builders: Builders, clock: Clock
) -> None:
    app = ScheduleApp(db, builders.endpoint(scheduled()))  # the environment dev
    assert (app.row().active, app.row().due_at) == (True, None)
    clock.advance(2 * MINUTE)
    assert (app.promote(), db.call("promote_due")[0].next_due_ms) == (0, None)
    assert app.enable(True) == 1
    due_at = app.due_at()
    assert timedelta(0) < due_at - clock.now() <= MINUTE
    assert app.enable(True) == 1
    assert app.due_at() == due_at  # on already
    clock.advance(MINUTE)
    assert app.promote() == 1
    clock.advance(MINUTE)
    assert app.enable(False) == 1
    assert (app.row().active, app.row().due_at, app.promote()) == (True, None, 0)
    app.index(scheduled(), scheduled("late"))
    assert (app.row("late").active, app.row("late").due_at) == (True, None)
    assert app.enable(True) == 2
    assert (app.started(), app.promote()) == (["tick"], 0)


def test_switching_leaves_other_environments_alone(app: ScheduleApp, builders: Builders) -> None:
    staging = builders.environment("stg", project=app.endpoint.environment.project)
    builders.endpoint(scheduled("elsewhere"), environment=staging)
    app.enable(False)
    assert (app.row().due_at, app.row("elsewhere").due_at is not None) == (None, True)
    rows = app.db.rows("select slug, schedules_enabled as enabled from perdure_views.environments")
    assert {row.slug: row.enabled for row in rows} == {"dev": False, "stg": True, "prod": False, "prev": True}


def test_only_an_environment_can_be_switched(db: Database, app: ScheduleApp) -> None:
    with refused("JQ001", "environment"):
        db.call("set_schedules_enabled", "00000000-0000-0000-0000-000000000000", True)
    with refused("JQ010", "p_enabled"):
        db.call("set_schedules_enabled", app.environment_id, None)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (None, ["schedule.type", "absent"]),
        ("hourly", ["schedule.type", "interval or cron"]),
        ({"type": "sometimes", "options": {}}, ["schedule.type", "sometimes"]),
        ({"type": "cron"}, ["schedule.options", "object"]),
        (interval(None), ["options.seconds", "null"]),
        (interval("60"), ["options.seconds", '"60"']),
        (interval(19), ["options.seconds", "20..2592000", "19"]),
        (interval(2_592_001), ["options.seconds", "2592001"]),
        (interval(20.5), ["options.seconds", "20.5"]),
        (interval(10**30), ["options.seconds"]),
        ({"type": "interval", "options": {"cron": "* * * * *"}}, ["options.seconds", "absent"]),
        ({"type": "interval", "options": {"seconds": 60, "timezone": "UTC"}}, ["options.timezone"]),
        (interval(accountId=""), ["schedule.accountId"]),
        (interval(accountId=5), ["schedule.accountId"]),
        (cron(5), ["options.cron", "five fields"]),
        (cron("* * * *"), ["options", "five fields"]),
        (cron("61 * * * *"), ["options", "minute", "'61'"]),
        (cron("0 0 30 2 *"), ["options", "never"]),
        (cron(MISSING_HOUR, "Europe/Berlin"), ["options", "does not fire"]),
        (cron(zone="Europe/Berln"), ["options", "time zone", "Berln"]),
        (cron(zone=1), ["options.timezone"]),
    ],
)
def test_a_malformed_schedule_is_refused_with_the_whole_manifest(
    app: ScheduleApp, schedule: Any, words: list[str]
) -> None:
    bad = scheduled("bad")
    bad["trigger"]["schedule"] = schedule
    before = snapshot(app.db)
    with refused("JQ010", "jobs[1].trigger.schedule", *words):
        app.index(job(), bad)
    assert snapshot(app.db) == before


def test_bounds_and_forms_that_are_taken(app: ScheduleApp) -> None:
    app.index(
        scheduled("a", interval(20)),
        scheduled("b", interval(2_592_000)),
        scheduled("c", interval(20.0)),
        scheduled("d", {"type": "cron", "options": {"cron": "@daily", "timezone": None}, "accountId": None}),
    )
    assert [app.row(key).seconds for key in "abcd"] == [20, 2_592_000, 20, None]


def test_a_preview_shows_the_next_fires(pure_db: Database) -> None:
    after = datetime(2024, 3, 30, 12, tzinfo=UTC)

    def preview(schedule: Any, count: int = 3) -> list[str]:
        rows = pure_db.call("preview_schedule", schedule, count, after)
        return [f"{row.fires_at.astimezone(UTC):%m-%d %H:%M:%S}" for row in rows]

    assert preview(cron("30 2 * * *", "Europe/Berlin")) == [
        "03-31 01:00:00",
        "04-01 00:30:00",
        "04-02 00:30:00",
    ]
    assert preview(interval(20)) == ["03-30 12:00:20", "03-30 12:00:40", "03-30 12:01:00"]
    assert len(pure_db.call("preview_schedule", interval())) == 10
    with refused("JQ010", "p_schedule.options", "minute"):
        preview(cron("99 * * * *"))
    with refused("JQ010", "p_count"):
        preview(interval(), 1001)
