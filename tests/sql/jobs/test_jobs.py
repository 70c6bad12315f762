"""Jobs as people see them: the list with how each does, one with its settings, and runs to try it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sql.rows import run_row
from tests.support.builders import SDK, Builders, Endpoint, job, manifest
from tests.support.database import Database
from tests.support.refusals import refused


def listed(db: Database, endpoint: Endpoint) -> dict[str, Any]:
    """The jobs by their ids."""
    return {row.slug: row for row in db.call("list_jobs", endpoint.environment.id)}


def test_a_job_is_listed_with_its_last_run_and_how_the_latest_ended(db: Database, builders: Builders) -> None:
    dev = builders.endpoint(
        job(),
        job("idle", event="idle"),
        job("hidden", event="hidden", internal=True),
        environment=builders.environment(),
    )
    prod = builders.endpoint(job(), environment=builders.environment("prod", project=dev.environment.project))
    builders.runs(4, dev)
    newest = builders.run(dev)
    for number, claim in enumerate(builders.claims(4)):
        claim.reply("SUCCESS" if number else "ERROR")
    builders.runs(60, prod)
    jobs = listed(db, dev)
    assert list(jobs) == ["greet", "idle"], "by name, without internal ones"
    assert (jobs["greet"].last_run_id, jobs["greet"].last_run_status) == (newest.id, "QUEUED")
    assert (jobs["greet"].recent, jobs["greet"].succeeded) == (4, 3)
    assert (jobs["idle"].last_run_id, jobs["idle"].recent) == (None, 0)
    assert listed(db, prod)["greet"].recent == 0
    assert [row.slug for row in db.call("list_jobs", dev.environment.id, "idle")] == ["idle"]


def test_a_job_that_runs_in_a_busier_environment_is_found(db: Database, builders: Builders) -> None:
    dev = builders.endpoint()
    prod = builders.endpoint(environment=builders.environment("prod", project=dev.environment.project))
    run = builders.run(dev)
    for _ in range(3):
        builders.db.call("send_events", prod.environment.id, [{"name": "greet", "payload": {}}] * 400)
    assert listed(db, dev)["greet"].last_run_id == run.id


def test_whatever_pauses_a_job_is_seen_in_the_list(db: Database, builders: Builders) -> None:
    queue = {"id": "mails", "limit": 1}
    app = builders.endpoint(job("a", concurrencyLimit=queue), job("b"))
    id = app.environment.id

    def paused() -> list[str]:
        return [row.slug for row in listed(db, app).values() if row.is_paused]

    for scope, name, expected in (
        ("job", ["b"], ["b"]),
        ("queue", ["mails"], ["a"]),
        ("environment", [], ["a", "b"]),
    ):
        db.call(f"pause_{scope}", id, *name)
        assert paused() == expected
        db.call(f"resume_{scope}", id, *name)
    assert paused() == []


def test_a_person_sets_another_limit_than_the_code(db: Database, builders: Builders) -> None:
    app = builders.endpoint(job(concurrencyLimit={"id": "mails", "limit": 1}))
    id = app.environment.id

    def limit() -> tuple[Any, ...]:
        (row,) = db.call("get_job", id, "greet")
        return row.limit_by, row.queue, row.max_executions, row.declared_queue, row.declared_executions

    builders.runs(5, app)
    assert len(builders.claims()) == 1
    assert limit() == ("CODE", "mails", 1, "mails", 1)
    db.call("set_job_concurrency_limit", id, "greet", 2)
    assert limit() == ("PERSON", None, 2, "mails", 1)
    assert len(builders.claims()) == 2
    db.call("index_endpoint", app.id, manifest(job(version="2.0.0", concurrencyLimit=7)), SDK)
    assert limit() == ("PERSON", None, 2, None, 7), "it stays when the app is deployed again"
    assert builders.claims() == []
    db.call("set_job_concurrency_limit", id, "greet", None)
    assert limit() == ("CODE", None, 7, None, 7)
    assert db.call("doctor") == []
    with refused("JQ010"):
        db.call("set_job_concurrency_limit", id, "greet", 0)
    with refused("JQ001"):
        db.call("set_job_concurrency_limit", id, "unknown", 1)


def test_recent_payloads_are_of_this_environment_and_hide_secrets(db: Database, builders: Builders) -> None:
    register = "dev.trigger.source.register.v2"
    dev = builders.endpoint(job(), job("register", event=register))
    prod = builders.endpoint(environment=builders.environment("prod", project=dev.environment.project))
    builders.run(prod, payload={"of": "prod"})
    for number in range(3):
        builders.run(dev, payload={"n": number})
    builders.run(dev, payload={"long": "x" * 60_000})
    rows = db.call("list_job_payloads", dev.environment.id, "greet", 2)
    assert [row.payload for row in rows] == [{"n": 2}, {"n": 1}]
    builders.run(dev, event=register, payload={"source": {"secret": "hush"}})
    (row,) = db.call("list_job_payloads", dev.environment.id, "register")
    assert "hush" not in str(row.payload)


SCHEDULE = {"type": "interval", "options": {"seconds": 3600}, "metadata": {"of": "a"}}


@pytest.mark.parametrize(
    ("declared", "name", "source", "payload_type"),
    [
        (job(event=["first", "second"], rule={"source": "shop"}), "first", "shop", "JSON"),
        (job(event="httpendpoint.door"), "httpendpoint.door", "trigger.dev", "REQUEST"),
        (job(trigger={"type": "invoke"}), "invoke", "trigger.dev", "JSON"),
        (
            job(trigger={"type": "scheduled", "schedule": SCHEDULE}),
            "dev.trigger.scheduled",
            "trigger.dev",
            "JSON",
        ),
    ],
)
def test_a_test_starts_one_job_whatever_its_trigger(
    db: Database, builders: Builders, declared: dict[str, Any], name: str, source: str, payload_type: str
) -> None:
    app = builders.endpoint(declared, job("bystander", event="first", rule={"source": "shop"}))
    id = db.call("test_job", app.environment.id, "greet", {"n": 1}, {"c": 2}, "user-1")["id"]
    (claim,) = builders.claims()
    assert claim.run_id == id, "no other job runs"
    assert claim.body["run"]["isTest"] is True
    assert claim.body["event"]["payload"] == {"n": 1}
    assert claim.body["event"]["context"] == {"c": 2}
    assert claim.body["account"]["id"] == "user-1"
    (event,) = db.rows("select * from perdure.events where id = %s", run_row(db, id).event_id)
    assert (event.name, event.source, event.payload_type) == (name, source, payload_type)
    if name == "dev.trigger.scheduled":
        assert claim.body["source"]["metadata"] == {"of": "a"}


def test_a_disabled_job_is_not_tested(db: Database, builders: Builders) -> None:
    app = builders.endpoint(job(enabled=False))
    with refused("JQ002"):
        db.call("test_job", app.environment.id, "greet")
    with refused("JQ001"):
        db.call("test_job", app.environment.id, "unknown")
    assert db.rows("select 1 from perdure.events") == []
