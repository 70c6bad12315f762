"""Why an event started some jobs and not others."""

import json
from typing import Any

import pytest

from tests.sql.dynamic_triggers.trigger_app import TriggerApp, dynamic, dynamic_job, registration
from tests.sql.dynamic_triggers.trigger_app import source as dynamic_source
from tests.sql.events.filter_draws import Draws
from tests.support.builders import PUBLIC_URL, SDK, Builders, job, manifest
from tests.support.database import Database
from tests.support.refusals import refused

DOCUMENT = {
    "action": "opened",
    "title": "Crash",
    "count": 3,
    "labels": ["bug"],
    "gone": None,
    "user": {"name": "Ada"},
    "items": [{"sku": "a"}, {"sku": "b"}],
}


def mismatch(db: Database, filter: Any, document: Any = DOCUMENT) -> tuple[str, str, Any, Any]:
    """Path, operator, what is wanted and what is found; ``...``: there is no such value."""
    one = db.call("_filter_mismatch", filter, document)
    assert not db.call("event_matches", filter, document)
    return ".".join(one["path"]), one["operator"], one["wanted"], one.get("found", ...)


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"action": ["closed", "edited"]}, ("action", "in", ["closed", "edited"], "opened")),
        ({"action": ["opened"], "nowhere": ["x"]}, ("nowhere", "in", ["x"], ...)),
        ({"title": [{"$startsWith": "B"}]}, ("title", "$startsWith", "B", "Crash")),
        ({"title": [{"$endsWith": "B"}]}, ("title", "$endsWith", "B", "Crash")),
        ({"title": [{"$ignoreCaseEquals": "cash"}]}, ("title", "$ignoreCaseEquals", "cash", "Crash")),
        ({"gone": [{"$exists": False}]}, ("gone", "$exists", False, None)),
        ({"count": [{"$isNull": True}]}, ("count", "$isNull", True, 3)),
        ({"action": [{"$anythingBut": "opened"}]}, ("action", "$anythingBut", "opened", "opened")),
        ({"count": [{"$gt": 2}, {"$lt": 3}]}, ("count", "$lt", 3, 3)),
        ({"count": [{"$gte": 4}]}, ("count", "$gte", 4, 3)),
        ({"count": [{"$between": [5, 9]}]}, ("count", "$between", [5, 9], 3)),
        ({"labels": [{"$includes": "p1"}]}, ("labels", "$includes", "p1", ["bug"])),
        ({"labels": [{"$not": "bug"}]}, ("labels", "$not", "bug", ["bug"])),
        ({"user": {"name": ["Bob"]}}, ("user.name", "in", ["Bob"], "Ada")),
        ({"user": {"team": {"id": [1]}}}, ("user.team", "object", {"id": [1]}, ...)),
        ({"items": {"sku": ["c"]}}, ("items", "some element", {"sku": ["c"]}, DOCUMENT["items"])),
        ({"count": [{"$near": 3}]}, ("count", "malformed", {"$near": 3}, 3)),
        ({"count": 3}, ("count", "malformed", 3, 3)),
    ],
)
def test_the_first_condition_that_fails_is_named(pure_db: Database, filter: Any, expected: Any) -> None:
    assert mismatch(pure_db, filter) == expected


def test_an_explanation_is_there_exactly_when_a_filter_does_not_pass(pure_db: Database) -> None:
    draws = Draws(7)
    pairs = [draws.pair() for _ in range(4000)]
    differing = pure_db.value(
        """
        select array_agg(p.filter || ' on ' || p.document) filter (
            where perdure.event_matches(p.filter::jsonb, p.document::jsonb)
            <> (perdure._filter_mismatch(p.filter::jsonb, p.document::jsonb) is null)
        )
        from unnest(%s::text[], %s::text[]) as p (filter, document)
        """,
        *([json.dumps(pair[side], ensure_ascii=False) for pair in pairs] for side in (0, 1)),
    )
    assert differing is None


REQUEST = {
    "url": "https://x/hook?kind=a&kind=b&key=hush",
    "method": "POST",
    "headers": {"x-event": "push", "authorization": "Bearer hush"},
    "rawBody": '{"n": 1}',
}


@pytest.mark.parametrize(
    ("filter", "path", "operator", "found"),
    [
        ({"method": ["GET"]}, ["method"], "in", "POST"),
        ({"headers": {"X-Event": ["pull"]}}, ["headers", "X-Event"], "in", ["push"]),
        ({"headers": {"x-none": [{"$exists": True}]}}, ["headers", "x-none"], "$exists", ...),
        ({"query": {"kind": ["c"]}}, ["query", "kind"], "in", ["a", "b"]),
        ({"body": {"n": [{"$gt": 1}]}}, ["body", "n"], "$gt", 1),
        ({"cookies": {}}, [], "malformed", ...),
        ({"headers": {"authorization": ["Bearer x"]}}, ["headers", "authorization"], "in", "…"),
        ({"query": {"key": ["x"]}}, ["query", "key"], "in", "…"),
    ],
)
def test_requests_are_explained_without_what_lets_somebody_in(
    db: Database, builders: Builders, filter: Any, path: list[str], operator: str, found: Any
) -> None:
    endpoint = builders.endpoint(job("hook", event="in", rule={"payload": filter}))
    event = {"name": "in", "id": "r", "payloadType": "REQUEST", "payload": REQUEST}
    db.call("send_events", endpoint.environment.id, [event])
    (row,) = db.call("explain_event", endpoint.environment.id, "r")
    assert (row.outcome, row.run_id, row.mismatch["filter"]) == ("FILTERED", None, "payload")
    assert row.mismatch["path"] == path
    assert row.mismatch["operator"] == operator
    assert row.mismatch.get("found", ...) == found
    assert "hush" not in json.dumps(row.mismatch)


def test_each_job_of_the_same_name_has_its_reason(db: Database, builders: Builders) -> None:
    jobs = [
        job("takes"),
        job("filters", rule={"payload": {"n": [{"$gt": 5}]}}),
        job("context", rule={"context": {"region": ["eu"]}}),
        job("elsewhere", rule={"source": "shop.example"}),
        job("list", event=["greet", "meet"]),
        job("off", enabled=False),
        job("one", event="another"),
        job("two", event="another"),
    ]
    endpoint = builders.endpoint(*jobs)
    environment = endpoint.environment.id
    db.call("send_events", environment, [{"name": "greet", "id": "e", "payload": {"n": 5}}])
    rows = {row.job: row for row in db.call("explain_event", environment, "e")}
    assert {name: row.outcome for name, row in rows.items()} == {
        "takes": "MATCHED",
        "filters": "FILTERED",
        "context": "FILTERED",
        "elsewhere": "OTHER_SOURCE",
        "list": "MATCHED",
        "off": "DISABLED",
        None: "OTHER_NAME",
    }
    assert rows["filters"].mismatch == {
        "filter": "payload", "path": ["n"], "operator": "$gt", "wanted": 5, "found": 5
    }  # fmt: skip
    assert rows["context"].mismatch["filter"] == "context"
    assert rows["elsewhere"].mismatch == {"wanted": "shop.example", "found": "trigger.dev"}
    assert rows[None].jobs == 2
    assert {name for name, row in rows.items() if row.run_id} == {"takes", "list"}


def test_what_happened_then_stays_beside_what_would_happen_today(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job("was"), job("is", event="another"))
    environment = endpoint.environment.id
    db.call("send_events", environment, [{"name": "greet", "id": "e"}])
    db.call("index_endpoint", endpoint.id, manifest(job("was", rule={"payload": {"n": [1]}}), job("is")), SDK)
    was, now = sorted(db.call("explain_event", environment, "e"), key=lambda row: row.job != "was")
    assert (was.outcome, was.run_id is None) == ("FILTERED", False)
    assert (now.outcome, now.run_id) == ("MATCHED", None)


def test_a_dynamic_trigger_is_explained_by_registration(db: Database, builders: Builders) -> None:
    db.call("set_setting", "public_url", PUBLIC_URL)
    app = TriggerApp(db, builders.endpoint(dynamic_job(), dynamicTriggers=[dynamic("repo", "greet")]))
    app.register("one", registration(dynamic_source("one")))
    made = app.register("two", registration(dynamic_source("two")))
    environment = app.endpoint.environment.id
    event = {"name": "push", "id": "e", "source": "github.com", "dynamicSourceKey": made["source"]["key"]}
    db.call("send_events", environment, [event])
    rows = db.call("explain_event", environment, "e")
    assert [(row.job, row.registration, row.outcome) for row in rows if row.job] == [
        ("greet", "repo / one", "OTHER_REGISTRATION"),
        ("greet", "repo / two", "MATCHED"),
    ]


def test_an_event_of_another_environment_is_not_found(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    db.call("send_events", endpoint.environment.id, [{"name": "greet", "id": "e"}])
    other = builders.environment()
    for function in ("explain_event", "replay_event", "list_event_runs"):
        with refused("JQ001", "event"):
            db.call(function, other.id, "e")
