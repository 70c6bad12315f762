"""Event filters: every matcher and operator of the protocol's section 8.1."""

from typing import Any

import pytest

from tests.support.database import Database

ABSENT: Any = object()
"""As a value: the document has no such key."""


def matches(db: Database, matcher: Any, value: Any) -> bool:
    found: bool = db.call("event_matches", {"key": matcher}, {} if value is ABSENT else {"key": value})
    return found


@pytest.mark.parametrize(
    ("document", "passes"),
    [({}, True), ({"a": 1}, True), ([], True), (None, True), ("text", True)],
)
def test_an_empty_filter_passes_everything(pure_db: Database, document: Any, passes: bool) -> None:
    assert pure_db.call("event_matches", {}, document) is passes


def test_no_filter_passes_everything_and_no_document_fails_every_filter(pure_db: Database) -> None:
    assert pure_db.value("select perdure.event_matches(null, '{}')")
    assert pure_db.value("select perdure.event_matches('{}', null)")
    assert not pure_db.value("""select perdure.event_matches('{"a": [{"$exists": false}]}', null)""")
    assert not pure_db.value("""select perdure.event_matches('{"a": [{"$exists": false}]}', 'null')""")


@pytest.mark.parametrize(
    ("matcher", "value", "passes"),
    [
        (["a", "b"], "b", True),
        (["a", "b"], "c", False),
        (["a", "b"], "A", False),
        ([1, 2], 2, True),
        ([1, 2], 2.0, True),
        ([1], "1", False),
        (["1"], 1, False),
        ([True], True, True),
        ([True], False, False),
        ([True], "true", False),
        ([1], True, False),
        ([0], False, False),
        ([0], None, False),
        (["a"], None, False),
        (["a"], ABSENT, False),
        (["a"], ["a"], False),
        ([], "anything", True),
        ([], ABSENT, True),
        ("a", "a", False),
        (1, 1, False),
        (None, None, False),
        # what is no scalar is in no list
        ([None], None, False),
        ([["a"]], ["a"], False),
        (["a", {"b": 1}], {"b": 1}, False),
        (["a", None], "a", True),
        # as exact as it was written
        ([9007199254740993], 9007199254740993, True),
        ([9007199254740993], 9007199254740992, False),
    ],
)
def test_a_list_of_scalars(pure_db: Database, matcher: Any, value: Any, passes: bool) -> None:
    assert matches(pure_db, matcher, value) is passes


@pytest.mark.parametrize(
    ("operator", "value", "passes"),
    [
        ({"$endsWith": "com"}, "a.com", True),
        ({"$endsWith": "com"}, "com", True),
        ({"$endsWith": "com"}, "a.org", False),
        ({"$endsWith": ".com"}, "com", False),
        ({"$endsWith": "COM"}, "a.com", False),
        ({"$endsWith": ""}, "a", True),
        ({"$endsWith": "1"}, 1, False),
        ({"$endsWith": 1}, "1", False),
        ({"$endsWith": "a"}, ABSENT, False),
        ({"$startsWith": "a."}, "a.com", True),
        ({"$startsWith": "b"}, "a.com", False),
        ({"$startsWith": "a%"}, "abc", False),
        ({"$startsWith": "a"}, ["a"], False),
        ({"$startsWith": "a"}, None, False),
        ({"$ignoreCaseEquals": "ÉtÉ"}, "éTé", True),
        ({"$ignoreCaseEquals": "ete"}, "été", False),
        ({"$ignoreCaseEquals": "a"}, 1, False),
        ({"$exists": True}, 1, True),
        ({"$exists": True}, None, True),
        ({"$exists": True}, ABSENT, False),
        ({"$exists": False}, ABSENT, True),
        ({"$exists": False}, None, False),
        ({"$exists": "true"}, 1, False),
        ({"$isNull": True}, None, True),
        ({"$isNull": True}, ABSENT, False),
        ({"$isNull": True}, 0, False),
        ({"$isNull": False}, 0, True),
        ({"$isNull": False}, ABSENT, True),
        ({"$isNull": False}, None, False),
        ({"$isNull": 1}, None, False),
        ({"$anythingBut": "a"}, "b", True),
        ({"$anythingBut": "a"}, "a", False),
        ({"$anythingBut": 1}, "1", True),
        ({"$anythingBut": "a"}, ABSENT, True),
        ({"$anythingBut": ["a", 1]}, "b", True),
        ({"$anythingBut": ["a", 1]}, 1, False),
        ({"$anythingBut": ["a", 1]}, "1", True),
        ({"$anythingBut": ["a"]}, ABSENT, True),
        ({"$anythingBut": ["a"]}, ["a"], True),
        ({"$anythingBut": []}, "a", True),
        ({"$anythingBut": {"a": 1}}, "b", False),
        ({"$anythingBut": None}, "b", False),
        ({"$gt": 1}, 2, True),
        ({"$gt": 1}, 1, False),
        ({"$gt": 1.5}, 1.6, True),
        ({"$gt": 1}, "2", False),
        ({"$gt": "1"}, 2, False),
        ({"$gt": 1}, None, False),
        ({"$gt": 1}, ABSENT, False),
        ({"$gt": {}}, 2, False),
        ({"$lt": 1}, 0, True),
        ({"$lt": 1}, 1, False),
        ({"$lt": -1}, -2, True),
        ({"$gte": 1}, 1, True),
        ({"$gte": 1}, 0.99, False),
        ({"$lte": 1}, 1, True),
        ({"$lte": 1}, 1.01, False),
        ({"$between": [1, 3]}, 1, True),
        ({"$between": [1, 3]}, 3, True),
        ({"$between": [1, 3]}, 0, False),
        ({"$between": [1, 3]}, 4, False),
        ({"$between": [1, 3]}, "2", False),
        ({"$between": ["1", "3"]}, 2, False),
        ({"$between": [1]}, 2, False),
        ({"$between": 1}, 1, False),
        ({"$includes": "a"}, ["a", "b"], True),
        ({"$includes": "a"}, ["b"], False),
        ({"$includes": "a"}, "a", False),
        ({"$includes": 1}, ["1"], False),
        ({"$includes": "a"}, ABSENT, False),
        ({"$includes": ["a"]}, [["a"]], False),
        ({"$includes": ["a"]}, ["a"], False),
        ({"$includes": None}, [None], False),
        ({"$not": "a"}, ["b"], True),
        ({"$not": "a"}, ["a", "b"], False),
        ({"$not": "a"}, [], True),
        ({"$not": "a"}, "b", True),
        ({"$not": "a"}, "a", False),
        ({"$not": 1}, "1", True),
        ({"$not": "a"}, None, False),
        ({"$not": "a"}, ABSENT, False),
        ({"$not": "a"}, {"a": 1}, False),
        ({"$not": ["a"]}, "b", False),
        ({"$not": None}, "b", False),
        ({"$unheardOf": 1}, 1, False),
        ({}, 1, False),
    ],
)
def test_an_operator(pure_db: Database, operator: Any, value: Any, passes: bool) -> None:
    assert matches(pure_db, [operator], value) is passes


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("stra\u00dfe", "STRA\u1e9eE", True),
        ("stra\u00dfe", "STRASSE", False),
        ("\u0130", "i\u0307", True),
        ("\u0130", "i", False),
        ("\u0131", "I", False),
        ("\u039f\u03a3", "\u03bf\u03c2", True),
        ("\u03bf\u03c3", "\u03bf\u03c2", True),
        ("\u00c9", "e\u0301", True),
        ("\u01c4", "\u01c5", True),
        ("\u212a", "k", True),
        ("\uff21", "\uff41", True),
        ("\uff21", "a", False),
    ],
    ids=ascii,
)
def test_letters_without_their_case(pure_db: Database, one: str, other: str, same: bool) -> None:
    """As JavaScript's comparison with sensitivity "accent", but for the last: a wide letter is another."""
    assert matches(pure_db, [{"$ignoreCaseEquals": one}], other) is same
    assert matches(pure_db, [{"$ignoreCaseEquals": other}], one) is same


def test_of_several_operators_in_one_object_the_first_of_the_protocol_counts(pure_db: Database) -> None:
    assert matches(pure_db, [{"$gt": 5, "$exists": True}], 1)
    assert not matches(pure_db, [{"$not": 1, "$gt": 5}], 2)


@pytest.mark.parametrize("role", ["perdure_app", "perdure_server"])
def test_who_may_try_a_filter_may_try_every_matcher(pure_db: Database, role: str) -> None:
    with pure_db.as_role(role) as other:
        assert matches(other, {"b": [{"$gt": 1}], "c": [{"$ignoreCaseEquals": "X"}]}, [{"b": 2, "c": "x"}])


def test_all_operators_of_a_list_must_hold(pure_db: Database) -> None:
    matcher = [{"$startsWith": "a"}, {"$endsWith": "z"}]
    assert matches(pure_db, matcher, "a to z")
    assert not matches(pure_db, matcher, "a to y")
    assert not matches(pure_db, matcher, "b to z")
    assert not matches(pure_db, [{"$startsWith": "a"}, "a"], "a")


def test_all_keys_of_a_filter_must_match(pure_db: Database) -> None:
    filter = {"action": ["opened", "edited"], "issue": {"number": [{"$gt": 10}]}}
    assert pure_db.call("event_matches", filter, {"action": "opened", "issue": {"number": 11}, "more": 1})
    assert not pure_db.call("event_matches", filter, {"action": "closed", "issue": {"number": 11}})
    assert not pure_db.call("event_matches", filter, {"action": "opened", "issue": {"number": 10}})
    assert not pure_db.call("event_matches", filter, {"action": "opened"})


@pytest.mark.parametrize(
    ("matcher", "value", "passes"),
    [
        ({"name": ["bug"]}, {"name": "bug"}, True),
        ({"name": ["bug"]}, {"name": "docs"}, False),
        ({"name": ["bug"]}, None, False),
        ({"name": ["bug"]}, ABSENT, False),
        ({"name": ["bug"]}, "bug", False),
        ({}, None, True),
        ({}, ABSENT, True),
        # a list in the document: one element must pass, and one that passes all of it
        ({"name": ["bug"]}, [{"name": "docs"}, {"name": "bug"}], True),
        ({"name": ["bug"]}, [{"name": "docs"}], False),
        ({"name": ["bug"]}, [], False),
        ({"name": ["bug"], "color": ["red"]}, [{"name": "bug"}, {"color": "red"}], False),
        ({"name": ["bug"], "color": ["red"]}, [{"name": "bug", "color": "red"}], True),
        ({"a": {"b": [1]}}, [{"a": [{"b": 2}]}, {"a": [{"b": 3}, {"b": 1}]}], True),
        ({"a": {"b": [1]}}, [{"a": [{"b": 2}]}, {"a": []}], False),
        ({"a": {"b": [{"$gte": 5}]}}, {"a": {"b": 5}}, True),
    ],
)
def test_a_nested_filter(pure_db: Database, matcher: Any, value: Any, passes: bool) -> None:
    assert matches(pure_db, matcher, value) is passes


@pytest.mark.parametrize("filter", ["[]", "5", '"text"', "null", "true"])
def test_a_filter_that_is_no_object_passes_nothing(pure_db: Database, filter: str) -> None:
    assert not pure_db.value("select perdure.event_matches(%s, '{}')", filter)


def test_a_filter_may_be_tried_in_a_parallel_query(pure_db: Database) -> None:
    with pure_db.connection.transaction():
        newer = pure_db.connection.info.server_version >= 160000
        pure_db.execute(f"set local {'debug_parallel_query' if newer else 'force_parallel_mode'} = on")
        found = pure_db.rows(
            """
            select perdure.event_matches('{"n": [{"$gt": "much"}]}', jsonb_build_object('n', i)) as malformed,
                perdure.event_matches('{"n": [{"$gt": 1}]}', jsonb_build_object('n', i)) as greater
            from generate_series(1, 2) as i
            """
        )
    assert [tuple(row) for row in found] == [(False, False), (False, True)]
