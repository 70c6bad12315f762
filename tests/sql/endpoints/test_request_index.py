"""Readings that happen by themselves: a deploy hook, an hour gone by; and endpoints that are given up."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.builders import Builders, Endpoint, job, manifest
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


@pytest.fixture
def endpoint(builders: Builders) -> Endpoint:
    """An endpoint of a development environment."""
    return builders.endpoint()


@pytest.fixture
def production(builders: Builders) -> Endpoint:
    """An endpoint of a production environment."""
    return builders.endpoint(environment=builders.environment("prod"))


def hook_of(db: Database, endpoint: Endpoint) -> tuple[str, str, str]:
    shown = db.call("get_endpoint", endpoint.environment.id, endpoint.slug)
    return endpoint.environment.id, endpoint.slug, shown["indexingHookIdentifier"]


def planned(db: Database, endpoint: Endpoint) -> list[tuple[str, timedelta]]:
    """The readings that lie ahead: who wants them, and how long after they were asked for they are due."""
    rows = db.rows(
        """
        select i.cause, d.due_at - i.created_at as wait
        from perdure.deliveries as d
        join perdure.endpoint_indexes as i on i.id = d.subject_id and i.status = 'PENDING'
        where d.kind = 'INDEX' and d.status = 'PENDING' and i.endpoint_id = %s
        order by d.due_at
        """,
        endpoint.id,
    )
    return [(row.cause, row.wait) for row in rows]


def test_a_hook_has_the_jobs_read_in_five_seconds(db: Database, endpoint: Endpoint, clock: Clock) -> None:
    hook = hook_of(db, endpoint)
    index = db.call("request_index", *hook, {"deployment": 7})
    assert index["status"] == "PENDING"
    assert planned(db, endpoint) == [("HOOK", timedelta(seconds=5))]
    clock.advance(timedelta(seconds=4))
    assert db.call("request_index", *hook) == index
    assert planned(db, endpoint) == [("HOOK", timedelta(seconds=5))]
    clock.advance(timedelta(seconds=2))
    assert db.call("request_index", *hook) != index
    assert len(planned(db, endpoint)) == 2


def test_a_hook_needs_its_id(db: Database, endpoint: Endpoint, production: Endpoint) -> None:
    environment_id, slug, hook_id = hook_of(db, endpoint)
    for wrong in (
        (production.environment.id, slug, hook_id),
        (environment_id, "other", hook_id),
        (environment_id, slug, hook_of(db, production)[2]),
        (environment_id, slug, None),
        (None, slug, hook_id),
    ):
        with refused("JQ001"):
            db.call("request_index", *wrong)
    assert planned(db, endpoint) == []


def test_production_and_staging_are_read_again_an_hour_after_the_last_time(
    db: Database, builders: Builders, clock: Clock
) -> None:
    for slug, again in (("dev", []), ("prev", []), ("stg", [("SCHEDULE", timedelta(hours=1))])):
        endpoint = builders.endpoint(environment=builders.environment(slug))
        assert planned(db, endpoint) == again
    production = builders.endpoint(environment=builders.environment("prod"))
    for call in (("index_endpoint", manifest(job())), ("record_index_failure", "no answer")):
        now = clock.advance(timedelta(minutes=50))
        db.call(call[0], production.id, call[1])
        assert planned(db, production) == [("SCHEDULE", timedelta(hours=1))]
        due_at = db.value("select due_at from perdure.deliveries where endpoint_id = %s", production.id)
        assert due_at >= now + timedelta(hours=1)


def test_what_is_shown_is_the_last_reading_that_has_ended(db: Database, production: Endpoint) -> None:
    ended = db.call("record_index_failure", production.id, "no answer")
    assert planned(db, production)
    assert db.call("get_endpoint", production.environment.id, production.slug)["lastIndex"] == ended
    (row,) = db.rows("select * from perdure_views.endpoints where id = %s", production.id)
    assert (row.index_status, row.enabled, row.failed_index_count) == ("FAILURE", True, 1)


def test_a_reading_that_was_asked_for_is_ended_once(
    db: Database, endpoint: Endpoint, builders: Builders
) -> None:
    first = db.call("request_index", *hook_of(db, endpoint))
    row = db.call("index_endpoint", endpoint.id, manifest(job()), {}, first["id"])
    assert (row["id"], row["status"], row["stats"]["jobs"]) == (first["id"], "SUCCESS", 1)
    assert db.call("get_index", endpoint.environment.id, first["id"]) == row
    other = builders.endpoint()
    for endpoint_id, index_id in ((endpoint.id, first["id"]), (other.id, first["id"]), (other.id, other.id)):
        with refused("JQ001", "no open index"):
            db.call("index_endpoint", endpoint_id, manifest(), {}, index_id)
        with refused("JQ001", "no open index"):
            db.call("record_index_failure", endpoint_id, "x", index_id)


def test_a_reading_says_who_wanted_it(db: Database, endpoint: Endpoint) -> None:
    said: dict[str, Any] = {"p_cause": "API", "p_reason": "deployed", "p_data": {"n": 1}}
    ids = [
        db.call("index_endpoint", endpoint.id, manifest(), **said)["id"],
        db.call("record_index_failure", endpoint.id, "x", **said)["id"],
        db.call("index_endpoint", endpoint.id, manifest())["id"],
    ]
    rows = [
        db.rows("select cause, reason, data from perdure.endpoint_indexes where id = %s", id)[0] for id in ids
    ]
    assert [tuple(row) for row in rows] == [*[("API", "deployed", {"n": 1})] * 2, ("SQL", None, None)]
    for call in (("index_endpoint", manifest()), ("record_index_failure", "x")):
        with refused("JQ010", "p_cause", "API, CONNECT, HOOK, SCHEDULE or SQL", "'CRON'"):
            db.call(call[0], endpoint.id, call[1], p_cause="CRON")


def fail(db: Database, endpoint: Endpoint, times: int) -> None:
    for _ in range(times):
        db.call("record_index_failure", endpoint.id, "no answer")


def is_enabled(db: Database, endpoint: Endpoint) -> bool:
    enabled: bool = db.value("select enabled from perdure.endpoints where id = %s", endpoint.id)
    return enabled


@pytest.mark.parametrize("mend", ["register", "index"])
def test_an_endpoint_that_fails_96_times_in_a_row_is_left_alone_until_it_is_mended(
    db: Database, production: Endpoint, mend: str
) -> None:
    fail(db, production, 95)
    db.call("index_endpoint", production.id, manifest(job()))
    fail(db, production, 95)
    assert is_enabled(db, production)
    assert len(planned(db, production)) == 1
    fail(db, production, 1)
    assert not is_enabled(db, production)
    assert len(planned(db, production)) == 1  # planned before, and then in vain
    if mend == "register":
        db.call("register_endpoint", production.environment.id, production.slug, production.url)
    else:
        db.call("index_endpoint", production.id, manifest(job()))
    fail(db, production, 95)
    assert is_enabled(db, production)


def test_a_hook_gives_an_endpoint_another_chance(db: Database, production: Endpoint) -> None:
    fail(db, production, 96)
    db.call("request_index", *hook_of(db, production))
    assert is_enabled(db, production)
    fail(db, production, 1)
    assert not is_enabled(db, production)


def test_a_manifest_names_what_it_wants_preprocessed(db: Database, endpoint: Endpoint) -> None:
    def preprocessed() -> bool:
        wanted: bool = db.value("select preprocess_runs from perdure.job_versions")
        return wanted

    for wanted in (True, False):
        db.call("index_endpoint", endpoint.id, manifest(job(preprocessRuns=wanted)))
        assert preprocessed() is wanted
    with refused("JQ010", "jobs[0].preprocessRuns"):
        db.call("index_endpoint", endpoint.id, manifest(job(preprocessRuns="no")))
