"""What the fields of a test's form mean as JSON, and what a payload is in the form: a table."""

from __future__ import annotations

import datetime
import enum
import json
from typing import Any, Literal

import pydantic
import pytest

from perdure_server.dashboard.payload_form import (
    add_row,
    keep_unknown,
    remove_row,
    to_fields,
    to_page,
    to_payload,
)
from perdure_server.dashboard.payload_schema import Node, payload_problems, read_schema


class Kind(enum.Enum):
    SMALL = "small"
    BIG = "big"


class Line(pydantic.BaseModel):
    sku: str = pydantic.Field(description="which article")
    count: int = pydantic.Field(1, ge=1, le=9)


class Address(pydantic.BaseModel):
    street: str
    zip: str | None = None


class Order(pydantic.BaseModel):
    id: str
    total: float
    kind: Kind
    lines: list[Line]
    paid: bool | None = None
    note: str | None = None
    mode: Literal["fast", "slow"] = "fast"
    due: datetime.datetime | None = None
    day: datetime.date | None = None
    tags: list[str] = []
    extra: dict[str, int] = {}
    address: Address | None = None
    parent: Order | None = None


SCHEMA = Order.model_json_schema()
LEAST = {"id": "a", "total": 1.5, "kind": "small", "lines": [{"sku": "x"}]}
FIELDS = {"p/id": "a", "p/total": "1.5", "p/kind": '"small"', "p/lines#": "1", "p/lines/0/sku": "x"}


def node() -> Node:
    """What the form of an order asks for."""
    found = read_schema(SCHEMA)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("filled", "more"),
    [
        ({}, {}),
        ({"p/paid": "false"}, {"paid": False}),
        ({"p/note": ""}, {}),
        ({"p/note": "two\r\nlines"}, {"note": "two\nlines"}),
        ({"p/mode": '"slow"'}, {"mode": "slow"}),
        ({"p/due": "2026-11-28T09:30"}, {"due": "2026-11-28T09:30:00Z"}),
        ({"p/day": "2026-11-28"}, {"day": "2026-11-28"}),
        ({"p/tags#": "3", "p/tags/0": "a", "p/tags/2": "c"}, {"tags": ["a", "c"]}),
        ({"p/tags#": "1", "p/tags/0": ""}, {}),
        ({"p/extra": '{"n": 1}'}, {"extra": {"n": 1}}),
        ({"p/address/zip": "10115"}, {"address": {"street": "", "zip": "10115"}}),
        ({"p/parent": "null"}, {"parent": None}),
        (
            {"p/lines#": "2", "p/lines/1/sku": "y", "p/lines/1/count": "2"},
            {"lines": [{"sku": "x"}, {"sku": "y", "count": 2}]},
        ),
    ],
)
def test_what_is_filled_in_becomes_the_payload(filled: dict[str, str], more: dict[str, Any]) -> None:
    payload, problems = to_payload(node(), FIELDS | filled)
    assert (payload, problems) == (LEAST | more, {})
    again, _ = to_payload(node(), to_fields(node(), payload))
    assert again == payload, "the form shows it as it is"
    assert payload_problems(SCHEMA, payload) == {} or "address" in more


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("p/total", "much", "must be a number, not 'much'"),
        ("p/total", "true", "must be a number, not 'true'"),
        ("p/lines/0/count", "1.5", "must be a whole number, not '1.5'"),
        ("p/kind", '"huge"', "must be one of the list"),
        ("p/extra", "{n", "is no JSON"),
    ],
)
def test_what_cannot_be_read_is_said_at_its_field(name: str, text: str, problem: str) -> None:
    _, problems = to_payload(node(), FIELDS | {name: text})
    assert problems.keys() == {name}
    assert problem in problems[name]
    page = to_page(node(), FIELDS | {name: text}, problems)
    fields = {page.name: page, **{part.name: part for part in page.parts}}
    for part in [*fields.values()]:
        fields |= {inner.name: inner for inner in part.parts}
        fields |= {leaf.name: leaf for inner in part.parts for leaf in inner.parts}
    assert (fields[name].text, fields[name].problem) == (text, problems[name]), "nothing typed is lost"


@pytest.mark.parametrize(
    ("change", "name", "problem"),
    [
        ({"id": 7}, "p/id", "must be a string, not 7"),
        ({"kind": "huge"}, "p/kind", 'must be one of "small", "big"'),
        ({"lines": [{"sku": "x", "count": 10}]}, "p/lines/0/count", "must be at most 9"),
        ({"lines": [{}]}, "p/lines/0/sku", "is missing"),
        ({"total": None}, "p/total", "must be a number, not null"),
    ],
)
def test_a_payload_that_does_not_fit_is_told_by_place(
    change: dict[str, Any], name: str, problem: str
) -> None:
    assert payload_problems(SCHEMA, LEAST | change) == {name: problem}


def test_all_that_is_missing_is_told() -> None:
    assert payload_problems(SCHEMA, {}).keys() == {"p/id", "p/total", "p/kind", "p/lines"}


def test_rows_come_and_go() -> None:
    fields = add_row(FIELDS, "p/lines") | {"p/lines/1/sku": "y"}
    assert to_payload(node(), fields)[0]["lines"] == [{"sku": "x"}, {"sku": "y"}]
    fields = remove_row(fields, "p/lines/0")
    assert to_payload(node(), fields)[0]["lines"] == [{"sku": "y"}]
    assert remove_row(fields, "p/lines/0")["p/lines#"] == "1", "a row stays to be filled in"


def test_what_the_form_does_not_know_is_kept() -> None:
    old = {"id": "old", "new-member": 1, "lines": [{"sku": "x", "more": 2}]}
    kept = keep_unknown(node(), LEAST, old)
    assert kept == LEAST | {"new-member": 1, "lines": [{"sku": "x", "more": 2}]}


ENDLESS: dict[str, Any] = {"$ref": "#"}
WIDE = {
    "type": "object",
    "properties": {f"m{number}": {"type": "string"} for number in range(1000)},
}


@pytest.mark.parametrize(
    "schema", [None, True, {}, 7, ENDLESS, WIDE, {"type": "nonsense"}, {"$ref": "http://x/"}]
)
def test_a_schema_that_makes_no_form_is_left_to_json(schema: Any) -> None:
    assert read_schema(schema) is None


@pytest.mark.parametrize(
    "schema",
    [
        ENDLESS,
        {"type": "nonsense"},
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"type": "string", "pattern": "(a+)+$"},
        {"minimum": "three"},
    ],
)
def test_a_schema_that_cannot_be_used_refuses_nothing(schema: Any) -> None:
    assert payload_problems(schema, "a" * 40 + "!") == {}


def test_a_schema_that_holds_itself_ends() -> None:
    found = node()
    assert found.members["parent"].kind == "object" or found.members["parent"].kind == "json"
    assert json.dumps(to_fields(found, LEAST | {"parent": LEAST}))
