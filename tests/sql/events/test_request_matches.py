"""Request filters, the protocol's section 8.2, and the choice between the two kinds of filter."""

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.support.database import Database

URL = "https://example.test/hooks/1"


def request(url: str = URL, *, body: str = "", method: str = "POST", **headers: str) -> dict[str, Any]:
    """An HTTP request as the payload of its event."""
    return {"url": url, "method": method, "headers": headers, "rawBody": body}


def matches(db: Database, filter: Any, given: Any) -> bool:
    found: bool = db.call("request_matches", filter, given)
    return found


def query_matches(db: Database, query: str, filter: dict[str, Any]) -> bool:
    return matches(db, {"query": filter}, request(f"{URL}?{query}"))


@pytest.mark.parametrize("given", [request(), {}, None, [], "text"])
def test_an_empty_filter_passes_everything(pure_db: Database, given: Any) -> None:
    assert matches(pure_db, {}, given)


@pytest.mark.parametrize("member", ["method", "headers", "query", "body"])
@pytest.mark.parametrize("nothing", [None, {}, []])
def test_an_empty_member_passes_everything(pure_db: Database, member: str, nothing: Any) -> None:
    empty = nothing is None or isinstance(nothing, list) == (member == "method")
    assert matches(pure_db, {member: nothing}, request(f"{URL}?x=%ff", body="no JSON")) is empty


def test_no_filter_passes_everything_and_no_request_fails_every_filter(pure_db: Database) -> None:
    assert pure_db.value("select perdure.request_matches(null, '{}')")
    assert pure_db.value("select perdure.request_matches('{}', null)")
    assert not pure_db.value(
        """select perdure.request_matches('{"headers": {"a": [{"$exists": false}]}}', null)"""
    )
    nothing: list[Any] = [None, [], "text", {}]
    for given in nothing:
        assert not matches(pure_db, {"method": ["GET"]}, given)
        assert not matches(pure_db, {"body": {"a": [1]}}, given)
        assert not matches(pure_db, {"headers": {"a": ["b"]}}, given)
        assert not matches(pure_db, {"query": {"a": ["b"]}}, given)


@pytest.mark.parametrize(
    "filter",
    [
        5,
        "text",
        "method",
        [],
        ["method"],
        None,
        {"method": "POST"},
        {"method": {"POST": 1}},
        {"headers": ["a"]},
        {"headers": {"a": "b"}},
        {"query": "a"},
        {"query": {"a": "b"}},
        {"query": {"a": {"b": ["c"]}}},
        {"body": ["a"]},
        {"body": {"a": 1}},
        {"method": ["POST"], "path": ["/elsewhere"]},
    ],
)
def test_a_malformed_filter_passes_nothing(pure_db: Database, filter: Any) -> None:
    given = request(f"{URL}?a=b", body='{"a": 1}', a="b")
    assert not matches(pure_db, Jsonb(filter), given)


@pytest.mark.parametrize(
    ("methods", "method", "passes"),
    [
        (["GET", "POST"], "POST", True),
        (["GET", "POST"], "PUT", False),
        (["GET"], "get", True),
        (["GE"], "GET", False),
    ],
)
def test_the_method(pure_db: Database, methods: list[str], method: str, passes: bool) -> None:
    assert matches(pure_db, {"method": methods}, request(method=method)) is passes


@pytest.mark.parametrize(
    ("filter", "passes"),
    [
        ({"x-kind": ["push"]}, True),
        ({"X-KIND": ["push"]}, True),
        ({"X-Kind": ["pull", "push"]}, True),
        ({"x-kind": ["Push"]}, False),
        ({"x-kind": []}, True),
        ({"x-kind": [{"$startsWith": "pu"}, {"$endsWith": "sh"}]}, True),
        ({"x-kind": [{"$startsWith": "pu"}, {"$endsWith": "ll"}]}, False),
        ({"x-kind": [{"$ignoreCaseEquals": "PUSH"}]}, True),
        ({"x-kind": [{"$exists": True}]}, True),
        ({"x-kind": [{"$exists": False}]}, False),
        ({"x-kind": [{"$anythingBut": "push"}]}, False),
        ({"x-kind": [{"$not": "pull"}]}, True),
        ({"x-other": ["push"]}, False),
        ({"x-other": [{"$exists": False}]}, True),
        ({"x-other": [{"$anythingBut": "push"}]}, True),
        ({"x-number": ["1"]}, True),
        ({"x-number": [1]}, False),
        ({"x-number": [{"$gte": 1}]}, False),
        ({"x-kind": ["push"], "x-number": ["2"]}, False),
        ({"x-kind": ["push"], "X-Kind": ["pull"]}, False),
    ],
)
def test_headers(pure_db: Database, filter: Any, passes: bool) -> None:
    given = request(**{"X-Kind": "push", "x-number": "1"})
    assert matches(pure_db, {"headers": filter}, given) is passes


def test_a_request_without_headers(pure_db: Database) -> None:
    for headers in (None, "text", ["a"]):
        given = request() | {"headers": headers}
        assert not matches(pure_db, {"headers": {"a": ["b"]}}, given)
        assert matches(pure_db, {"headers": {"a": [{"$exists": False}]}}, given)


def test_of_a_header_in_two_spellings_one_must_pass(pure_db: Database) -> None:
    given = request(**{"X-Kind": "push", "x-kind": "pull"})
    assert matches(pure_db, {"headers": {"x-kind": ["push"]}}, given)
    assert matches(pure_db, {"headers": {"x-kind": ["pull"]}}, given)
    assert not matches(pure_db, {"headers": {"x-kind": [{"$startsWith": "pus"}, {"$endsWith": "ll"}]}}, given)


@pytest.mark.parametrize(
    ("query", "name", "value"),
    [
        ("a=b", "a", "b"),
        ("x=1&a=b", "a", "b"),
        ("a=b&&", "a", "b"),
        ("a", "a", ""),
        ("a=", "a", ""),
        ("=b", "", "b"),
        ("a=b=c", "a", "b=c"),
        ("a=b?c", "a", "b?c"),
        ("a=b#a=c", "a", "b"),
        ("a=one+two%20three", "a", "one two three"),
        ("a=1%2B1", "a", "1+1"),
        ("one+two=b", "one two", "b"),
        ("a%3Db=c%26d", "a=b", "c&d"),
        ("a=%41%7a%7A", "a", "Azz"),
        ("a=%C3%A9%e2%82%ac%F0%9D%84%9E", "a", "é€\U0001d11e"),
        ("a=é", "a", "é"),
        ("a=é%C3%A9", "a", "éé"),
        # a lone % is a %, as browsers have it
        ("a=50%", "a", "50%"),
        ("a=50%&b=1", "a", "50%"),
        ("a=%zz%4", "a", "%zz%4"),
        ("a=%%41", "a", "%A"),
        ("a=%2541", "a", "%41"),
        ("a=100%25%25", "a", "100%%"),
        (r"a=\x41\101\\", "a", r"\x41\101\\"),
        ("a=%5C101", "a", r"\101"),
    ],
)
def test_the_query_is_decoded(pure_db: Database, query: str, name: str, value: str) -> None:
    assert query_matches(pure_db, query, {name: [value]})
    assert not query_matches(pure_db, query, {name: [f"{value}."]})


@pytest.mark.parametrize(
    "query",
    [
        "a=b&x=%ff",
        "a=b&x=%C3",
        "a=b&x=%C3%28",
        "a=b&x=%C3+%A9",
        "a=b&x=%C0%80",  # longer than need be
        "a=b&x=%ED%A0%BD",  # half of a surrogate pair
        "a=b&x=%F4%90%80%80",  # beyond Unicode
        "a=b&x=%00",  # no text of Postgres can have it
        "a=b&%ff=x",
    ],
)
def test_a_query_that_cannot_be_decoded_does_not_match(pure_db: Database, query: str) -> None:
    for filter in ({"a": ["b"]}, {"x": [{"$exists": True}]}, {"x": [{"$exists": False}]}):
        assert not query_matches(pure_db, query, filter)
    assert matches(pure_db, {"method": ["POST"]}, request(f"{URL}?{query}"))


@pytest.mark.parametrize("url", [URL, f"{URL}?", f"{URL}#?a=b", f"{URL}?b=a", "", None])
def test_a_parameter_that_is_not_there(pure_db: Database, url: Any) -> None:
    assert not matches(pure_db, {"query": {"a": ["b"]}}, request(url))
    assert not matches(pure_db, {"query": {"a": [{"$exists": True}]}}, request(url))
    assert matches(pure_db, {"query": {"a": [{"$exists": False}]}}, request(url))


def test_nothing_between_two_ampersands_is_no_parameter(pure_db: Database) -> None:
    assert query_matches(pure_db, "a=b&&", {"": [{"$exists": False}]})
    assert query_matches(pure_db, "a=b&=", {"": [{"$exists": True}]})


def test_of_a_repeated_parameter_one_must_pass(pure_db: Database) -> None:
    query = "tag=one&tag=two&Tag=three"
    assert query_matches(pure_db, query, {"tag": ["one"]})
    assert query_matches(pure_db, query, {"tag": ["two"], "Tag": ["three"]})
    assert not query_matches(pure_db, query, {"tag": ["three"]})
    assert not query_matches(pure_db, query, {"tag": [{"$startsWith": "t"}, {"$endsWith": "e"}]})
    assert not query_matches(pure_db, query, {"tag": [{"$not": "one"}, {"$not": "two"}]})
    assert query_matches(pure_db, query, {"tag": [{"$not": "one"}]})


@pytest.mark.parametrize(
    ("filter", "body", "passes"),
    [
        ({"a": ["b"]}, '{"a": "b"}', True),
        ({"a": ["b"]}, ' {"a": "b", "c": [1]}\n', True),
        ({"a": ["b"]}, '{"a": "c"}', False),
        ({"a": {"b": [{"$gt": 1}]}}, '{"a": [{"b": 1}, {"b": 2}]}', True),
        ({"a": [{"$exists": False}]}, "{}", True),
        # of a list one element must pass, as inside a document
        ({"a": ["b"]}, '[{"a": "c"}, {"a": "b"}]', True),
        ({"a": ["b"]}, '[{"a": "c"}]', False),
        ({"a": [{"$exists": False}]}, "[]", False),
        # whatever the filter
        ({"a": [{"$exists": False}]}, "", False),
        ({"a": [{"$exists": False}]}, "a=b", False),
        ({"a": [{"$exists": False}]}, '{"a": ', False),
        ({"a": [{"$exists": False}]}, "null", False),
        ({"a": [{"$exists": False}]}, '{"x": 1e1000000}', False),
        ({"a": [{"$exists": False}]}, "[" * 200_000, False),
        # what jsonb refuses
        ({"a": ["b"]}, r'{"a": "b", "c": "\u0000\ud83d"}', True),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_body(pure_db: Database, filter: Any, body: str, passes: bool) -> None:
    assert matches(pure_db, {"body": filter}, request(body=body)) is passes


def test_a_request_without_a_text_as_its_body(pure_db: Database) -> None:
    for body in (None, {"a": "b"}, 5):
        assert not matches(pure_db, {"body": {"a": ["b"]}}, request() | {"rawBody": body})


def test_all_members_must_match(pure_db: Database) -> None:
    filter: dict[str, Any] = {
        "method": ["POST"],
        "headers": {"x-kind": ["push"]},
        "query": {"a": ["b"]},
        "body": {"c": [1]},
    }
    url = f"{URL}?a=b"
    good = {"url": url, "method": "POST", "headers": {"x-kind": "push"}, "rawBody": '{"c": 1}'}
    assert matches(pure_db, filter, good)
    changes: list[dict[str, Any]] = [
        {"url": URL},
        {"method": "PUT"},
        {"headers": {}},
        {"rawBody": '{"c": 2}'},
    ]
    for bad in changes:
        assert not matches(pure_db, filter, good | bad)


@pytest.mark.parametrize("role", ["perdure_app", "perdure_server"])
def test_who_may_try_a_filter_may_try_every_member(pure_db: Database, role: str) -> None:
    filter = {"headers": {"a": [{"$startsWith": "b"}]}, "query": {"a": ["é"]}, "body": {"a": [1]}}
    with pure_db.as_role(role) as other:
        assert matches(other, filter, request(f"{URL}?a=%C3%A9", body='{"a": 1}', a="b"))


def passes_filters(
    db: Database, payload_type: str, payload: Any, filter: Any, context_filter: Any = None
) -> bool:
    found: bool = db.call("_passes_filters", payload_type, payload, {"user": "matt"}, filter, context_filter)
    return found


@pytest.mark.parametrize(
    ("payload_type", "filter", "passes"),
    [
        ("REQUEST", None, True),
        ("REQUEST", {}, True),
        ("REQUEST", {"method": ["POST"]}, True),
        ("REQUEST", {"method": ["get"]}, False),
        ("REQUEST", {"query": {"a": ["b"]}}, True),
        ("REQUEST", {"url": [{"$exists": True}]}, False),
        ("JSON", None, True),
        ("JSON", {}, True),
        ("JSON", {"method": ["POST"]}, True),
        ("JSON", {"query": {"a": ["b"]}}, False),
        ("JSON", {"url": [{"$exists": True}]}, True),
    ],
)
def test_the_payload_of_a_request_event_has_a_request_filter(
    pure_db: Database, payload_type: str, filter: Any, passes: bool
) -> None:
    payload = request(f"{URL}?a=b")
    assert passes_filters(pure_db, payload_type, payload, filter) is passes
    assert passes_filters(pure_db, payload_type, payload, filter, {"user": ["matt"]}) is passes
    assert not passes_filters(pure_db, payload_type, payload, filter, {"user": ["eric"]})


@pytest.mark.parametrize(
    ("payload", "passes"),
    [([{"a": 1}, {"a": 2}], True), ([{"a": 1}], False), ([], False), ([[{"a": 2}]], False), ({"a": 2}, True)],
)
def test_of_a_payload_that_is_a_list_one_element_must_pass(
    pure_db: Database, payload: Any, passes: bool
) -> None:
    assert passes_filters(pure_db, "JSON", payload, {"a": [2]}) is passes
    assert passes_filters(pure_db, "JSON", payload, {})


@pytest.mark.parametrize("payload_type", ["JSON", "REQUEST"])
def test_a_document_that_jsonb_cannot_hold_passes_no_filter_but_an_empty_one(
    pure_db: Database, payload_type: str
) -> None:
    query = "select perdure._passes_filters(%s, null, null, %s::jsonb, null)"
    assert pure_db.value(query, payload_type, None)
    assert pure_db.value(query, payload_type, "{}")
    assert not pure_db.value(query, payload_type, '{"method": ["GET"]}')


def test_a_filter_nested_too_deep_does_not_match_and_does_not_raise(pure_db: Database) -> None:
    depth = 4_000
    filter, document = ('{"a":' * depth + inside + "}" * depth for inside in ("[1]", "1"))
    query = "select perdure._passes_filters('JSON', %s::jsonb, '{}', %s::jsonb, null)"
    assert not pure_db.value(query, document, filter)
