"""``perdure schedules``, in a real database."""

from __future__ import annotations

import pytest

from perdure_server.cli.output import short_time
from tests.sql.schedules.schedule_app import ScheduleApp, attached, cron, interval, scheduled
from tests.support.builders import Builders
from tests.support.database import Database

from .conftest import Command


@pytest.fixture
def app(db: Database, builders: Builders) -> ScheduleApp:
    """An app in the environment dev of the project ``shop``."""
    endpoint = builders.endpoint(
        scheduled("hourly", interval(3600)),
        scheduled("daily", cron("30 9 * * *", "Europe/Berlin")),
        attached("report"),
        environment=builders.environment(project="shop"),
        dynamicSchedules=[{"id": "tenants", "jobs": []}],
    )
    app = ScheduleApp(db, endpoint)
    app.register("acme", interval(60))
    return app


def test_schedules_are_switched_on_and_off(perdure: Command, app: ScheduleApp) -> None:
    options = ("--project", "shop", "--database-url", app.db.url)
    assert "3 schedules fire in shop/dev" in perdure.ok("schedules", "on", *options).words
    assert app.due_at("hourly")
    result = perdure.ok("schedules", "off", *options, "--json")
    assert result.json == {"enabled": False, "active": 3}
    assert "No schedule fires in shop/dev" in result.words
    assert app.row("hourly").due_at is None


def test_schedules_are_listed(perdure: Command, app: ScheduleApp) -> None:
    options = ("--project", "shop", "--database-url", app.db.url)
    result = perdure.ok("schedules", "list", *options)
    assert "do not fire in shop/dev" in result.words
    assert "perdure schedules on" in result.words
    app.enable(True)
    app.unregister("acme")
    result = perdure.ok("schedules", "list", *options)
    assert result.words == ""
    titles, *lines = (line.split() for line in result.lines())
    assert titles == ["key", "starts", "fires", "next", "last"]
    cells = {line[0]: line[1:] for line in lines}
    assert cells["acme"] == ["jobs", "of", "tenants", "every", "1", "min", "off"]
    assert cells["hourly"][:4] == ["hourly", "every", "1", "h"]
    assert cells["hourly"][4] in short_time(app.due_at("hourly"))
    assert cells["daily"][1:7] == ["30", "9", "*", "*", "*", "Europe/Berlin"]
    listed = perdure.ok("schedules", "list", *options, "--json").json
    assert listed["enabled"] is True
    assert {row["key"]: row["active"] for row in listed["schedules"]} == {
        "hourly": True,
        "daily": True,
        "acme": False,
    }


def test_an_environment_without_schedules_says_so(perdure: Command, app: ScheduleApp) -> None:
    options = ("--project", "shop", "--environment", "stg", "--database-url", app.db.url)
    assert "No job has a schedule" in perdure.ok("schedules", "list", *options).words
    assert "0 schedules fire in shop/stg" in perdure.ok("schedules", "on", *options).words


@pytest.mark.parametrize("command", ["on", "off", "list"])
def test_what_is_not_there_is_named(perdure: Command, db_url: str, command: str) -> None:
    words = perdure.refused("schedules", command, "--database-url", db_url, "--project", "nowhere")
    assert "nowhere" in words
    assert "perdure dev" in perdure.refused("schedules", command)


def test_a_schedule_is_previewed_paused_resumed_and_fired(perdure: Command, app: ScheduleApp) -> None:
    options = ("--project", "shop", "--database-url", app.db.url)
    app.enable(True)
    assert len(perdure.ok("schedules", "preview", "daily", "--count", "3", *options).lines()) == 3
    assert "perdure schedules resume daily" in perdure.ok("schedules", "pause", "daily", *options).words
    (daily,) = (
        line for line in perdure.ok("schedules", "list", *options).lines() if line.startswith("daily")
    )
    assert " paused" in daily
    assert "daily fires next at" in perdure.ok("schedules", "resume", "daily", *options).words
    event_id = perdure.ok("schedules", "run-now", "hourly", *options).data.strip()
    shown = perdure.ok("events", "get", event_id, *options, "--json").json
    assert [run["job"] for run in shown["runs"]] == ["hourly"]
    assert "perdure schedules list" in perdure.refused("schedules", "pause", "weekly", *options)
