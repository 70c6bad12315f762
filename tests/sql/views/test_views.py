"""The views: what each shows, and that none shows a secret."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.sql.connections.service_app import ServiceApp, service_job
from tests.sql.sources.source_app import source
from tests.support.builders import SDK, Builders, job, manifest, task
from tests.support.database import Database
from tests.support.fix_clock import Clock

EMPTY = {
    "attempts", "dead_letters", "delivery_events", "executions", "pauses", "run_failures", "runs", "tasks"
}  # fmt: skip
"""Views of what has not happened where secrets are looked for."""


@pytest.fixture
def reader(db: Database) -> Iterator[Database]:
    """A connection of a person who looks."""
    with db.as_role("perdure_readonly") as other:
        yield other


def view(reader: Database, name: str, order: str = "1") -> list[Any]:
    return reader.rows(f"select * from perdure_views.{name} order by {order}")


def test_where_things_belong(reader: Database, builders: Builders) -> None:
    environment = builders.environment()
    rows = {row.slug: row for row in view(reader, "environments")}
    assert list(rows) == ["dev", "stg", "prod", "prev"]
    row = rows["dev"]
    assert (row.id, row.organization, row.project, row.type) == (
        environment.id,
        "acme",
        environment.project,
        "DEVELOPMENT",
    )
    (migration,) = view(reader, "migrations")
    assert (migration.number, migration.name) == (1, "initial")


def test_endpoints_and_jobs(db: Database, reader: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job("a", version="1.2.0"), job("register", internal=True))
    (row,) = view(reader, "endpoints")
    assert (row.slug, row.url, row.timeout_ms, row.sdk_name) == ("app", endpoint.url, 60_000, "perdure")
    assert (row.index_status, row.index_stats["jobs"], row.index_error) == ("SUCCESS", 1, None)
    assert "indexing_hook_id" not in row._fields
    db.call("record_index_failure", endpoint.id, "no answer")
    (row,) = view(reader, "endpoints")
    assert (row.index_status, row.index_error) == ("FAILURE", {"message": "no answer"})
    jobs = view(reader, "jobs", "slug")
    assert [(j.slug, j.version, j.status, j.internal, j.endpoint) for j in jobs] == [
        ("a", "1.2.0", "ACTIVE", False, "app"),
        ("register", "1.0.0", "ACTIVE", True, "app"),
    ]


def test_runs_say_until_when_they_wait(
    db: Database, reader: Database, builders: Builders, clock: Clock
) -> None:
    builders.runs(5)
    executing, waits, backs_off, done = builders.claims(4)
    waits.store(task("later", noop=True, delaySeconds=600))
    waits.reply("RESUME_WITH_TASK", task=task("sooner", noop=True, delaySeconds=60))
    backs_off.reply("AUTO_YIELD_RATE_LIMIT", reset=(clock.now() + timedelta(seconds=30)).timestamp() * 1000)
    done.reply("SUCCESS", output={"n": 1})
    rows = {row.id: row for row in view(reader, "runs")}
    waits_s = {
        claim.run_id: (rows[claim.run_id].waits_until - clock.now()).total_seconds()
        for claim in (executing, waits, backs_off)
    }
    assert waits_s == pytest.approx({executing.run_id: 70, waits.run_id: 60, backs_off.run_id: 30}, abs=10)
    row = rows[done.run_id]
    assert (row.status, row.output, row.waits_until, row.execution_count) == ("SUCCESS", {"n": 1}, None, 1)
    assert (row.job, row.version, row.event_name, row.internal) == ("greet", "1.0.0", "greet", False)
    assert sorted(row.status for row in rows.values())[-3] == "SUCCESS"
    assert len(rows) == 5


def test_tasks_and_attempts(reader: Database, builders: Builders) -> None:
    claim = builders.claim()
    claim.store(
        task("done", status="COMPLETED", output=1, params={"p": 1}),
        task("failed", status="ERRORED", error={"message": "no"}),
    )
    claim.reply("RETRY_WITH_TASK", task=task("flaky"), error={"message": "first"})
    tasks = {row.display_key: row for row in view(reader, "tasks")}
    assert {key: row.status for key, row in tasks.items()} == {
        "done": "COMPLETED",
        "failed": "ERRORED",
        "flaky": "WAITING",
    }
    assert (tasks["done"].output, tasks["done"].params, tasks["flaky"].attempt_count) == (1, {"p": 1}, 2)
    keys = {row.id: key for key, row in tasks.items()}
    found = [
        (keys[a.task_id], a.number, a.status, a.error) for a in view(reader, "attempts", "task_id, number")
    ]
    assert sorted(found, key=lambda row: row[:2]) == [
        ("done", 1, "COMPLETED", None),
        ("failed", 1, "ERRORED", {"message": "no"}),
        ("flaky", 1, "ERRORED", {"message": "first"}),
        ("flaky", 2, "PENDING", None),
    ]


def test_executions_and_dead_letters(reader: Database, builders: Builders) -> None:
    builders.runs(2)
    dead, executing = builders.claims()
    dead.apply("UNREACHABLE", message="no connection")
    rows = {row.run_id: row for row in view(reader, "executions")}
    assert (rows[dead.run_id].verdict, rows[dead.run_id].message) == ("UNREACHABLE", "no connection")
    assert (rows[executing.run_id].verdict, rows[executing.run_id].ended_at) == (None, None)
    (letter,) = view(reader, "dead_letters")
    assert (letter.run_id, letter.job, letter.reason) == (dead.run_id, "greet", "no connection")


def test_what_brings_events_in(db: Database, reader: Database, builders: Builders) -> None:
    db.call("set_setting", "public_url", "https://perdure.example")
    pay = {"key": "pay", "params": {"p": 1}, "config": {"events": ["paid"]}, "httpEndpoint": {"id": "pay"}}
    endpoint = builders.endpoint(
        job("greet", trigger={"type": "dynamic", "id": "repo"}),
        httpEndpoints=[{"id": "pay", "source": "stripe.com", "title": "Pay"}],
        webhooks=[pay],
        dynamicTriggers=[{"id": "repo", "jobs": []}],
        dynamicSchedules=[{"id": "daily", "jobs": []}],
    )
    (row,) = view(reader, "http_endpoints")
    assert (row.key, row.title, row.source, row.enabled, row.webhook) == (
        "pay",
        "Pay",
        "stripe.com",
        True,
        "pay",
    )
    (row,) = view(reader, "webhooks")
    assert (row.key, row.http_endpoint, row.params, row.active) == ("pay", "pay", {"p": 1}, False)
    assert (row.desired_config, row.current_config) == ({"events": ["paid"]}, None)
    rows = view(reader, "dynamic_triggers", "slug")
    assert [(row.slug, row.kind, row.jobs) for row in rows] == [
        ("daily", "SCHEDULE", []),
        ("repo", "EVENT", ["greet"]),
    ]
    rule = {"event": "push", "source": "github.com", "payload": {"n": [1]}}
    body = {"rule": rule, "source": source("hook", "push"), "metadata": {"m": 1}}
    db.call("register_dynamic_trigger", endpoint.environment.id, "repo", "one", body)
    (registration,) = view(reader, "dynamic_trigger_registrations")
    row = registration
    assert (row.dynamic_trigger, row.key, row.active, row.metadata) == ("repo", "one", False, {"m": 1})
    assert (row.event_source, row.event_names, row.payload_filter) == ("github.com", ["push"], {"n": [1]})
    (row,) = view(reader, "sources")
    assert (row.id, row.dynamic_trigger, row.account) == (registration.source_id, "repo", None)


def test_events(db: Database, reader: Database, builders: Builders) -> None:
    environment = builders.environment()
    event = {"id": "e-1", "name": "greet", "payload": {"secret": "told"}, "context": {"c": 1}}
    db.call("send_events", environment.id, [event])
    (row,) = view(reader, "events")
    assert (row.event_id, row.name, row.payload, row.context) == (
        "e-1",
        "greet",
        {"secret": "told"},
        {"c": 1},
    )


def test_no_view_shows_a_secret(db: Database, db_url: str, reader: Database, builders: Builders) -> None:
    db.call("set_setting", "public_url", "https://perdure.example")
    environment = builders.environment()
    endpoint = builders.endpoint(
        service_job("greet", "slack"),
        job(
            "hourly",
            trigger={"type": "scheduled", "schedule": {"type": "interval", "options": {"seconds": 3600}}},
        ),
        environment=environment,
        sources=[source("hook", "issues")],
        httpEndpoints=[{"id": "pay", "source": "stripe.com"}],
        webhooks=[{"key": "pay", "params": {}, "config": {}, "httpEndpoint": {"id": "pay"}}],
        dynamicTriggers=[{"id": "repo", "jobs": []}],
    )
    attached = {"rule": {"event": "push", "source": "github.com"}, "source": source("other", "push")}
    db.call("register_dynamic_trigger", environment.id, "repo", "one", attached)
    app = ServiceApp(db, endpoint)
    app.connect(token="a sealed token", additionalFields={"f": "a field"})
    app.start("greet", account="anna")  # whose connection is missing
    db.call("set_run_status", environment.id, db.value("select id from perdure.runs"), "mail", {})
    db.call("set_run_metadata", environment.id, db.value("select id from perdure.runs"), {"addTags": ["vip"]})
    db.call("set_store_item", environment.id, "k", 1)
    with db.as_role("none") as admin:
        admin.execute("create table public.orders (id int)")
        admin.call("watch_table", environment.id, "public.orders")
    secrets = {
        "a sealed token",
        "a field",
        environment.key,
        db.value("select encode(key_hash, 'hex') from perdure.api_keys where kind = 'SECRET'"),
        db.value("select encode(signing_secret, 'hex') from perdure.api_keys where kind = 'SECRET'"),
        *(row.secret for row in db.rows("select secret from perdure.sources")),
        db.value("select secret from perdure.webhooks"),
        db.value("select indexing_hook_id from perdure.endpoints"),
    }
    db.call("update_source", environment.id, "hook", {"secret": 'a "quoted\\" one', "options": {}})
    db.call("index_endpoint", endpoint.id, manifest(job("greet"), sources=[source("hook", "push")]), SDK)
    secrets.add("quoted")
    source_id = db.value("select id from perdure.sources where key = 'hook'")
    db.call("receive_source_request", source_id, "https://x/", "POST", {}, b"{}")
    shown = ""
    for (name,) in reader.rows("select viewname from pg_views where schemaname = 'perdure_views'"):
        rows = reader.rows(f"select row_to_json(v)::text as text from perdure_views.{name} as v")
        assert rows or name in EMPTY, name
        shown += "\n".join(row.text for row in rows)
    assert {secret for secret in secrets if secret in shown} == set()

    events = view(reader, "events")
    (hooked,) = [row for row in events if row.name == "dev.trigger.webhook.register.pay"]
    assert (hooked.payload["secret"], hooked.payload["active"]) == ("…", False)
    asked = [row for row in events if row.name == "dev.trigger.source.register.v2"]
    assert {row.payload["source"]["secret"] for row in asked} == {"…"}
    rows = [row for row in asked if row.payload["source"]["key"] == "hook"]
    assert len(rows) == 2
    assert json.dumps(rows[1].payload["options"]["event"]["missing"]) == '["push"]'
