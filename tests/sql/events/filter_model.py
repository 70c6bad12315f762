"""Event filters once more, in Python: written from section 8.1 of the protocol, not from the SQL.

Documents are JSON with numbers as ``int`` and ``Decimal`` (:func:`read`), so that comparing is exact. What
the protocol leaves open is the platform's own rule, and said where it stands here.
"""

import json
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from typing import Any

ABSENT: Any = object()
"""The value of a key that a document does not have: JavaScript's undefined."""


def read(text: str) -> Any:
    """Decode JSON without rounding a number."""
    return json.loads(text, parse_float=Decimal)


def passes(filter: dict[str, Any], document: Any) -> bool:
    """Tell whether all keys of a filter match. No document, or null, passes only an empty filter."""
    if document is ABSENT or document is None:
        return not filter
    return all(_matches(matcher, _member(document, key)) for key, matcher in filter.items())


def operator_holds(operator: Any, value: Any) -> bool:
    """Tell whether a value satisfies an operator object: the first in the protocol's order counts.

    An unknown operator, and one whose argument is of the wrong kind, does not hold.
    """
    if isinstance(operator, dict):
        for name, (is_argument, holds) in OPERATORS.items():
            if name in operator:
                return is_argument(operator[name]) and holds(operator[name], value)
    return False


def _member(document: Any, key: str) -> Any:
    return document.get(key, ABSENT) if isinstance(document, dict) else ABSENT


def _matches(matcher: Any, value: Any) -> bool:
    if isinstance(matcher, dict):
        if isinstance(value, list):
            return any(passes(matcher, element) for element in value)
        return passes(matcher, value)
    if not isinstance(matcher, list):
        return False
    if not matcher:
        return True
    if isinstance(matcher[0], dict):  # the first entry tells which kind of list it is
        return all(operator_holds(entry, value) for entry in matcher)
    return _is_in(value, matcher)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | bool | int | Decimal)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _is_range(value: Any) -> bool:
    return isinstance(value, list) and len(value) >= 2 and _is_number(value[0]) and _is_number(value[1])


def _equal(one: Any, other: Any) -> bool:
    """Compare two scalars strictly: true is not 1, "1" is not 1, but 1.0 is."""
    for is_kind in (_is_bool, _is_number, _is_text):
        if is_kind(one) or is_kind(other):
            return is_kind(one) and is_kind(other) and bool(one == other)
    return False


def _is_in(value: Any, allowed: list[Any]) -> bool:
    return any(_is_scalar(entry) and _equal(value, entry) for entry in allowed)


def _without_case(text: str) -> str:
    """Fold case: letter by letter, accents apart from their letters, every sigma the same.

    JavaScript's comparison with sensitivity "accent", but letters that are variants of others (wide, raised)
    stay what they are.
    """
    letters = "".join(letter.lower() for letter in unicodedata.normalize("NFD", text))
    return letters.replace("\u03c2", "\u03c3")


def _differs(argument: Any, value: Any) -> bool:
    if isinstance(value, list):
        return not _is_in(argument, value)
    return _is_scalar(value) and not _equal(argument, value)


Test = Callable[[Any, Any], bool]

OPERATORS: dict[str, tuple[Callable[[Any], bool], Test]] = {
    "$endsWith": (_is_text, lambda a, v: _is_text(v) and v.endswith(a)),
    "$startsWith": (_is_text, lambda a, v: _is_text(v) and v.startswith(a)),
    "$ignoreCaseEquals": (_is_text, lambda a, v: _is_text(v) and _without_case(v) == _without_case(a)),
    "$exists": (_is_bool, lambda a, v: (v is not ABSENT) == a),
    "$isNull": (_is_bool, lambda a, v: (v is None) == a),
    "$anythingBut": (
        lambda a: _is_scalar(a) or isinstance(a, list),
        lambda a, v: not _is_in(v, a if isinstance(a, list) else [a]),
    ),
    "$gt": (_is_number, lambda a, v: _is_number(v) and v > a),
    "$lt": (_is_number, lambda a, v: _is_number(v) and v < a),
    "$gte": (_is_number, lambda a, v: _is_number(v) and v >= a),
    "$lte": (_is_number, lambda a, v: _is_number(v) and v <= a),
    "$between": (_is_range, lambda a, v: _is_number(v) and a[0] <= v <= a[1]),
    "$includes": (_is_scalar, lambda a, v: isinstance(v, list) and _is_in(a, v)),
    "$not": (_is_scalar, _differs),
}
"""Operator -> what its argument must be, and whether a value satisfies it; in the protocol's order."""
