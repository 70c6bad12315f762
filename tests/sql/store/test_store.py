"""The key-value store of an environment."""

from typing import Any

import pytest
from psycopg.types.json import Json

from tests.support.builders import Builders
from tests.support.database import Database
from tests.support.refusals import refused


def written(text: str) -> Json:
    """JSON with these very characters."""
    return Json(None, dumps=lambda _: text)


def test_a_value_is_kept_until_it_is_deleted(db: Database, builders: Builders) -> None:
    environment_id = builders.environment().id
    key = "job:greet:a/b c"
    assert db.call("has_store_item", environment_id, key) is False
    assert db.call("get_store_item", environment_id, key) == {"action": "GET", "key": key}
    answer = db.call("set_store_item", environment_id, key, written('{"n": 1.0}'))
    assert answer == {"action": "SET", "key": key, "value": '{"n": 1.0}'}
    assert db.call("has_store_item", environment_id, key) is True
    db.call("set_store_item", environment_id, key, written("null"))
    assert db.call("get_store_item", environment_id, key) == {"action": "GET", "key": key, "value": "null"}
    deleted = {"action": "DELETE", "key": key, "deleted": True}
    assert db.call("delete_store_item", environment_id, key) == deleted
    assert db.call("delete_store_item", environment_id, key) == {**deleted, "deleted": False}
    assert db.call("has_store_item", environment_id, key) is False


@pytest.mark.parametrize("text", [r'"\u0000 \ud800"', "1e400", '{"b":1,  "a":1, "a":2}', '"é"', "[]", '""'])
def test_the_text_of_a_value_is_kept(db: Database, builders: Builders, text: str) -> None:
    environment_id = builders.environment().id
    db.call("set_store_item", environment_id, "k", written(text))
    assert db.call("get_store_item", environment_id, "k")["value"] == text


def test_environments_have_stores_of_their_own(db: Database, builders: Builders) -> None:
    mine = builders.environment("dev", project="shop")
    other = builders.environment("prod", project="shop")
    db.call("set_store_item", mine.id, "k", 1)
    db.call("set_store_item", other.id, "k", 2)
    assert db.call("delete_store_item", other.id, "k")["deleted"]
    assert db.call("get_store_item", mine.id, "k")["value"] == "1"
    assert not db.call("has_store_item", other.id, "k")


def test_a_value_may_have_256_kib(db: Database, builders: Builders) -> None:
    environment_id = builders.environment().id
    most = '"' + "é" * (131072 - 1) + '"'
    assert len(most.encode()) == 262144
    db.call("set_store_item", environment_id, "k", written(most))
    assert db.call("get_store_item", environment_id, "k")["value"] == most
    with refused("JQ010", "262144", "262145"):
        db.call("set_store_item", environment_id, "k", written(most[:-1] + '."'))
    assert db.call("get_store_item", environment_id, "k")["value"] == most


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [("", 1, "p_key"), ("k" * 1001, 1, "p_key"), (None, 1, "p_key"), ("k", None, "p_value")],
)
def test_what_cannot_be_kept_is_refused(
    db: Database, builders: Builders, key: str | None, value: Any, words: str
) -> None:
    with refused("JQ010", words):
        db.call("set_store_item", builders.environment().id, key, value)


def test_an_unknown_environment_keeps_nothing(db: Database) -> None:
    unknown = "0193a3f0-0000-7000-8000-000000000000"
    with refused("JQ001", unknown):
        db.call("set_store_item", unknown, "k", 1)
    with refused("JQ001"):
        db.call("set_store_item", None, "k", 1)


def test_the_view_shows_what_is_kept(db: Database, builders: Builders) -> None:
    environment_id = builders.environment().id
    db.call("set_store_item", environment_id, "k", written("[1,  2]"))
    with db.as_role("perdure_readonly") as reader:
        (row,) = reader.rows("select * from perdure_views.store_items")
    assert (row.environment_id, row.key, row.value) == (environment_id, "k", "[1,  2]")
