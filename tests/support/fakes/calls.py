"""The calls a fake received, in order of arrival."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qs


@dataclass
class Call:
    """One request. ``status`` is None until it is answered; ``body`` is decoded JSON or form, else text."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any
    status: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The call as JSON values, with credentials left out."""
        values = asdict(self)
        values["headers"] = {name: text for name, text in self.headers.items() if name != "authorization"}
        return values


class CallLog:
    """Calls as they came in; written by the fake's thread, read by any."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._changed = threading.Condition()

    def __iter__(self) -> Iterator[Call]:
        with self._changed:
            return iter(list(self._calls))

    def __len__(self) -> int:
        with self._changed:
            return len(self._calls)

    def add(self, call: Call) -> None:
        """Note a request that arrived."""
        with self._changed:
            self._calls.append(call)
            self._changed.notify_all()

    def answered(self, call: Call, status: int) -> None:
        """Note the status a recorded request was answered with."""
        with self._changed:
            call.status = status
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget all calls."""
        with self._changed:
            self._calls.clear()

    def wait_for(self, condition: Callable[[list[Call]], bool], *, timeout_s: float = 10) -> list[Call]:
        """Block until the calls fulfil ``condition`` and return them.

        Raises:
            TimeoutError: they did not in time; the text lists the calls there were.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self._calls), timeout_s):
                seen = ", ".join(f"{call.method} {call.path} -> {call.status}" for call in self._calls)
                raise TimeoutError(f"after {timeout_s} s the calls were: {seen or 'none'}")
            return list(self._calls)


def decode_body(content_type: str, body: bytes) -> Any:
    """A request body as people want to compare it: decoded JSON, decoded form fields, or text."""
    text = body.decode("utf-8", "replace")
    if "json" in content_type:
        try:
            return json.loads(text) if text else None
        except json.JSONDecodeError:
            return text
    if content_type.startswith("application/x-www-form-urlencoded"):
        return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}
    return text
