"""Stands for the client library of the service: replace it by the real one."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request, urlopen

TIMEOUT_S = 30


@dataclass(frozen=True)
class Greeting:
    """What the service answers, reduced to the fields that jobs use: it is stored with every run."""

    id: str
    text: str


class ServiceError(Exception):
    """The service refused a call, or did not answer (``status`` None). A rate limit sets ``retry_at``."""

    def __init__(self, reason: str, *, status: int | None = None, retry_at: datetime | None = None) -> None:
        answer = "did not answer" if status is None else f"answered {status}"
        super().__init__(f"the service {answer}: {reason}")
        self.status = status
        self.retry_at = retry_at

    @property
    def is_temporary(self) -> bool:
        """True when the same call may succeed later."""
        return self.retry_at is not None or self.status is None or self.status >= 500


class ServiceClient:
    """Calls the service. It tries nothing twice: the platform decides about that."""

    def __init__(self, token: str, base_url: str) -> None:
        self._token = token
        self._base_url = base_url

    async def greet(self, name: str) -> Greeting:
        """Send a greeting.

        Raises:
            ServiceError: refused, or no answer.
        """
        answer = json.loads(await asyncio.to_thread(self._post, "/greetings", {"name": name}))
        return Greeting(id=answer["id"], text=answer["text"])

    def _post(self, path: str, body: dict[str, str]) -> bytes:
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        url = f"{self._base_url}{path}"
        if not url.startswith(("http://", "https://")):
            raise ServiceError(f"base_url must begin with http:// or https://, not {self._base_url!r}")
        request = Request(url, json.dumps(body).encode(), headers, method="POST")  # noqa: S310 - checked above
        try:
            with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - checked above
                read: bytes = answer.read()
                return read
        except HTTPError as error:
            with error:
                seconds = error.headers.get("retry-after", "")
                wait = timedelta(seconds=int(seconds)) if seconds.isdecimal() else None
                retry_at = datetime.now(UTC) + wait if error.code == 429 and wait is not None else None
                raise ServiceError(error.reason, status=error.code, retry_at=retry_at) from error
        except (OSError, HTTPException) as error:
            raise ServiceError(str(error)) from error
