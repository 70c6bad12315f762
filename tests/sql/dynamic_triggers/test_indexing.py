"""Dynamic triggers as an endpoint declares them (protocol 2.3)."""

from typing import Any

import pytest

from tests.sql.dynamic_triggers.trigger_app import TriggerApp, dynamic, dynamic_job
from tests.sql.rows import snapshot
from tests.support.builders import Builders, job
from tests.support.database import Database
from tests.support.refusals import refused


def test_a_trigger_knows_its_jobs_by_either_side(app: TriggerApp) -> None:
    assert app.jobs() == {"repo": ["greet"]}
    app.index(
        job("a"),
        job("b"),
        dynamic_job("c"),
        dynamic_job("d", "daily"),
        dynamicTriggers=[dynamic("repo", "a", "b", "unheard-of")],
        dynamicSchedules=[dynamic("daily")],
    )
    assert app.jobs() == {"repo": ["a", "b", "c"], "daily": ["d"]}
    rows = app.db.rows("select slug, kind from perdure.dynamic_triggers order by slug")
    assert [tuple(row) for row in rows] == [("daily", "SCHEDULE"), ("repo", "EVENT")]


def test_one_that_is_no_longer_named_starts_nothing_until_it_comes_back(app: TriggerApp) -> None:
    key = app.register()["source"]["key"]
    app.index(job("greet"))
    assert app.jobs() == {"repo": []}
    app.send(key)
    assert app.started() == []
    app.index(dynamic_job(), dynamicTriggers=[dynamic("repo", "greet")])
    app.send(key)
    assert app.started() == ["greet"]


def test_sources_of_dynamic_triggers_go_on_when_the_endpoint_is_read_again(app: TriggerApp) -> None:
    registered = app.register()
    app.activate(registered)
    asked = len(app.asked())
    app.index(dynamic_job(), dynamicTriggers=[dynamic("repo", "greet")])
    (row,) = app.db.rows("select active, options from perdure_views.sources")
    assert row.active
    assert row.options == [{"name": "event", "value": "push", "wanted": True, "registered": True}]
    assert len(app.asked()) == asked


def test_two_apps_of_an_environment_leave_each_others_alone(app: TriggerApp, builders: Builders) -> None:
    environment = app.endpoint.environment
    builders.endpoint(
        dynamic_job("x", "other"), environment=environment, slug="b", dynamicTriggers=[dynamic("other", "x")]
    )
    assert app.jobs() == {"repo": ["greet"], "other": ["x"]}
    app.index(dynamic_job(), dynamicTriggers=[dynamic("repo", "greet")])
    assert app.jobs() == {"repo": ["greet"], "other": ["x"]}


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"dynamicTriggers": [{"jobs": []}]}, "dynamicTriggers[0].id"),
        ({"dynamicTriggers": [{"id": 5}]}, "dynamicTriggers[0].id"),
        ({"dynamicTriggers": [dynamic("a"), dynamic("a")]}, "dynamicTriggers[1].id"),
        ({"dynamicTriggers": [dynamic("a")], "dynamicSchedules": [dynamic("a")]}, "dynamicSchedules[0].id"),
        ({"dynamicTriggers": [{"id": "a", "jobs": "greet"}]}, "dynamicTriggers[0].jobs"),
        ({"dynamicSchedules": [{"id": "a", "jobs": ["greet"]}]}, "dynamicSchedules[0].jobs"),
    ],
)
def test_a_malformed_one_is_refused(
    app: TriggerApp, db: Database, members: dict[str, Any], words: str
) -> None:
    before = snapshot(db)
    with refused("JQ010", words):
        app.index(job(), **members)
    assert snapshot(db) == before
