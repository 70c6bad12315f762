"""Schedules: what is declared and refused, and runs on the real engine in skipped time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from perdure import IO, ApiError, ConfigurationError, Context, Perdure, SyncIO, event_trigger
from perdure.testing import Platform
from perdure.triggers import DynamicSchedule, cron_trigger, interval_trigger
from perdure.wire.manifest import ScheduledPayload
from tests.sdk.fake_platform import API_KEY, FakePlatform

MINUTE = timedelta(minutes=1)


def jobs_of(app: Perdure) -> dict[str, Any]:
    """What the platform is told of the jobs."""
    return {job["id"]: job for job in app.manifest().to_wire()["jobs"]}


# Declaring


async def test_an_interval_travels_in_seconds(app: Perdure) -> None:
    @app.job(id="job", version="1.0.0", on=interval_trigger(timedelta(hours=1), metadata={"report": 7}))
    async def job(payload: ScheduledPayload, io: IO) -> None: ...

    described = jobs_of(app)["job"]
    assert described["trigger"] == {
        "type": "scheduled",
        "schedule": {"type": "interval", "options": {"seconds": 3600}, "metadata": {"report": 7}},
    }
    assert described["event"]["name"] == "trigger.scheduled"
    assert list(described["event"]["schema"]["properties"]) == ["ts", "lastTimestamp"]


async def test_a_cron_expression_travels_with_its_time_zone(app: Perdure) -> None:
    @app.job(id="job", version="1.0.0", on=cron_trigger("0 5 * * *", timezone="Europe/Berlin"))
    async def job(payload: ScheduledPayload, io: IO) -> None: ...

    assert jobs_of(app)["job"]["trigger"]["schedule"] == {
        "type": "cron",
        "options": {"cron": "0 5 * * *", "timezone": "Europe/Berlin"},
    }


@pytest.mark.parametrize("every", [timedelta(seconds=20), timedelta(days=30)])
def test_the_shortest_and_the_longest_interval(every: timedelta) -> None:
    assert interval_trigger(every).schedule.options.seconds == every.total_seconds()


@pytest.mark.parametrize(
    ("every", "text"),
    [
        (timedelta(seconds=19), "20 seconds to 30 days"),
        (timedelta(days=30, seconds=1), "20 seconds to 30 days"),
        (timedelta(seconds=30.5), "whole seconds"),
    ],
)
def test_an_impossible_interval_is_refused(every: timedelta, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        interval_trigger(every)


@pytest.mark.parametrize("cron", ["", "0 5 * *", "0 0 5 * * *", "@sometimes"])
def test_what_has_not_five_fields_is_refused(cron: str) -> None:
    with pytest.raises(ConfigurationError, match="five fields"):
        cron_trigger(cron)


def test_nicknames_are_allowed() -> None:
    assert cron_trigger("@daily").schedule.options.cron == "@daily"


def test_an_empty_time_zone_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="IANA name"):
        cron_trigger("@daily", timezone=" ")


async def test_a_dynamic_schedule_lists_the_jobs_that_are_attached(app: Perdure) -> None:
    reminders = app.dynamic_schedule("reminders")

    @app.job(id="one", version="1.0.0", on=reminders)
    async def one(payload: Any, io: IO) -> None: ...

    @app.job(id="two", version="2.0.0", on=reminders)
    async def two(payload: Any, io: IO) -> None: ...

    assert app.manifest().to_wire()["dynamicSchedules"] == [
        {"id": "reminders", "jobs": [{"id": "one", "version": "1.0.0"}, {"id": "two", "version": "2.0.0"}]}
    ]
    assert jobs_of(app)["one"]["trigger"] == {"type": "dynamic", "id": "reminders"}


async def test_two_dynamic_schedules_of_one_id_are_refused(app: Perdure) -> None:
    app.dynamic_schedule("reminders")
    with pytest.raises(ConfigurationError, match="taken already"):
        app.dynamic_schedule("reminders")


async def test_another_apps_dynamic_schedule_is_refused(app: Perdure) -> None:
    other = Perdure("other").dynamic_schedule("reminders")
    with pytest.raises(ConfigurationError, match="made by another app"):

        @app.job(id="job", version="1.0.0", on=other)
        async def job(payload: Any, io: IO) -> None: ...


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, "either every="),
        ({"every": MINUTE, "cron": "@daily"}, "either every="),
        ({"every": MINUTE, "timezone": "UTC"}, "timezone is for cron="),
        ({"every": timedelta(seconds=1)}, "20 seconds to 30 days"),
        ({"cron": "daily"}, "five fields"),
    ],
)
async def test_what_can_never_be_registered_is_refused(
    app: Perdure, given: dict[str, Any], text: str
) -> None:
    with pytest.raises(ConfigurationError, match=text):
        await app.dynamic_schedule("reminders").register("key", **given)


async def test_a_schedule_needs_a_key(app: Perdure, platform: FakePlatform) -> None:
    with pytest.raises(ConfigurationError, match="key of a schedule must not be empty"):
        await app.dynamic_schedule("reminders").register("", every=MINUTE)
    assert platform.calls == []


# On the engine


async def test_a_job_runs_at_each_interval(perdure_platform: Platform) -> None:
    app = Perdure("clockwork")

    @app.job(id="tick", version="1.0.0", on=interval_trigger(timedelta(minutes=10), metadata={"of": "it"}))
    async def tick(payload: ScheduledPayload, io: IO, ctx: Context) -> list[Any]:
        assert ctx.source is not None
        return [payload.ts, payload.last_timestamp, ctx.source.metadata]

    began = perdure_platform.now
    await perdure_platform.attach(app)
    await perdure_platform.advance(minutes=25)
    first, second = [run.output for run in perdure_platform.runs]
    assert abs(datetime.fromisoformat(first[0]) - began - timedelta(minutes=10)) < MINUTE
    assert (first[1:], second[1:]) == ([None, {"of": "it"}], [first[0], {"of": "it"}])
    assert datetime.fromisoformat(second[0]) - datetime.fromisoformat(first[0]) == timedelta(minutes=10)


async def test_a_cron_job_runs_by_the_clocks_of_its_time_zone(perdure_platform: Platform) -> None:
    app = Perdure("clockwork")

    @app.job(id="nightly", version="1.0.0", on=cron_trigger("30 5 * * *", timezone="Asia/Kolkata"))
    def nightly(payload: ScheduledPayload, io: SyncIO) -> str:
        return payload.ts.astimezone(UTC).strftime("%H:%M")

    await perdure_platform.attach(app)
    await perdure_platform.advance(days=1)
    assert [run.output for run in perdure_platform.runs] == ["00:00"]


async def test_schedules_come_and_go_from_outside(perdure_platform: Platform) -> None:
    app = Perdure("reminding")
    reminders = app.dynamic_schedule("reminders")
    seen: list[Any] = []

    @app.job(id="remind", version="1.0.0", on=reminders)
    async def remind(payload: ScheduledPayload, io: IO, ctx: Context) -> None:
        assert ctx.source is not None
        assert ctx.account is not None
        seen.append((ctx.source.id, ctx.source.metadata, ctx.account.id))

    await perdure_platform.attach(app)
    answer = await reminders.register("a/1", every=MINUTE, account_id="anna", metadata={"n": 1})
    assert (answer.id, answer.active, answer.schedule.options.seconds) == ("a/1", True, 60)
    await reminders.register("b", cron="0 0 * * *", account_id="bob")
    await perdure_platform.advance(minutes=2, seconds=30)
    assert [one for one in seen if one[0] == "a/1"] == [("a/1", {"n": 1}, "anna")] * 2
    await reminders.unregister("a/1")
    await reminders.unregister("never was")
    seen.clear()
    await perdure_platform.advance(days=1)
    assert seen == [("b", None, "bob")]


async def test_a_cron_expression_that_is_none_is_refused_by_the_platform(perdure_platform: Platform) -> None:
    app = Perdure("reminding")
    reminders = app.dynamic_schedule("reminders")
    await perdure_platform.attach(app)
    with pytest.raises(ApiError, match="61"):
        await reminders.register("a", cron="61 0 * * *")


def declare_register(app: Perdure, reminders: DynamicSchedule, *, plain: bool) -> Any:
    """A job that registers, changes and ends schedules, as either kind of function."""
    on = event_trigger("signed.up")

    async def register(payload: Any, io: IO) -> str:
        answer = await io.register_interval("every minute", reminders, "a", MINUTE, metadata={"n": 1})
        await io.register_cron("nightly", reminders, "b", "0 0 * * *", timezone="UTC", account_id="bob")
        await io.unregister_schedule("no more", reminders, "b")
        return answer.id

    def register_plain(payload: Any, io: SyncIO) -> str:
        answer = io.register_interval("every minute", reminders, "a", MINUTE, metadata={"n": 1})
        io.register_cron("nightly", reminders, "b", "0 0 * * *", timezone="UTC", account_id="bob")
        io.unregister_schedule("no more", reminders, "b")
        return answer.id

    return app.job(id="register", version="1.0.0", on=on)(register_plain if plain else register)


@pytest.mark.parametrize("plain", [False, True], ids=["async", "plain"])
@pytest.mark.perdure(replay="always")
async def test_schedules_come_and_go_from_within_a_run(perdure_platform: Platform, plain: bool) -> None:
    app = Perdure("reminding")
    reminders = app.dynamic_schedule("reminders")

    @app.job(id="remind", version="1.0.0", on=reminders)
    async def remind(payload: ScheduledPayload, io: IO, ctx: Context) -> Any:
        return None if ctx.source is None else [ctx.source.id, ctx.source.metadata]

    run = await perdure_platform.start(declare_register(app, reminders, plain=plain))
    assert run.output == "a"
    assert [task.name for task in run.tasks] == ["Register Schedule"] * 2 + ["Unregister Schedule"]
    assert sum("/schedules/" in call.path for call in perdure_platform.calls) == 3
    await perdure_platform.advance(seconds=70)
    assert [one.output for one in perdure_platform.runs if one.job == "remind"] == [["a", {"n": 1}]]


@pytest.mark.perdure(crash="everywhere")
async def test_a_registration_takes_place_wherever_the_app_is_killed(perdure_platform: Platform) -> None:
    app = Perdure("reminding")
    reminders = app.dynamic_schedule("reminders")

    @app.job(id="remind", version="1.0.0", on=reminders)
    async def remind(payload: ScheduledPayload, io: IO) -> None: ...

    run = await perdure_platform.start(declare_register(app, reminders, plain=False))
    assert run.output == "a"
    await perdure_platform.advance(seconds=70)
    assert [one.job for one in perdure_platform.runs].count("remind") == 1


async def test_a_refused_registration_fails_its_task(perdure_platform: Platform) -> None:
    app = Perdure("reminding")
    reminders = app.dynamic_schedule("reminders")

    @app.job(id="register", version="1.0.0", on=event_trigger("signed.up"))
    async def register(payload: Any, io: IO) -> None:
        await io.register_cron("wrong", reminders, "a", "0 25 * * *")

    run = await perdure_platform.start(register)
    assert run.status == "FAILURE"
    assert "25" in str(run.error)


def test_a_dynamic_schedule_has_calls_that_block(platform: FakePlatform) -> None:
    app = Perdure("acme", api_url=platform.url, api_key=API_KEY)
    reminders = app.dynamic_schedule("reminders")
    schedule = {"type": "interval", "options": {"seconds": 60}}
    platform.faults.extend([(200, {"id": "a", "schedule": schedule, "active": True}), (200, {"ok": True})])
    assert reminders.sync.register("a", every=MINUTE).id == "a"
    reminders.sync.unregister("a/b")
    assert [(call.method, call.path) for call in platform.calls] == [
        ("POST", "/api/v1/acme/schedules/reminders/registrations"),
        ("DELETE", "/api/v1/acme/schedules/reminders/registrations/a%2Fb"),
    ]
    assert platform.calls[0].body == {"id": "a", **schedule}
    app.sync.close()
