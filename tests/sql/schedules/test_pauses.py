"""A schedule is paused, resumed, and fired at once."""

from datetime import timedelta

from tests.sql.schedules.schedule_app import ScheduleApp, cron, interval, scheduled
from tests.support.builders import Builders, job
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused

DAY = timedelta(days=1)


def pause(app: ScheduleApp, key: str = "tick") -> None:
    app.db.call("pause_schedule", app.environment_id, app.row(key).id)


def resume(app: ScheduleApp, key: str = "tick") -> None:
    app.db.call("resume_schedule", app.environment_id, app.row(key).id)


def fire(app: ScheduleApp, key: str = "tick") -> str:
    event_id: str = app.db.call("fire_schedule", app.environment_id, app.row(key).id)
    return event_id


def test_a_paused_schedule_does_not_fire_and_makes_up_for_nothing(app: ScheduleApp, clock: Clock) -> None:
    pause(app)
    pause(app)
    clock.advance(DAY)
    assert app.promote() == 0
    assert app.row().paused_at < clock.now() - DAY / 2
    resume(app)
    assert app.row().paused_at is None
    assert timedelta(0) < app.due_at() - clock.now() <= timedelta(minutes=1)
    assert app.promote() == 0
    clock.advance(timedelta(minutes=1))
    assert app.promote() == 1
    assert app.started() == ["tick"]


def test_a_pause_survives_that_the_app_is_read_again(app: ScheduleApp, clock: Clock) -> None:
    pause(app)
    app.index(scheduled())
    app.index(scheduled(schedule=cron()))  # with another timing, too
    app.index(job("tick"))  # without one
    app.index(scheduled())
    app.enable(False)
    app.enable(True)
    clock.advance(DAY)
    assert app.promote() == 0
    row = app.row()
    assert (row.active, row.due_at, row.paused_at is None) == (True, None, False)
    assert [row for row in app.db.call("doctor") if "schedule" in row.problem] == []
    due_at = app.db.call("resume_schedule", app.environment_id, row.id)
    assert due_at == app.due_at()


def test_what_is_resumed_while_all_are_off_waits_for_them(app: ScheduleApp) -> None:
    pause(app)
    app.enable(False)
    assert app.db.call("resume_schedule", app.environment_id, app.row().id) is None
    app.enable(True)
    assert app.due_at()


def test_a_dynamic_schedule_that_was_ended_begins_unpaused(app: ScheduleApp) -> None:
    app.register("one")
    pause(app, "one")
    app.register("one", interval(120))
    assert app.row("one").due_at is None
    app.unregister("one")
    app.register("one")
    assert app.due_at("one")


def test_firing_now_leaves_the_next_fire_where_it_was(app: ScheduleApp, clock: Clock) -> None:
    due_at = app.due_at()
    clock.advance(timedelta(seconds=10))
    event_id = fire(app)
    (tick,) = app.ticks()
    assert (tick.event_id, set(tick.payload), tick.is_test) == (event_id, {"ts"}, False)
    assert abs(tick.happened_at - clock.now()) < timedelta(seconds=5)
    assert app.due_at() == due_at
    assert app.row().last_fired_at == tick.happened_at
    clock.advance(timedelta(minutes=1))
    assert app.promote() == 1
    assert app.ticks()[1].payload["lastTimestamp"] == tick.payload["ts"]
    assert app.started() == ["tick", "tick"]


def test_what_is_paused_or_off_can_be_fired(app: ScheduleApp) -> None:
    app.register("one", interval(accountId="user-7", metadata={"a": 1}))
    pause(app, "one")
    app.enable(False)
    assert fire(app, "one") != fire(app, "one")  # twice within a millisecond, too
    assert app.started() == ["first", "second"] * 2
    tick = app.ticks()[0]
    assert (tick.account, tick.source_context) == ("user-7", {"id": "one", "metadata": {"a": 1}})
    assert app.row("one").due_at is None


def test_a_schedule_without_a_job_is_not_fired(app: ScheduleApp) -> None:
    app.index(job("other"))
    with refused("JQ002", "would start nothing"):
        fire(app)
    assert app.ticks() == []


def test_a_schedule_of_another_environment_is_not_found(app: ScheduleApp, builders: Builders) -> None:
    other = builders.environment()
    for function in ("pause_schedule", "resume_schedule", "fire_schedule"):
        for environment_id, schedule_id in ((other.id, app.row().id), (app.environment_id, other.id)):
            with refused("JQ001", "schedule"):
                app.db.call(function, environment_id, schedule_id)
    assert app.db.call("list_next_fires", other.id, [app.row().id]) == []


def test_the_next_fires_are_those_that_come(app: ScheduleApp, db: Database, clock: Clock) -> None:
    app.register("daily", cron("0 9 * * *", "Europe/Berlin"))
    app.register("off", cron("0 12 * * *"))
    pause(app, "off")
    ids = [app.row(key).id for key in ("tick", "daily", "off")]
    fires: dict[str, list] = {id: [] for id in ids}
    for row in db.call("list_next_fires", app.environment_id, ids, 3):
        fires[row.schedule_id].append(row.fires_at)
    tick, daily, off = (fires[id] for id in ids)
    assert tick == [app.due_at() + timedelta(minutes=number) for number in range(3)]
    assert daily[0] == app.due_at("daily")
    assert (len(daily), daily) == (3, sorted(daily))
    assert [at.hour for at in off] == [12] * 3  # as if it began now
    for at in tick:
        clock.advance(at - clock.now())
        app.promote()
    assert [one.happened_at for one in app.ticks()] == tick
