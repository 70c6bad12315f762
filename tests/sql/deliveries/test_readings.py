"""Readings of endpoints that happen by themselves, and probes of how long a host lets a function live."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.sql.deliveries.delivering import answer, apply, claim, delivery, failure, result
from tests.support.builders import Builders, Endpoint, job, manifest
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


@pytest.fixture
def endpoint(builders: Builders) -> Endpoint:
    """An endpoint in development: read only when somebody asks."""
    return builders.endpoint()


def schedule(db: Database, endpoint: Endpoint, delay: str = "0", cause: str = "HOOK", **members: Any) -> str:
    """Have the endpoint read; returns the id of the index."""
    arguments = {"endpoint_id": endpoint.id, "delay": delay, "cause": cause, "reason": None, "data": None}
    found: str = db.call("_schedule_index", **{**arguments, **members})
    return found


def index(db: Database, endpoint: Endpoint, index_id: str) -> dict[str, Any]:
    found: dict[str, Any] = db.call("get_index", endpoint.environment.id, index_id)
    return found


def endpoint_row(db: Database, endpoint: Endpoint) -> Any:
    (row,) = db.rows("select * from perdure.endpoints where id = %s", endpoint.id)
    return row


def test_a_reading_fills_its_index(db: Database, endpoint: Endpoint) -> None:
    index_id = schedule(db, endpoint, reason="deployed", data={"commit": "abc"})
    assert index(db, endpoint, index_id)["status"] == "PENDING"
    (claimed,) = claim(db)
    assert (claimed.kind, claimed.action, claimed.method) == ("INDEX", "INDEX_ENDPOINT", "POST")
    assert (claimed.url, claimed.headers, claimed.body) == (endpoint.url, None, None)
    jobs = manifest(job(), job("second"))
    headers = {"trigger-sdk-version": "2.3.19"}
    assert apply(db, answer(claimed, jobs, headers=headers)) == ["DELIVERED"]
    found = index(db, endpoint, index_id)
    assert (found["status"], found["stats"]["jobs"]) == ("SUCCESS", 2)
    row = endpoint_row(db, endpoint)
    assert (row.sdk_name, row.sdk_version) == ("trigger", "2.3.19")
    assert db.value("select cause from perdure.endpoint_indexes where id = %s", index_id) == "HOOK"


def test_a_python_app_is_told_apart(db: Database, endpoint: Endpoint) -> None:
    schedule(db, endpoint)
    (claimed,) = claim(db)
    apply(db, answer(claimed, manifest(job()), headers={"perdure-sdk-version": "9.9"}))
    row = endpoint_row(db, endpoint)
    assert (row.sdk_name, row.sdk_version) == ("perdure", "9.9")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"message": "Unauthorized"}, 401, "Unauthorized"),
        ("<html>", 200, "an HTML page"),
        ({"jobs": 5}, 200, "jobs"),
        ('{"jobs": [], "sources": [1e1000000]}', 200, ""),
        ({"sources": []}, 200, "jobs"),
    ],
)
def test_a_reading_that_fails_says_why(
    db: Database, builders: Builders, body: Any, status: int, said: str
) -> None:
    endpoint = builders.endpoint(environment=builders.environment("prod"))
    index_id = schedule(db, endpoint)
    (claimed,) = claim(db)
    assert apply(db, answer(claimed, body, status=status)) == ["FAILED"]
    found = index(db, endpoint, index_id)
    assert (found["status"], said in found["error"]["message"]) == ("FAILURE", True)
    assert delivery(db, claimed.delivery_id).message == found["error"]["message"]
    assert endpoint_row(db, endpoint).failed_index_count == 1


def test_a_reading_whose_dispatcher_died_is_done_by_another(
    db: Database, endpoint: Endpoint, clock: Clock
) -> None:
    index_id = schedule(db, endpoint)
    claim(db)
    clock.advance(timedelta(seconds=21))
    (claimed,) = claim(db)
    assert apply(db, answer(claimed, manifest(job()))) == ["DELIVERED"]
    assert index(db, endpoint, index_id)["status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("https://www.acme.example/api/trigger", "https://www.acme.example/api/trigger"),
        ("/moved", "http://127.0.0.1:9/moved"),
    ],
)
def test_a_redirect_moves_the_endpoint(db: Database, endpoint: Endpoint, location: str, url: str) -> None:
    index_id = schedule(db, endpoint)
    (claimed,) = claim(db)
    assert apply(db, answer(claimed, "", status=308, headers={"location": location})) == ["PENDING"]
    (claimed,) = claim(db)
    assert claimed.url == url
    assert apply(db, answer(claimed, manifest(job()))) == ["DELIVERED"]
    assert index(db, endpoint, index_id)["status"] == "SUCCESS"


def test_redirects_that_never_end_are_not_followed_for_ever(db: Database, endpoint: Endpoint) -> None:
    schedule(db, endpoint)
    for attempt in range(6):
        (claimed,) = claim(db)
        headers = {"location": f"/{attempt}"}
        outcome = apply(db, answer(claimed, "", status=302, headers=headers))
    assert outcome == ["FAILED"]
    assert "a redirect to /5" in delivery(db, claimed.delivery_id).message


def test_production_is_read_every_hour(db: Database, production: Endpoint, clock: Clock) -> None:
    for _ in range(3):
        assert claim(db) == []
        clock.advance(timedelta(hours=1))
        (claimed,) = claim(db)
        assert apply(db, failure(claimed)) == ["FAILED"]
    assert endpoint_row(db, production).failed_index_count == 3
    clock.advance(timedelta(hours=1))
    (claimed,) = claim(db)
    apply(db, answer(claimed, manifest(job())))
    assert endpoint_row(db, production).failed_index_count == 0
    causes = db.rows("select cause, status from perdure.endpoint_indexes order by id")
    assert [row.status for row in causes[1:]] == ["FAILURE"] * 3 + ["SUCCESS", "PENDING"]
    assert {row.cause for row in causes[1:]} == {"SCHEDULE"}


def test_a_reading_that_comes_first_takes_the_place_of_the_periodic_one(
    db: Database, production: Endpoint, clock: Clock
) -> None:
    schedule(db, production, "5 seconds")
    pending = "select count(*) from perdure.deliveries where status = 'PENDING'"
    assert db.value(pending) == 1
    clock.advance(timedelta(seconds=6))
    (claimed,) = claim(db)
    apply(db, answer(claimed, manifest(job())))
    assert db.value(pending) == 1  # the next periodic one
    assert claim(db) == []
    assert db.call("doctor") == []


def test_a_reading_under_way_is_left_alone(db: Database, production: Endpoint, clock: Clock) -> None:
    clock.advance(timedelta(hours=1))
    (under_way,) = claim(db)
    schedule(db, production)
    (second,) = claim(db)
    assert apply(db, answer(under_way, manifest(job()))) == ["DELIVERED"]
    assert apply(db, answer(second, manifest(job()))) == ["DELIVERED"]
    assert db.value("select count(*) from perdure.deliveries where status = 'PENDING'") == 1


def test_an_app_that_fails_four_days_long_is_read_no_more(
    db: Database, production: Endpoint, clock: Clock
) -> None:
    for _ in range(96):
        clock.advance(timedelta(hours=1))
        (claimed,) = claim(db)
        assert apply(db, failure(claimed)) == ["FAILED"]
    assert endpoint_row(db, production).enabled is False
    clock.advance(timedelta(hours=2))
    assert claim(db) == []
    schedule(db, production)
    assert claim(db) == []  # not even when somebody asks
    assert db.value("select count(*) from perdure.deliveries where status = 'PENDING'") == 0
    assert db.value("select count(*) from perdure.endpoint_indexes where status = 'PENDING'") == 0


def test_an_unknown_endpoint_cannot_be_read(pure_db: Database) -> None:
    with refused("JQ001", "endpoint"):
        pure_db.call("_schedule_index", None, "0", "HOOK", None, None)
    with refused("JQ001", "endpoint"):
        pure_db.call("probe_endpoint", None)


PROBES: list[tuple[dict[str, Any], int, int | None]] = [
    # what came, after how many milliseconds, the limit that was learnt
    ({"verdict": "REPLY", "httpStatus": 200, "body": "{}"}, 120_050, 120_000),
    ({"verdict": "REPLY", "httpStatus": 504, "body": ""}, 30_020, 30_020),
    ({"verdict": "REPLY", "httpStatus": 504, "body": ""}, 10_004, 10_004),
    ({"verdict": "UNREACHABLE", "message": "reset"}, 25_000, 25_000),
    ({"verdict": "TIMEOUT", "message": "no answer"}, 130_000, 120_000),
    ({"verdict": "REPLY", "httpStatus": 404, "body": ""}, 15, None),
    ({"verdict": "UNREACHABLE", "message": "no connection within 10 s"}, 10_010, None),
]


@pytest.mark.parametrize(("came", "duration_ms", "limit_ms"), PROBES)
def test_a_probe_shows_how_long_the_host_lets_a_function_live(
    db: Database, production: Endpoint, came: dict[str, Any], duration_ms: int, limit_ms: int | None
) -> None:
    probe_id = db.call("probe_endpoint", production.id)
    (claimed,) = claim(db)
    assert (claimed.kind, claimed.action) == ("PROBE", "PROBE_EXECUTION_TIMEOUT")
    assert (json.loads(bytes(claimed.body)), claimed.timeout_ms) == ({"timeout": 120_000}, 130_000)
    outcome = apply(db, {**result(claimed, "REPLY"), **came, "durationMs": duration_ms})
    assert outcome == (["PENDING"] if limit_ms is None else ["DELIVERED"])
    assert endpoint_row(db, production).execution_limit_ms == (limit_ms or 60_000)
    kept = None if limit_ms is None else {"durationMs": duration_ms}
    assert delivery(db, probe_id).response == kept


def test_a_probe_is_tried_three_times(db: Database, production: Endpoint, clock: Clock) -> None:
    db.call("probe_endpoint", production.id)
    for _ in range(3):
        (claimed,) = claim(db)
        outcome = apply(db, failure(claimed))
        clock.advance(timedelta(minutes=1))
    assert outcome == ["FAILED"]
