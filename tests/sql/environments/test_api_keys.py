"""API keys: made, recognised, used to sign, revoked; never stored."""

import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.sql.rows import snapshot
from tests.support.builders import Builders, Environment
from tests.support.database import Database
from tests.support.refusals import refused


@pytest.fixture
def environment(builders: Builders) -> Environment:
    """The development environment of a new project."""
    return builders.environment()


def signing_secret(key: str) -> bytes:
    """As the SDK derives it."""
    return hashlib.sha256(f"perdure.signing.v1:{key}".encode()).digest()


@pytest.mark.parametrize("slug", ["dev", "stg", "prod", "prev"])
@pytest.mark.parametrize(("kind", "prefix"), [("SECRET", "tr"), ("PUBLIC", "pk")])
def test_a_new_key_is_recognised(pure_db: Database, slug: str, kind: str, prefix: str) -> None:
    environment = Builders(pure_db).environment(slug, project="site")
    key = pure_db.call("create_api_key", environment.id, kind)
    assert re.fullmatch(rf"{prefix}_{slug}_[0-9a-f]{{40}}", key)
    (found,) = pure_db.call("authenticate", key)
    types = {"dev": "DEVELOPMENT", "stg": "STAGING", "prod": "PRODUCTION", "prev": "PREVIEW"}
    assert found.works_for_s is None
    assert tuple(found)[:-2] == (environment.id, kind, slug, types[slug], environment.project, "acme")
    hint = pure_db.value("select hint from perdure_views.api_keys where id = %s", found.api_key_id)
    assert key.startswith(hint)


@pytest.mark.parametrize(
    "key", ["tr_dev_unknown", "", None, "tr_dev_0000000000000000000000000000000000000000"]
)
def test_an_unknown_key_is_nobodys(pure_db: Database, key: str | None) -> None:
    assert pure_db.call("authenticate", key) == []


def test_a_key_is_not_stored(db: Database, make_environment: Callable[..., Environment]) -> None:
    environment = make_environment()
    stored = str(snapshot(db))
    assert environment.key not in stored
    assert environment.key[:12] not in stored
    (row,) = db.rows("select * from perdure.api_keys where kind = 'SECRET'")
    assert row.hint == environment.key[:11]
    assert row.key_hash == hashlib.sha256(environment.key.encode()).digest()


def test_a_key_made_elsewhere_is_taken_once(
    db: Database, make_environment: Callable[..., Environment]
) -> None:
    environment = make_environment()
    key = "tr_dev_" + "k" * 16
    assert db.call("create_api_key", environment.id, "SECRET", key) == key
    before = snapshot(db)
    assert db.call("create_api_key", environment.id, "SECRET", key) == key
    assert snapshot(db) == before
    assert len(db.call("authenticate", key)) == 1


def test_a_key_of_another_environment_or_a_revoked_one_is_refused(
    db: Database, make_environment: Callable[..., Environment]
) -> None:
    environment, other = make_environment(), make_environment()
    with refused("JQ004", "another environment"):
        db.call("create_api_key", other.id, "SECRET", environment.key)
    db.call("revoke_api_key", environment.key)
    before = snapshot(db)
    with refused("JQ004", "revoked"):
        db.call("create_api_key", environment.id, "SECRET", environment.key)
    assert snapshot(db) == before
    assert db.call("authenticate", environment.key) == []


@pytest.mark.parametrize(
    ("kind", "key", "words"),
    [
        ("secret", None, ["p_kind", "SECRET or PUBLIC", "'secret'"]),
        (None, None, ["p_kind"]),
        ("SECRET", "", ["p_key", '"tr_dev_"']),
        ("SECRET", "tr_dev_short", ["p_key"]),
        ("SECRET", "tr_prod_" + "k" * 20, ["p_key", '"tr_dev_"']),
        ("SECRET", "pk_dev_" + "k" * 20, ["p_key"]),
        ("PUBLIC", "tr_dev_" + "k" * 20, ["p_key", '"pk_dev_"']),
        ("SECRET", "tr_dev_" + "-" * 20, ["p_key"]),
        ("SECRET", "tr_dev_" + "k" * 101, ["p_key"]),
    ],
)
def test_arguments_are_checked(
    pure_db: Database, kind: str | None, key: str | None, words: list[str]
) -> None:
    pure_db.call("create_project", "acme", "site")
    environment_id = pure_db.call("get_environment", "site", "dev")
    with refused("JQ010", *words):
        pure_db.call("create_api_key", environment_id, kind, key)


def test_an_unknown_environment_is_refused(pure_db: Database) -> None:
    for environment_id in ("01900000-0000-7000-8000-000000000000", None):
        with refused("JQ001", "environment"):
            pure_db.call("create_api_key", environment_id)


def test_every_secret_key_in_force_signs_newest_first(
    db: Database, make_environment: Callable[..., Environment]
) -> None:
    environment, other = make_environment(), make_environment()
    second = db.call("create_api_key", environment.id)
    db.call("create_api_key", environment.id, "PUBLIC")
    secrets = db.call("get_signing_secrets", environment.id)
    assert secrets == [signing_secret(second), signing_secret(environment.key)]
    assert db.call("get_signing_secrets", other.id) == [signing_secret(other.key)]

    assert db.call("revoke_api_key", environment.key) is True
    assert db.call("revoke_api_key", environment.key) is False
    assert db.call("revoke_api_key", "tr_dev_unknown") is False
    assert db.call("get_signing_secrets", environment.id) == [signing_secret(second)]
    assert len(db.call("authenticate", second)) == 1
    db.call("revoke_api_key", second)
    assert db.call("get_signing_secrets", environment.id) is None


def test_a_sealed_key_is_kept_until_the_key_is_revoked(db: Database, environment: Environment) -> None:
    key_id = db.call("authenticate", environment.key)[0].api_key_id
    db.call("keep_sealed_key", key_id, "first seal")
    db.call("keep_sealed_key", key_id, "second seal")
    register(db, environment, key_id)
    assert access(db, environment).sealed_api_key == "second seal"
    assert access(db, environment).signing_secrets == [signing_secret(environment.key)]
    db.call("revoke_api_key", environment.key)
    assert access(db, environment).sealed_api_key is None
    assert "second seal" not in str(snapshot(db))
    with refused("JQ001", "in force"):
        db.call("keep_sealed_key", key_id, "third seal")


def test_only_secret_keys_are_kept(db: Database, environment: Environment) -> None:
    public = db.call("create_api_key", environment.id, "PUBLIC")
    for key_id in (db.call("authenticate", public)[0].api_key_id, None, environment.id):
        with refused("JQ001", "secret key"):
            db.call("keep_sealed_key", key_id, "sealed")
    with refused("JQ010", "p_sealed"):
        db.call("keep_sealed_key", db.call("authenticate", environment.key)[0].api_key_id, "")


def test_an_endpoint_is_sent_only_a_kept_key_of_its_environment(
    db: Database, environment: Environment, make_environment: Callable[..., Environment]
) -> None:
    other = make_environment()
    other_id = db.call("authenticate", other.key)[0].api_key_id
    db.call("keep_sealed_key", other_id, "the other's")
    for key_id in (other_id, db.call("authenticate", environment.key)[0].api_key_id):
        with refused("JQ001", "sealed key", key_id):
            register(db, environment, key_id)
    register(db, environment, None)
    assert access(db, environment).sealed_api_key is None


def test_when_a_key_is_revoked_its_endpoints_are_sent_the_newest_that_is_kept(
    db: Database, environment: Environment
) -> None:
    keys = [environment.key, *(db.call("create_api_key", environment.id) for _ in range(3))]
    ids = [db.call("authenticate", key)[0].api_key_id for key in keys]
    for number in (0, 1, 2):
        db.call("keep_sealed_key", ids[number], f"seal {number}")
    register(db, environment, ids[1])
    db.call("revoke_api_key", keys[3])
    assert access(db, environment).sealed_api_key == "seal 1"
    db.call("revoke_api_key", keys[1])
    assert access(db, environment).sealed_api_key == "seal 2"
    db.call("revoke_api_key", keys[0])
    assert access(db, environment).sealed_api_key == "seal 2"
    db.call("revoke_api_key", keys[2])
    assert access(db, environment).sealed_api_key is None


def register(db: Database, environment: Environment, key_id: str | None) -> None:
    db.call("register_endpoint", environment.id, "app", "http://app.test/", p_api_key_id=key_id)


def access(db: Database, environment: Environment) -> Any:
    (row,) = db.call("get_endpoint_access", environment.id, "app")
    return row
