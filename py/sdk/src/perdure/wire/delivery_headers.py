"""The ``x-ts-*`` headers of a delivery: they tell of a request that the platform received."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from perdure.wire import headers as names
from perdure.wire.base import MalformedMessage


class DeliveryHeaders:
    """Reads them, by lower-case names. What is missing or malformed is named by a MalformedMessage."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def text(self, name: str) -> str:
        """A header that must be there."""
        if name not in self._headers:
            raise MalformedMessage(f"header {name} is missing")
        return self._headers[name]

    def optional_text(self, name: str) -> str | None:
        """A header that may be there."""
        return self._headers.get(name)

    def json(self, name: str) -> Any:
        """A header that must be there, read as JSON."""
        try:
            return json.loads(self.text(name))
        except ValueError as error:
            raise MalformedMessage(f"header {name} is not JSON: {error}") from error

    def optional_json(self, name: str) -> Any:
        """A header that may be there, read as JSON; else None."""
        return self.json(name) if name in self._headers else None

    def received(self) -> dict[str, Any]:
        """The received request: ``url``, ``method``, ``headers`` with lower-case names."""
        headers = self.json(names.SOURCE_HTTP_HEADERS)
        if not isinstance(headers, dict):
            raise MalformedMessage(f"header {names.SOURCE_HTTP_HEADERS} must hold a JSON object")
        return {
            "url": self.text(names.SOURCE_HTTP_URL),
            "method": self.text(names.SOURCE_HTTP_METHOD),
            "headers": {str(name).lower(): value for name, value in headers.items()},
        }
