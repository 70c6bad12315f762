"""Indexing: an environment's jobs become what the endpoint says they are."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.sql.rows import queued, snapshot
from tests.support.builders import SDK, Builders, Endpoint, Environment, job, manifest
from tests.support.database import Database
from tests.support.refusals import refused

GITHUB = {"id": "github", "metadata": {"id": "github", "name": "GitHub"}, "authSource": "LOCAL"}


def http_endpoint(id: str) -> dict[str, Any]:
    """An HTTP endpoint as INDEX_ENDPOINT describes it."""
    event = {"name": "request", "title": id, "source": id, "icon": "webhook"}
    return {"id": id, "version": "1", "enabled": True, "event": event, "source": id}


@pytest.fixture
def endpoint(builders: Builders) -> Endpoint:
    """An endpoint whose jobs ``a`` and ``b`` start on ``greet``."""
    return builders.endpoint(job("a"), job("b"))


def index(db: Database, endpoint: Endpoint, *jobs: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Index the endpoint; returns the stats."""
    row = db.call("index_endpoint", endpoint.id, manifest(*jobs, **members), SDK)
    assert row["status"] == "SUCCESS"
    stats: dict[str, Any] = row["stats"]
    return stats


def started(db: Database, endpoint: Endpoint, event: str = "greet", **members: Any) -> dict[str, str]:
    """The jobs that a new event starts, with the version each run has."""
    (sent,) = db.call("send_events", endpoint.environment.id, [{"name": event, **members}])
    rows = db.rows(
        """
        select k.slug, v.version from perdure.runs as r
        join perdure.events as e on e.id = r.event_id join perdure.jobs as k on k.id = r.job_id
        join perdure.job_versions as v on v.id = r.job_version_id
        where e.event_id = %s order by k.slug
        """,
        sent["id"],
    )
    return {row.slug: row.version for row in rows}


def test_what_a_reading_answers(db: Database, endpoint: Endpoint) -> None:
    jobs = (job("a"), job("b", enabled=False), job("register", internal=True))
    row = db.call(
        "index_endpoint",
        endpoint.id,
        manifest(
            *jobs,
            webhooks=None,
            dynamicTriggers=[{"id": "t", "jobs": []}],
            httpEndpoints=[http_endpoint("one"), http_endpoint("two")],
            dynamicSchedules=[],
        ),
    )
    assert set(row) == {"id", "status", "stats", "updatedAt"}
    assert row["stats"] == {
        "jobs": 2,
        "sources": 0,
        "webhooks": 0,
        "dynamicTriggers": 1,
        "dynamicSchedules": 0,
        "disabledJobs": 1,
        "httpEndpoints": 2,
    }
    assert db.call("get_index", endpoint.environment.id, row["id"]) == row
    assert db.call("get_endpoint", endpoint.environment.id, "app")["sdk"] == SDK  # as before


def test_everything_that_a_manifest_names_is_stored(db: Database, endpoint: Endpoint) -> None:
    db.call("set_setting", "public_url", "https://perdure.test")
    webhook = {
        "key": "hook",
        "params": {},
        "config": {},
        "integration": GITHUB,
        "httpEndpoint": {"id": "one"},
    }
    source = {"version": "2", "channel": "HTTP", "integration": GITHUB, "key": "repo", "params": {}}
    limited = job("a", concurrencyLimit={"id": "group", "limit": 3}, integrations={"github": GITHUB})
    dynamic = job("b", trigger={"type": "dynamic", "id": "trigger"})
    index(
        db,
        endpoint,
        limited,
        dynamic,
        job("c", trigger={"type": "dynamic", "id": "schedule"}),
        job("d", trigger={"type": "scheduled", "schedule": {"type": "interval", "options": {"seconds": 60}}}),
        dynamicTriggers=[{"id": "trigger", "jobs": [{"id": "b", "version": "1.0.0"}]}],
        dynamicSchedules=[{"id": "schedule", "jobs": [{"id": "c", "version": "1.0.0"}]}],
        httpEndpoints=[http_endpoint("one")],
        webhooks=[{**webhook, "httpEndpoint": {"id": "one"}}],
        sources=[{**source, "options": {"event": ["issues"]}}],
    )
    stored = {
        table: db.value(f"select count(*) from perdure.{table}")
        for table in (
            "concurrency_limits",
            "integrations",
            "dynamic_triggers",
            "dynamic_trigger_jobs",
            "schedules",
            "http_endpoints",
            "webhooks",
            "sources",
        )
    }
    assert stored == {
        "concurrency_limits": 1,
        "integrations": 1,
        "dynamic_triggers": 2,
        "dynamic_trigger_jobs": 2,
        "schedules": 1,
        "http_endpoints": 1,
        "webhooks": 1,
        "sources": 1,
    }
    assert started(db, endpoint) == {"a": "1.0.0"}  # the others wait for what is attached to their trigger


def test_a_job_is_stored_as_it_was_declared(db: Database, endpoint: Endpoint) -> None:
    declared = job("a", version="2.0.0", name="The job", integrations={"github": GITHUB})
    index(db, endpoint, declared)
    (row,) = db.rows(
        """
        select j.*, v.integrations from perdure_views.jobs as j
        join perdure.job_versions as v on v.job_id = j.id and v.version = j.version where j.slug = 'a'
        """
    )
    assert (row.name, row.version, row.status, row.internal) == ("The job", "2.0.0", "ACTIVE", False)
    assert (row.trigger, row.event_spec) == (declared["trigger"], declared["event"])
    assert row.integrations == declared["integrations"]


def test_the_same_manifest_again_changes_nothing_that_matters(db: Database, endpoint: Endpoint) -> None:
    tables = ["jobs", "environment_jobs", "event_dispatchers", "event_dispatcher_names"]
    before = {table: snapshot(db)[f"perdure.{table}"] for table in tables}
    assert index(db, endpoint, job("a"), job("b"))["disabledJobs"] == 0
    assert {table: snapshot(db)[f"perdure.{table}"] for table in tables} == before
    assert db.value("select count(*) from perdure.job_versions") == 2


def test_a_job_that_is_missing_is_disabled_and_comes_back(db: Database, endpoint: Endpoint) -> None:
    assert index(db, endpoint, job("b"))["disabledJobs"] == 1
    assert started(db, endpoint) == {"b": "1.0.0"}
    assert index(db, endpoint)["disabledJobs"] == 2
    assert started(db, endpoint) == {}
    assert index(db, endpoint, job("a"))["disabledJobs"] == 1
    assert started(db, endpoint) == {"a": "1.0.0"}


def test_a_job_that_is_switched_off_is_off_in_every_version(db: Database, endpoint: Endpoint) -> None:
    off = job("a", version="1.1.0", enabled=False)
    assert index(db, endpoint, off, job("b"))["disabledJobs"] == 1
    assert started(db, endpoint) == {"b": "1.0.0"}
    assert index(db, endpoint, {**off, "enabled": True}, job("b"))["disabledJobs"] == 0
    assert started(db, endpoint) == {"a": "1.1.0", "b": "1.0.0"}


def test_a_job_without_the_flag_is_on(db: Database, endpoint: Endpoint) -> None:
    plain = {
        key: value
        for key, value in job("a").items()
        if key not in ("enabled", "internal", "integrations", "event")
    }
    index(db, endpoint, plain)
    assert started(db, endpoint) == {"a": "1.0.0"}


def test_new_runs_get_the_highest_version(db: Database, endpoint: Endpoint) -> None:
    for version, newest in (
        ("1.9.0", "1.9.0"),
        ("1.10.0-rc.1", "1.10.0-rc.1"),
        ("1.10.0", "1.10.0"),
        ("1.9.1", "1.10.0"),
        ("1.10.0-rc.2", "1.10.0"),
        ("2.0.0", "2.0.0"),
    ):
        index(db, endpoint, job("a", version=version))
        assert started(db, endpoint) == {"a": newest}


def test_a_run_keeps_its_version(db: Database, builders: Builders, endpoint: Endpoint) -> None:
    index(db, endpoint, job("a"))
    builders.run(endpoint)
    index(db, endpoint, job("a", version="2.0.0"))
    (claim,) = builders.claims()
    assert claim.body["job"] == {"id": "a", "version": "1.0.0"}


def test_a_subscription_follows_its_job(db: Database, endpoint: Endpoint) -> None:
    index(db, endpoint, job("a", event=["greet", "meet"]))
    assert (started(db, endpoint), started(db, endpoint, "meet")) == ({"a": "1.0.0"}, {"a": "1.0.0"})
    index(db, endpoint, job("a", event=["meet", "part"]))
    found = [started(db, endpoint, name) for name in ("greet", "meet", "part")]
    assert found == [{}, {"a": "1.0.0"}, {"a": "1.0.0"}]
    index(db, endpoint, job("a", event="part", rule={"source": "github.com", "payload": {"n": [1]}}))
    assert started(db, endpoint, "part", payload={"n": 1}) == {}
    assert started(db, endpoint, "part", payload={"n": 2}, source="github.com") == {}
    assert started(db, endpoint, "part", payload={"n": 1}, source="github.com") == {"a": "1.0.0"}
    index(db, endpoint, job("a", trigger={"type": "invoke"}))
    assert started(db, endpoint, "part", payload={"n": 1}, source="github.com") == {}
    assert (
        db.value("select count(*) from perdure.event_dispatcher_names as n where n.event_name = 'part'") == 0
    )


def test_two_endpoints_of_an_environment_leave_each_other_alone(
    db: Database, builders: Builders, endpoint: Endpoint
) -> None:
    other = builders.endpoint(job("c"), job("d"), environment=endpoint.environment, slug="other")
    assert started(db, endpoint) == dict.fromkeys("abcd", "1.0.0")
    assert index(db, other, job("c"))["disabledJobs"] == 1
    assert index(db, endpoint, job("b"))["disabledJobs"] == 1
    assert started(db, endpoint) == dict.fromkeys("bc", "1.0.0")


def test_environments_of_a_project_have_their_own_versions(
    db: Database, builders: Builders, endpoint: Endpoint, make_environment: Callable[..., Environment]
) -> None:
    production = make_environment("prod", project=endpoint.environment.project)
    other = builders.endpoint(job("a", version="2.0.0"), environment=production)
    index(db, endpoint)
    assert started(db, other) == {"a": "2.0.0"}
    assert started(db, endpoint) == {}
    assert db.value("select count(*) from perdure.jobs") == 2


def test_a_job_that_moves_to_another_endpoint_is_called_there(
    db: Database, builders: Builders, endpoint: Endpoint
) -> None:
    other = builders.endpoint(
        job("a"), environment=endpoint.environment, slug="other", url="http://127.0.0.1:8/"
    )
    index(db, endpoint, job("b"))
    assert started(db, endpoint) == {"a": "1.0.0", "b": "1.0.0"}
    urls = {claim.body["job"]["id"]: claim.url for claim in builders.claims()}
    assert urls == {"a": other.url, "b": endpoint.url}


REFUSED: list[tuple[Any, list[str]]] = [
    ([], ["manifest", '"jobs"']),
    ({}, ["manifest", '"jobs"']),
    ({"jobs": {}}, ["manifest", '"jobs"']),
    (manifest(5), ["jobs[0].id"]),  # type: ignore[arg-type]
    (manifest(job("a"), job("b c")), ["jobs[1].id", "b c"]),
    (manifest(job("a"), job("b"), job("a")), ["jobs[2].id", '"a"', "unique"]),
    (manifest(job(name="")), ["jobs[0].name"]),
    (manifest(job(version="1.0")), ["jobs[0].version", "1.0"]),
    (manifest(job(version="01234567890.0.0")), ["jobs[0].version"]),
    (manifest(job(version=None)), ["jobs[0].version", "absent"]),
    (manifest(job(enabled="maybe")), ["jobs[0].enabled"]),
    (manifest(job(internal="maybe")), ["jobs[0].internal"]),
    (manifest(job(trigger=None)), ["jobs[0].trigger.type", "absent"]),
    (manifest(job(trigger={"type": "manual"})), ["jobs[0].trigger.type", "manual"]),
    (manifest(job(trigger={"type": "static"})), ["jobs[0].trigger.rule.event"]),
    (manifest(job(event=["a", ""])), ["jobs[0].trigger.rule.event"]),
    (manifest(job(event=["a", 5])), ["jobs[0].trigger.rule.event"]),  # type: ignore[list-item]
    (manifest(job(event="")), ["jobs[0].trigger.rule.event"]),
    (manifest(job(rule={"source": ""})), ["jobs[0].trigger.rule.source"]),
    (manifest(job(rule={"payload": ["a"]})), ["jobs[0].trigger.rule.payload", "filter"]),
    (manifest(job(rule={"context": "a"})), ["jobs[0].trigger.rule.context", "filter"]),
    (manifest(job(event="e" * 1_000_000)), ["cannot be stored"]),
    (manifest(job(concurrencyLimit=0)), ["jobs[0].concurrencyLimit"]),
    (manifest(job(integrations={"slack": {}})), ["jobs[0].integrations.slack"]),
    (manifest(job(trigger={"type": "scheduled"})), ["jobs[0].trigger.schedule"]),
    (manifest(dynamicTriggers=[{}]), ["dynamicTriggers[0]"]),
    (manifest(dynamicSchedules=[{}]), ["dynamicSchedules[0]"]),
    (manifest(httpEndpoints=[{}]), ["httpEndpoints[0]"]),
    (manifest(webhooks=[{}]), ["webhooks[0]"]),
    (manifest(sources={}), ["sources", "list", "object"]),
    (manifest(webhooks=5), ["webhooks", "list", "number"]),
    (manifest(sources=[{}]), ["sources[0].key"]),
    (manifest(sources=[{"key": "a"}, {"key": "a"}]), ["sources[1].key", '"a"', "unique"]),
    (manifest(sources=[{"key": "a", "channel": "MQTT"}]), ["sources[0].channel", "MQTT"]),
    (manifest(sources=[{"key": "a", "options": ["x"]}]), ["sources[0].options"]),
    (manifest(sources=[{"key": "a", "options": {"event": "x"}}]), ["sources[0].options"]),
    (manifest(sources=[{"key": "a", "options": {"event": [1]}}]), ["sources[0].options"]),
    (manifest(sources=[{"key": "a", "events": "x"}]), ["sources[0].events"]),
]


def test_a_manifest_that_cannot_be_applied_is_refused_by_name_and_changes_nothing(
    db: Database, endpoint: Endpoint
) -> None:
    before = snapshot(db)
    for wrong, words in REFUSED:
        with refused("JQ010", *words):
            db.call("index_endpoint", endpoint.id, wrong)
    with refused("JQ010"):
        db.value("select perdure.index_endpoint(%s, null)", endpoint.id)
    assert snapshot(db) == before


def test_a_failure_is_remembered_and_disables_nothing(db: Database, endpoint: Endpoint) -> None:
    row = db.call("record_index_failure", endpoint.id, "the app answered 500")
    assert (row["status"], row["error"], "stats" in row) == (
        "FAILURE",
        {"message": "the app answered 500"},
        False,
    )
    assert db.call("get_index", endpoint.environment.id, row["id"]) == row
    assert started(db, endpoint) == {"a": "1.0.0", "b": "1.0.0"}
    assert len(queued(db)) == 2


def test_unknown_endpoints_and_readings_are_not_found(
    db: Database, endpoint: Endpoint, make_environment: Callable[..., Environment]
) -> None:
    row = db.call("record_index_failure", endpoint.id, "x")
    other = make_environment("prod", project=endpoint.environment.project)
    for unknown in (other.id, None):
        with refused("JQ001", "endpoint"):
            db.call("index_endpoint", unknown, manifest())
        with refused("JQ001", "endpoint"):
            db.call("record_index_failure", unknown, "x")
        with refused("JQ001", "index"):
            db.call("get_index", endpoint.environment.id, unknown)
    with refused("JQ001", "index"):
        db.call("get_index", other.id, row["id"])
