"""Stands for the client library of the service: replace it by the real one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

TIMEOUT_S = 30


@dataclass(frozen=True)
class Greeting:
    """What the service answers, reduced to the fields that jobs use: it is stored with every run."""

    id: str
    text: str


class ServiceFailed(Exception):
    """The service refused a call, or did not answer (``status`` None)."""

    def __init__(
        self, reason: str, *, status: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        answer = "did not answer" if status is None else f"answered {status}"
        super().__init__(f"the service {answer}: {reason}")
        self.status = status
        self.headers = headers or {}


class ServiceClient:
    """Calls the service. It tries nothing twice: the platform decides about that."""

    def __init__(self, token: str, base_url: str) -> None:
        self._token = token
        self._base_url = base_url

    async def greet(self, name: str) -> Greeting:
        """Send a greeting.

        Raises:
            ServiceFailed: refused, or no answer.
        """
        return _greeting(await asyncio.to_thread(self._ask, "POST", "/greetings", {"name": name}))

    async def list_greetings(self, name: str, limit: int) -> list[Greeting]:
        """The greetings that somebody got, the latest first.

        Raises:
            ServiceFailed: refused, or no answer.
        """
        query = urlencode({"name": name, "limit": limit})
        return [_greeting(row) for row in await asyncio.to_thread(self._ask, "GET", f"/greetings?{query}")]

    def _ask(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        url = f"{self._base_url}{path}"
        if not url.startswith(("http://", "https://")):
            raise ServiceFailed(f"base_url must begin with http:// or https://, not {self._base_url!r}")
        data = None if body is None else json.dumps(body).encode()
        request = Request(url, data, headers, method=method)  # noqa: S310 - checked above
        try:
            with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - checked above
                return json.load(answer)
        except HTTPError as error:
            with error:
                raise ServiceFailed(error.reason, status=error.code, headers=dict(error.headers)) from error
        except (OSError, HTTPException) as error:
            raise ServiceFailed(str(error)) from error


def _greeting(row: dict[str, str]) -> Greeting:
    return Greeting(id=row["id"], text=row["text"])
