"""Schedules that are due: each tick once, on time or late, and none that is made up for."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.sql.rows import queued
from tests.sql.schedules.schedule_app import MISSING_HOUR, ScheduleApp, cron, interval, scheduled
from tests.support.builders import Builders, job
from tests.support.database import Database
from tests.support.fix_clock import Clock

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def ms(at: datetime) -> str:
    """An instant as the wire shows it."""
    text = at.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def test_a_tick_is_an_event_and_a_run(app: ScheduleApp, builders: Builders, clock: Clock) -> None:
    app.index(scheduled(schedule=interval(metadata={"a": 1}, accountId="anna")))
    due_at = app.due_at()
    clock.advance(MINUTE)
    promoted = app.db.call("promote_due")[0]
    assert (promoted.delivered_events, 0 < promoted.next_due_ms <= 60_000) == (1, True)
    (tick,) = app.ticks()
    assert (tick.name, tick.source, tick.payload_type) == ("dev.trigger.scheduled", "trigger.dev", "JSON")
    assert (tick.payload, tick.context, tick.is_test) == ({"ts": ms(due_at)}, {}, False)
    assert tick.event_id == f"{app.row().id}:{int(due_at.timestamp() * 1000)}"
    assert tick.source_context == {"id": "tick", "metadata": {"a": 1}}
    assert (tick.happened_at, tick.account) == (due_at, "anna")
    assert tick.delivered_at is not None
    (claim,) = builders.claims()
    assert claim.body["event"]["payload"] == {"ts": ms(due_at)}
    assert claim.body["source"] == {"id": "tick", "metadata": {"a": 1}}
    assert claim.body["account"]["id"] == "anna"


def test_a_tick_goes_to_its_job_and_to_nobody_who_listens_to_its_name(app: ScheduleApp, clock: Clock) -> None:
    app.index(scheduled(), job("listener", event="dev.trigger.scheduled"), scheduled("other", interval(3600)))
    clock.advance(MINUTE)
    app.promote()
    assert app.started() == ["tick"]


def test_late_ticks_do_not_shift_those_that_follow(app: ScheduleApp, clock: Clock) -> None:
    first = app.due_at()
    for _ in range(3):
        clock.advance(MINUTE + 7 * SECOND)
        assert app.promote() == 1
    payloads = [tick.payload for tick in app.ticks()]
    instants = [ms(first + n * MINUTE) for n in range(3)]
    assert payloads == [
        {"ts": instants[0]},
        {"ts": instants[1], "lastTimestamp": instants[0]},
        {"ts": instants[2], "lastTimestamp": instants[1]},
    ]
    assert app.due_at() == first + 3 * MINUTE


@pytest.mark.parametrize("schedule", [interval(60), cron("* * * * *")], ids=["interval", "cron"])
def test_after_an_outage_of_three_days_there_is_one_tick(
    app: ScheduleApp, clock: Clock, schedule: dict
) -> None:
    app.index(scheduled(schedule=schedule))
    first = app.due_at()
    clock.advance(timedelta(days=3))
    assert (app.promote(), app.promote()) == (1, 0)
    assert [tick.payload for tick in app.ticks()] == [{"ts": ms(first)}]
    assert timedelta(0) < app.due_at() - clock.now() <= MINUTE
    assert (app.due_at() - first) % MINUTE == timedelta(0)
    clock.advance(MINUTE)
    app.promote()
    assert app.ticks()[-1].payload["lastTimestamp"] == ms(first)
    assert app.started() == ["tick"] * 2


def test_two_dispatchers_at_once_make_one_tick(app: ScheduleApp, other: Database, clock: Clock) -> None:
    clock.advance(MINUTE)
    second = ScheduleApp(other, app.endpoint)
    app.db.execute("begin")
    assert app.promote() == 1
    assert second.promote() == 0  # it passes over what the first has
    app.db.execute("commit")
    assert second.promote() == 0
    assert (app.started(), len(queued(app.db))) == (["tick"], 1)


def test_a_dispatcher_that_dies_between_leaves_the_tick_to_the_next(app: ScheduleApp, clock: Clock) -> None:
    due_at = app.due_at()
    clock.advance(MINUTE)
    app.db.execute("begin")
    assert app.promote() == 1
    app.db.execute("rollback")
    assert (app.ticks(), app.started(), app.due_at()) == ([], [], due_at)
    clock.advance(10 * SECOND)
    assert app.promote() == 1
    assert [tick.payload["ts"] for tick in app.ticks()] == [ms(due_at)]


def test_a_tick_whose_event_is_there_already_starts_nothing_again(app: ScheduleApp, clock: Clock) -> None:
    due_at = app.due_at()
    clock.advance(MINUTE)
    app.promote()
    app.postpone("tick", due_at)
    app.promote()
    assert (len(app.ticks()), app.started()) == (1, ["tick"])
    assert app.due_at() > clock.now()


@pytest.mark.parametrize(
    ("zone", "day", "instants"),
    [
        ("Europe/Berlin", "2027-03-27", ["27 01:30", "28 01:00", "29 00:30"]),  # 2:30 is skipped on the 28th
        ("Europe/Berlin", "2027-10-30", ["30 00:30", "31 00:30", "01 01:30"]),  # and shown twice on the 31st
    ],
)
def test_where_the_clocks_are_changed_there_is_a_tick_a_day(
    app: ScheduleApp, clock: Clock, zone: str, day: str, instants: list[str]
) -> None:
    app.index(scheduled(schedule=cron("30 2 * * *", zone)))
    clock.advance(datetime.fromisoformat(day).replace(tzinfo=UTC) - clock.now())
    app.postpone("tick", clock.now())
    app.promote()
    for _ in range(3 * 24):
        clock.advance(timedelta(hours=1))
        app.promote()
    fired = [datetime.fromisoformat(tick.payload["ts"]).astimezone(UTC) for tick in app.ticks()]
    assert [f"{at:%d %H:%M}" for at in fired[1:]] == instants


def test_a_job_that_is_disabled_while_it_is_due_does_not_start(app: ScheduleApp, clock: Clock) -> None:
    clock.advance(2 * MINUTE)
    app.index(scheduled(enabled=False))
    assert (app.promote(), app.started()) == (0, [])


def test_schedules_that_are_switched_off_while_due_do_not_start(app: ScheduleApp, clock: Clock) -> None:
    clock.advance(2 * MINUTE)
    app.enable(False)
    assert app.promote() == 0
    app.enable(True)
    assert (app.promote(), app.started()) == (0, [])


def test_a_limit_smaller_than_what_is_due_takes_the_oldest_first(app: ScheduleApp, clock: Clock) -> None:
    now = clock.now()
    app.index(*(scheduled(f"job-{n}", interval(3600)) for n in range(5)))
    for n in range(5):
        app.postpone(f"job-{n}", now - n * SECOND)
    first = app.db.call("promote_due", 2)[0]
    assert (first.delivered_events, first.next_due_ms) == (2, 0)
    assert app.started() == ["job-4", "job-3"]
    assert (app.promote(2), app.promote(2), app.promote(2)) == (2, 1, 0)
    assert app.started() == [f"job-{n}" for n in (4, 3, 2, 1, 0)]


def test_one_that_cannot_go_on_is_switched_off_and_the_others_fire(app: ScheduleApp, clock: Clock) -> None:
    app.index(scheduled("bad", cron(MISSING_HOUR)), scheduled("good"))
    app.db.execute("update perdure.schedules set time_zone = 'Europe/Berlin' where key = 'bad'")
    clock.advance(MINUTE)
    app.postpone("bad", clock.now() - SECOND)
    assert app.promote() == 2
    assert app.started() == ["bad", "good"]  # this once it is due still
    row = app.row("bad")
    assert (row.active, row.due_at) == (False, None)
    assert "does not fire in Europe/Berlin" in row.problem
    assert (app.row("good").active, app.row("good").problem) == (True, None)
    (finding,) = app.db.call("doctor")
    assert (finding.problem, finding.subject) == ("schedule was switched off", row.id)
    assert row.problem in finding.detail
    app.index(scheduled("bad", cron("* * * * *")), scheduled("good"))
    assert (app.row("bad").active, app.row("bad").problem, app.db.call("doctor")) == (True, None, [])


def test_one_that_cannot_go_on_does_not_stop_others_from_being_switched_on(app: ScheduleApp) -> None:
    app.index(scheduled("bad", cron(MISSING_HOUR)), scheduled("good"))
    app.enable(False)
    app.db.execute("update perdure.schedules set time_zone = 'Mars/Base' where key = 'bad'")
    assert app.enable(True) == 1
    assert (app.row("bad").active, "Mars/Base" in app.row("bad").problem) == (False, True)
    assert app.due_at("good")


def test_the_doctor_finds_an_active_schedule_without_a_next_fire(app: ScheduleApp, clock: Clock) -> None:
    app.db.execute("update perdure.schedules set due_at = null")
    (finding,) = app.db.call("doctor")
    assert (finding.problem, finding.subject) == ("schedule does not fire", app.row().id)
    app.db.execute(finding.fix)
    assert (app.due_at() > clock.now(), app.db.call("doctor")) == (True, [])
    clock.advance(timedelta(hours=1))
    (finding,) = app.db.call("doctor")
    assert (finding.problem, "schedule" in finding.detail) == ("due long ago", True)
    app.db.execute(finding.fix)
    assert app.db.call("doctor") == []


def test_a_new_schedule_wakes_sleeping_dispatchers(app: ScheduleApp, other: Database) -> None:
    other.execute("listen perdure_ready")
    app.index(scheduled(), scheduled("soon", interval(20)))
    heard = {notification.payload for notification in other.connection.notifies(timeout=10, stop_after=1)}
    assert heard == {"due"}
