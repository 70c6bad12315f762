"""Random documents, and filters that about half of the time match them."""

from random import Random
from typing import Any

KEYS = ["a", "b", "name", "Name", "ключ", "", "$gt", "a.b", "with space"]
TEXTS = ["", "a", "A", "abc", "ABC", "1", "true", "null", "%", "a_c", "\\", '"', "é", "É", "e\u0301", "日本"]
TEXTS += ["straße", "STRA\u1e9eE", "strasse", "ß", "\u1e9e", "ss"]
TEXTS += ["İ", "i\u0307", "i", "I", "\u0131", "K", "k", "\u212a", "\u212b", "å", "\u017f", "s"]
TEXTS += [
    "ΟΔΟΣ",
    "οδος",
    "οδοσ",
    "\u01c4",
    "\u01c5",
    "\u01c6",
    "\U00010400\U0001d11e",
    "\U00010428\U0001d11e",
]
NUMBERS: list[int | float] = [0, -0.0, 1, 1.0, -1, 2, 10, 0.1, 1.5, 100, 1e2, 1e22, 10**22, 1e-7]
NUMBERS += [2**53, 2**53 + 1, 10**30, 10**30 + 1, 5e-324, 1.7976931348623157e308]
NAMES = ["$endsWith", "$startsWith", "$ignoreCaseEquals", "$exists", "$isNull", "$anythingBut", "$gt", "$lt"]
NAMES += ["$gte", "$lte", "$between", "$includes", "$not"]


class Draws:
    """All draws from one seed.

    Args:
        seed: the same seed gives the same draws.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311  # not a secret

    def pair(self) -> tuple[Any, Any]:
        """Draw a filter and a document, which is mostly an object."""
        document = self.object(self.random.choice([1, 2, 3, 4])) if self._often() else self.value(2)
        return self.filter(document, 5), document

    def operator(self) -> tuple[Any, Any]:
        """Draw an operator object and a value for it."""
        value = self.value(2)
        return self._operator(value), value

    def value(self, depth: int) -> Any:
        """Draw any JSON value, nested no deeper than ``depth``."""
        kind = self.random.choice("ssnnbz" if depth <= 0 else "ssnnbzooaA")
        if kind == "o":
            return self.object(depth - 1)
        if kind == "a":
            return [self._scalar() for _ in range(self.random.randint(0, 3))]
        if kind == "A":
            return [self.value(depth - 1) for _ in range(self.random.randint(0, 3))]
        return None if kind == "z" else self._scalar()

    def object(self, depth: int) -> dict[str, Any]:
        """Draw an object."""
        return {key: self.value(depth) for key in self.random.sample(KEYS, self.random.randint(0, 5))}

    def filter(self, document: Any, depth: int) -> dict[str, Any]:
        """Draw a filter for a document, mostly of keys that are in it."""
        keys = list(document) if isinstance(document, dict) else []
        chosen = self.random.sample(keys, min(len(keys), self.random.choice([1, 1, 2, 2, 3])))
        if self._seldom() or not chosen:
            chosen.append(self.random.choice(KEYS))
        return {
            key: self._matcher(document.get(key) if isinstance(document, dict) else None, depth)
            for key in chosen
            if not self._seldom()
        }

    def _matcher(self, value: Any, depth: int) -> Any:
        if self._seldom():
            return self._malformed()
        if depth > 0 and isinstance(value, dict) and self._often():
            return self.filter(value, depth - 1)
        if depth > 0 and isinstance(value, list) and value and self._often():
            if any(isinstance(element, dict) for element in value):
                return self.filter(self.random.choice(value), depth - 1)
        elif not isinstance(value, list | dict) and value is not None and self.random.random() < 0.5:
            others = [self._scalar() for _ in range(self.random.randint(0, 2))]
            allowed = [value, *others] if self._often() else others
            self.random.shuffle(allowed)
            return allowed
        return [self._operator(value) for _ in range(self.random.choice([1, 1, 1, 2, 3]))]

    def _operator(self, value: Any) -> Any:
        if self._seldom():
            return self._malformed()
        name = self.random.choice(self._fitting(value) if self._often() else NAMES)
        operator = {name: self._argument(name, value)}
        if self.random.random() < 0.05:
            second = self.random.choice(NAMES)
            operator[second] = self._argument(second, value)
        return operator

    def _fitting(self, value: Any) -> list[str]:
        """Operators that a value of this type may satisfy."""
        any_type = ["$exists", "$isNull", "$anythingBut"]
        if isinstance(value, str):
            return ["$endsWith", "$startsWith", "$ignoreCaseEquals", "$not", *any_type]
        if isinstance(value, bool):
            return ["$not", *any_type]
        if isinstance(value, int | float):
            return ["$gt", "$lt", "$gte", "$lte", "$between", "$not", *any_type]
        return ["$includes", "$not", *any_type] if isinstance(value, list) else any_type

    def _argument(self, name: str, value: Any) -> Any:
        """Draw an argument of the right type, often one that the value satisfies."""
        text = value if isinstance(value, str) and self._often() else self.random.choice(TEXTS)
        if name == "$endsWith":
            return text[self.random.randint(0, len(text)) :]
        if name == "$startsWith":
            return text[: self.random.randint(0, len(text))]
        if name == "$ignoreCaseEquals":
            return self.random.choice([text, text.upper(), text.lower(), text.title(), text.swapcase()])
        if name == "$exists":
            return self._often()
        if name == "$isNull":
            return (value is None) if self._often() else self.random.choice([True, False])
        if name == "$anythingBut":
            one = self._near(value)
            return one if self.random.random() < 0.5 else [one, self._scalar()][: self.random.randint(0, 2)]
        if name == "$between":
            low, high = self._number(value), self._number(value)
            return [min(low, high), max(low, high)] if self._often() else [low, high]
        if name in ("$includes", "$not"):
            element = self.random.choice(value) if isinstance(value, list) and value else value
            return self._near(element)
        return self._number(value)

    def _near(self, value: Any) -> Any:
        """Draw a scalar: often this one."""
        is_scalar = isinstance(value, str | int | float)  # a bool is an int
        return value if is_scalar and self.random.random() < 0.5 else self._scalar()

    def _number(self, value: Any) -> int | float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and self.random.random() < 0.5:
            number: int | float = value + self.random.choice([0, 0, 1, -1])
            return number
        return self.random.choice(NUMBERS)

    def _scalar(self) -> Any:
        return self.random.choice(
            [self.random.choice(TEXTS), self.random.choice(NUMBERS), self.random.random() < 0.5]
        )

    def _malformed(self) -> Any:
        """Draw what a filter should not have in place of a matcher or an operator."""
        argument = self.random.choice(
            [None, [], {}, [1], ["a", "b"], [None], [["a"]], {"a": 1}, self._scalar()]
        )
        return self.random.choice(
            [
                self._scalar(),
                None,
                [],
                {},
                [None],
                [["a"]],
                [self._scalar(), {"$exists": True}],
                [{"$exists": True}, self._scalar()],
                {"$unheardOf": 1},
                [{"$unheardOf": 1}],
                {self.random.choice(NAMES): argument},
                [{self.random.choice(NAMES): argument}],
            ]
        )

    def _often(self) -> bool:
        return self.random.random() < 0.85

    def _seldom(self) -> bool:
        return self.random.random() < 0.04
