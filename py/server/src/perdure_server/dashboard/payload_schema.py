"""The JSON Schema of a payload: what a form asks for, and what is wrong with a payload."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable

Kind: TypeAlias = Literal[
    "object", "array", "text", "integer", "number", "boolean", "choice", "date", "datetime", "json"
]

ROOT = "p"
"""The name of a payload; what is in it is named by the way to it: ``p/lines/0/sku``."""

_MOST_NODES = 150
_MOST_PROBLEMS = 20
_SIMPLE: Mapping[str, Kind] = {
    "string": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
}
_DATES: Mapping[str, Kind] = {"date": "date", "date-time": "datetime"}


@dataclass(frozen=True, slots=True)
class Node:
    """One place of a payload, as a form asks for it."""

    kind: Kind
    """``json``: whatever a form cannot ask for otherwise."""
    description: str = ""
    hint: str = ""
    """What is allowed, for people."""
    nullable: bool = False
    members: Mapping[str, Node] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    """Of the members."""
    items: Node | None = None
    choices: tuple[str, ...] = ()
    """JSON texts."""


def read_schema(schema: Any) -> Node | None:
    """What a form asks for; None: nothing is known of the payload, or it is too much for a form."""
    try:
        node = _Reader(schema).node(schema)
    except (_TooMuch, RecursionError):
        return None
    return None if node.kind == "json" else node


def member_name(name: str, key: str) -> str:
    """The name of a member of an object, as a JSON pointer goes on."""
    return f"{name}/{key.replace('~', '~0').replace('/', '~1')}"


def json_text(value: Any, indent: int | None = None) -> str:
    """A value as JSON for people; half of a surrogate pair, which a page cannot hold, stays escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return text if is_writable(text) else json.dumps(value, indent=indent)


def is_writable(text: str) -> bool:
    """Whether a page can hold it: it has no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def payload_problems(schema: Any, payload: Any) -> dict[str, str]:
    """What is wrong with a payload: the name of a place to what is wrong there.

    A schema that cannot be used says nothing. Patterns are left to the app: one of them could take for ever.
    """
    if not isinstance(schema, dict):
        return {}
    problems: dict[str, str] = {}
    try:
        Draft202012Validator.check_schema(schema)
        # An empty registry: a reference to elsewhere is not fetched.
        for error in _Validator(schema, registry=Registry()).iter_errors(payload):
            for name, text in _told(error):
                problems.setdefault(name, text)
            if len(problems) >= _MOST_PROBLEMS:
                break
    except (SchemaError, Unresolvable, RecursionError, ValueError, TypeError):
        return {}
    return problems


_Validator = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": lambda *_: None, "patternProperties": lambda *_: None}
)


def _told(error: ValidationError) -> list[tuple[str, str]]:
    """The places of an error, and what is wrong there."""
    name = ROOT
    for step in error.absolute_path:
        name = member_name(name, str(step))
    if error.validator == "required":  # one error for each that is missing, which does not say which
        wanted: Any = error.validator_value
        instance: Any = error.instance
        missing = [key for key in wanted if key not in instance]
        return [(member_name(name, key), "is missing") for key in missing]
    return [(name, _problem(error, error.validator_value))]


def _problem(error: ValidationError, limit: Any) -> str:
    match error.validator:
        case "type":
            wanted = limit if isinstance(limit, str) else " or ".join(limit)
            return f"must be {_article(wanted)} {wanted}, not {_shown(error.instance)}"
        case "enum":
            return f"must be one of {', '.join(map(_shown, limit))}"
        case "minimum":
            return f"must be at least {limit}"
        case "maximum":
            return f"must be at most {limit}"
        case "minLength":
            return "must not be empty" if limit == 1 else f"must have at least {limit} characters"
        case "maxLength":
            return f"must have at most {limit} characters"
        case "minItems":
            return "must not be empty" if limit == 1 else f"must have at least {limit} items"
        case "maxItems":
            return f"must have at most {limit} items"
        case "anyOf" | "oneOf":
            return f"fits none of the allowed shapes: {_shown(error.instance)}"
        case _:
            return error.message[:300].encode(errors="replace").decode()


def _article(noun: str) -> str:
    return "an" if noun[:1] in "aeiou" else "a"


def _shown(value: Any) -> str:
    text = json_text(value)
    return text if len(text) <= 60 else text[:57] + "…"


class _TooMuch(Exception):
    """More places than a form can ask for."""


class _Reader:
    """Reads one document into nodes."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._left = _MOST_NODES

    def node(self, schema: Any, inside: tuple[str, ...] = ()) -> Node:
        """The node of a part of the document; ``inside`` are the references that lead there."""
        self._left -= 1
        if self._left < 0:
            raise _TooMuch
        if not isinstance(schema, dict):
            return Node("json")
        if "$ref" in schema:
            reference = str(schema["$ref"])
            target = _resolved(reference, self._root)
            if reference in inside or not isinstance(target, dict):  # it may hold itself, without an end
                return Node("json", _text(schema, "description"))
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            return self.node({**target, **rest}, (*inside, reference))
        for key in ("allOf", "anyOf", "oneOf"):
            if key in schema:
                return self._combined(schema, key, inside)
        return self._plain(schema, inside)

    def _combined(self, schema: Mapping[str, Any], key: str, inside: tuple[str, ...]) -> Node:
        """Several schemas: one of them beside ``null`` is that one, others are left to JSON."""
        options = schema[key] if isinstance(schema[key], list) else []
        others = [option for option in options if option != {"type": "null"}]
        rest = {name: value for name, value in schema.items() if name != key}
        if len(others) != 1 or not isinstance(others[0], dict) or "properties" in rest:
            return Node("json", _text(schema, "description"), _hint(schema))
        node = self.node({**others[0], **rest}, inside)
        return replace(node, nullable=node.nullable or len(others) < len(options))

    def _plain(self, schema: Mapping[str, Any], inside: tuple[str, ...]) -> Node:
        types = schema.get("type")
        named = [types] if isinstance(types, str) else types if isinstance(types, list) else []
        others = [name for name in named if name != "null"]
        type_ = others[0] if len(others) == 1 else None
        base = Node("json", _text(schema, "description"), _hint(schema), nullable=len(others) < len(named))
        if "const" in schema or isinstance(schema.get("enum"), list):
            values = schema["enum"] if "enum" in schema else [schema["const"]]
            choices = tuple(map(json_text, values))
            return replace(base, kind="choice", choices=choices)
        properties = schema.get("properties")
        if isinstance(properties, dict) and properties and type_ in ("object", None):
            required = schema["required"] if isinstance(schema.get("required"), list) else []
            # A schema comes from the database without the order that its author gave it.
            keys = sorted(properties, key=lambda key: key not in required)
            return replace(
                base,
                kind="object",
                members={key: self.node(properties[key], inside) for key in keys},
                required=frozenset(required),
            )
        if type_ == "array" and isinstance(schema.get("items"), dict) and "prefixItems" not in schema:
            return replace(base, kind="array", items=self.node(schema["items"], inside))
        if type_ == "string":
            return replace(base, kind=_DATES.get(str(schema.get("format")), "text"))
        return replace(base, kind=_SIMPLE.get(str(type_), "json"))


def _resolved(reference: Any, root: Any) -> Any:
    """What a reference inside of the document means; None: it leads out of it, or to nothing."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    target = root
    for step in reference[1:].split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(target, dict) or key not in target:
            return None
        target = target[key]
    return target


_HINTS = (
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "more than {}"),
    ("maximum", "at most {}"),
    ("exclusiveMaximum", "less than {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {}"),
    ("maxItems", "at most {}"),
    ("pattern", "matches {}"),
)


def _hint(schema: Mapping[str, Any]) -> str:
    hints = [text.format(schema[key]) for key, text in _HINTS if key in schema]
    if schema.get("format") in ("email", "uri", "uuid"):
        hints.append({"email": "an email", "uri": "a URL", "uuid": "a UUID"}[schema["format"]])
    if schema.get("default") is not None:
        hints.append(f"{_shown(schema['default'])} if left out")
    return ", ".join(hints)


def _text(schema: Mapping[str, Any], key: str) -> str:
    value = schema.get(key)
    return value if isinstance(value, str) else ""
