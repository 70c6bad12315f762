"""Apps that hold a connection: their runs wait for them, and for nobody else."""

from datetime import timedelta
from typing import Any

import pytest

from tests.sql.rows import payloads
from tests.support.builders import SDK, Builders, Endpoint, Environment, job, manifest
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused

LEASE = timedelta(seconds=30)


@pytest.fixture
def environment(builders: Builders) -> Environment:
    """Of production kind, in which endpoints are read every hour."""
    return builders.environment("prod")


def connect(db: Database, environment: Environment, slug: str = "worker", *, event: str = "greet") -> str:
    """A connected app with one job; its endpoint's id."""
    endpoint = db.call("connect_endpoint", environment.id, slug)
    db.call("index_endpoint", endpoint["id"], manifest(job(event, event=event)), SDK, cause="CONNECT")
    return str(endpoint["id"])


def send(db: Database, environment: Environment, count: int = 1, *, event: str = "greet") -> None:
    db.call("send_events", environment.id, [{"name": event} for _ in range(count)])


def claims(db: Database, *endpoint_ids: str, limit: int = 10) -> list[Any]:
    """What the holder of these apps' connections is given."""
    rows: list[Any] = db.call("claim_runs", "server", limit, LEASE, endpoint_ids=list(endpoint_ids))
    return rows


def called(db: Database) -> list[Any]:
    """What a dispatcher is given."""
    rows: list[Any] = db.call("claim_runs", "dispatcher", 10)
    return rows


def test_an_app_that_connects_is_an_endpoint_without_a_url(db: Database, environment: Environment) -> None:
    first = db.call("connect_endpoint", environment.id, "worker")
    assert (first["slug"], first["enabled"]) == ("worker", True)
    assert first["url"] == f"connected://{first['id']}"
    assert db.call("connect_endpoint", environment.id, "worker")["id"] == first["id"]
    with refused("JQ010", "p_slug"):
        db.call("connect_endpoint", environment.id, "no app\n")
    with refused("JQ001", "there is no environment"):
        db.call("connect_endpoint", first["id"], "worker")


def test_its_runs_are_given_to_whoever_holds_its_connection(db: Database, environment: Environment) -> None:
    worker, other = connect(db, environment), connect(db, environment, "other", event="other")
    send(db, environment, 3)
    send(db, environment, event="other")
    assert called(db) == []
    first, second = claims(db, worker, limit=2)
    assert claims(db, worker)[0].run_id not in (first.run_id, second.run_id)
    assert claims(db, worker) == []
    (of_other,) = claims(db, worker, other)
    assert of_other.endpoint_id == other


def test_no_host_limits_its_executions_and_the_lease_is_short(db: Database, environment: Environment) -> None:
    worker = connect(db, environment)
    send(db, environment)
    (claim,) = claims(db, worker)
    assert "runChunkExecutionLimit" not in claim.body
    (lease,) = db.rows("select expires_at - claimed_at as duration from perdure.leases")
    assert lease.duration == LEASE


def test_runs_wait_for_an_app_that_is_away(db: Database, environment: Environment, clock: Clock) -> None:
    worker = connect(db, environment)
    send(db, environment)
    clock.advance(timedelta(days=3))
    db.call("promote_due")
    assert called(db) == []
    assert db.call("doctor") == []
    assert len(claims(db, worker)) == 1


def test_an_app_that_gets_a_url_is_called_there(db: Database, environment: Environment) -> None:
    worker = connect(db, environment)
    send(db, environment, 2)
    db.call("register_endpoint", environment.id, "worker", "https://app.test/")
    assert claims(db, worker) == []  # and puts them where they belong now
    assert {claim.url for claim in called(db)} == {"https://app.test/"}
    send(db, environment)
    assert len(called(db)) == 1


def test_an_app_that_had_a_url_is_called_there_no_more(db: Database, builders: Builders) -> None:
    endpoint: Endpoint = builders.endpoint()
    builders.runs(2, endpoint)
    db.call("connect_endpoint", endpoint.environment.id, endpoint.slug)
    assert called(db) == []
    assert len(claims(db, endpoint.id)) == 2


def test_deliveries_go_the_way_that_the_app_is_reached(
    db: Database, environment: Environment, clock: Clock
) -> None:
    worker = connect(db, environment)
    hook = db.call("get_endpoint", environment.id, "worker")["indexingHookIdentifier"]
    db.call("request_index", environment.id, "worker", hook)
    clock.advance(timedelta(seconds=6))
    assert db.call("promote_due")[0].next_due_ms is None  # nothing that a dispatcher could do
    assert db.call("claim_deliveries", "dispatcher", 10) == []
    assert db.call("claim_deliveries", "server", 10, endpoint_ids=[environment.id]) == []
    (delivery,) = db.call("claim_deliveries", "server", 10, LEASE, endpoint_ids=[worker])
    assert (delivery.action, delivery.endpoint_id) == ("INDEX_ENDPOINT", worker)

    db.call("register_endpoint", environment.id, "worker", "https://app.test/")
    clock.advance(timedelta(hours=1))
    assert len(db.call("claim_deliveries", "dispatcher", 10)) == 1
    clock.advance(timedelta(hours=1))
    db.call("connect_endpoint", environment.id, "worker")
    assert db.call("claim_deliveries", "dispatcher", 10) == []
    assert len(db.call("claim_deliveries", "server", 10, endpoint_ids=[worker])) == 1


def test_a_delivery_that_nobody_fetches_is_shown(
    db: Database, environment: Environment, clock: Clock
) -> None:
    connect(db, environment)
    hook = db.call("get_endpoint", environment.id, "worker")["indexingHookIdentifier"]
    db.call("request_index", environment.id, "worker", hook)
    clock.advance(timedelta(minutes=6))
    (finding,) = db.call("doctor")
    assert "is the app connected?" in str(finding)


def test_leases_are_renewed_by_whoever_has_them(db: Database, environment: Environment, clock: Clock) -> None:
    worker = connect(db, environment)
    send(db, environment, 2)
    held, lost = claims(db, worker)
    clock.advance(timedelta(seconds=20))
    pairs = [[held.run_id, lost.run_id], [held.lease_number, lost.lease_number + 1]]
    assert db.call("renew_leases", *pairs, LEASE) == [held.run_id]
    clock.advance(timedelta(seconds=20))
    assert db.call("promote_due")[0].reaped_leases == 1
    (lease,) = db.rows("select run_id from perdure.leases")
    assert lease.run_id == held.run_id


def test_dispatchers_hear_of_a_lease_that_is_cut_short(db: Database, environment: Environment) -> None:
    worker = connect(db, environment)
    send(db, environment)
    (claim,) = claims(db, worker)
    pair = [[claim.run_id], [claim.lease_number]]
    with db.as_role("perdure_owner") as listener:
        listener.execute("listen perdure_ready")
        db.call("renew_leases", *pair, 2 * LEASE)
        db.call("renew_leases", *pair, LEASE / 2)
        assert payloads(db, listener) == ["due"]


def test_a_renewed_lease_ends_with_the_time_of_its_run(
    db: Database, environment: Environment, clock: Clock
) -> None:
    endpoint = db.call("connect_endpoint", environment.id, "worker")
    db.call("index_endpoint", endpoint["id"], manifest(job(timeoutInSeconds=40)), SDK)
    send(db, environment)
    (claim,) = claims(db, endpoint["id"])
    clock.advance(timedelta(seconds=20))
    assert db.call("renew_leases", [claim.run_id], [claim.lease_number], LEASE) == [claim.run_id]
    clock.advance(timedelta(seconds=21))
    db.call("promote_due")
    assert db.value("select status from perdure.runs") == "TIMED_OUT"


def test_what_renewing_refuses(db: Database, environment: Environment) -> None:
    with refused("JQ010", "as many"):
        db.call("renew_leases", [environment.id], [], LEASE)
    with refused("JQ010", "p_duration"):
        db.call("renew_leases", [environment.id], [1], timedelta(0))
