"""Keys that are rotated: old and new work side by side for a while, and then only the new one."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from tests.support.builders import Builders, Environment
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused

DAY = timedelta(days=1)


def key_id(db: Database, key: str) -> str:
    """The id of a key in force."""
    (caller,) = db.call("authenticate", key)
    found: str = caller.api_key_id
    return found


def rotate(db: Database, environment: Environment, overlap: timedelta, key: str | None = None) -> str:
    new: str = db.call(
        "rotate_api_key", environment.id, key_id(db, key or environment.key), overlap, "ann@x.org"
    )
    return new


def signing_secret(key: str) -> bytes:
    return hashlib.sha256(f"perdure.signing.v1:{key}".encode()).digest()


def test_both_keys_work_until_the_old_one_expires(db: Database, builders: Builders, clock: Clock) -> None:
    environment = builders.environment()
    old_id = key_id(db, environment.key)
    new = rotate(db, environment, DAY)
    assert new.startswith("tr_dev_")
    (caller,) = db.call("authenticate", environment.key)
    assert caller.works_for_s == pytest.approx(DAY.total_seconds(), abs=5)
    assert db.call("authenticate", new)[0].works_for_s is None
    both = {signing_secret(environment.key), signing_secret(new)}
    assert {bytes(secret) for secret in db.call("get_signing_secrets", environment.id)} == both

    clock.advance(DAY + timedelta(seconds=1))
    assert db.call("authenticate", environment.key) == []
    assert [bytes(secret) for secret in db.call("get_signing_secrets", environment.id)] == [
        signing_secret(new)
    ]
    with refused("JQ001", "no such secret key"):
        db.call("environment_of_key", hashlib.sha256(environment.key.encode()).digest())
    with refused("JQ001", old_id):
        db.call("keep_sealed_key", old_id, "sealed")
    assert db.call("authenticate", new)[0].environment_id == environment.id


def test_without_overlap_the_old_key_is_revoked(db: Database, builders: Builders) -> None:
    environment = builders.environment()
    new = rotate(db, environment, timedelta())
    assert db.call("authenticate", environment.key) == []
    rows = db.rows(
        "select hint, created_by, revoked_at from perdure_views.api_keys where kind = 'SECRET' order by id"
    )
    assert [(row.created_by, row.revoked_at is None) for row in rows] == [(None, False), ("ann@x.org", True)]
    assert new.startswith(rows[1].hint)


def test_a_public_key_is_followed_by_a_public_one(db: Database, builders: Builders, clock: Clock) -> None:
    environment = builders.environment()
    old = db.call("describe_environment", environment.id)["pkApiKey"]
    new = rotate(db, environment, DAY, old)
    assert new.startswith("pk_dev_")
    assert db.call("describe_environment", environment.id)["pkApiKey"] == new
    clock.advance(DAY * 2)
    assert db.call("authenticate", old) == []


def test_a_key_is_rotated_once_and_by_its_environment_only(db: Database, builders: Builders) -> None:
    environment, other = builders.environment(), builders.environment()
    id = key_id(db, environment.key)
    with refused("JQ001", id):
        db.call("rotate_api_key", other.id, id, DAY)
    with refused("JQ001", id):
        db.call("end_api_key", other.id, id)
    for overlap in (timedelta(days=91), timedelta(seconds=-1), None):
        with refused("JQ010", "p_overlap"):
            db.call("rotate_api_key", environment.id, id, overlap)
    rotate(db, environment, DAY)
    with refused("JQ002", "rotated or revoked before"):
        db.call("rotate_api_key", environment.id, id, DAY)
    with refused("JQ002", "rotated or revoked before"):
        db.call("rotate_api_key", environment.id, id, timedelta())
    assert db.call("end_api_key", environment.id, id) is True
    assert db.call("end_api_key", environment.id, id) is False
    assert db.call("authenticate", environment.key) == []


def test_preview_environments_are_made_by_name(db: Database, builders: Builders) -> None:
    environment = builders.environment()
    made = db.call("create_environment", "acme", environment.project, "branch")
    assert db.call("create_environment", "acme", environment.project, "branch") == made
    assert db.call("get_environment", environment.project, "branch") == made
    assert db.call("create_api_key", made).startswith("tr_branch_")
    with refused("JQ004", "development"):
        db.call("create_environment", "acme", environment.project, "dev")
    with refused("JQ001", "none"):
        db.call("create_environment", "acme", "none", "branch")
    for slug in ("Branch", "a", "branch-2", None):
        with refused("JQ010", "p_slug"):
            db.call("create_environment", "acme", environment.project, slug)
