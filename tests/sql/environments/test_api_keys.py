"""API keys: made, recognised, used to sign, revoked; never stored."""

import hashlib
import re
from collections.abc import Callable

import pytest

from tests.sql.rows import snapshot
from tests.support.builders import Builders, Environment
from tests.support.database import Database
from tests.support.refusals import refused


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
    assert tuple(found) == (environment.id, kind, slug, types[slug], environment.project, "acme")


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
    (row,) = db.rows("select * from perdure.api_keys")
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
