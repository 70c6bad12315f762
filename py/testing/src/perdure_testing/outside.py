"""Whom the platform sends requests to besides the apps: a function of the test's."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from perdure.wire.http import ConnectionFailed, HttpResponse
from perdure_testing.apps import Apps

if TYPE_CHECKING:
    import httpx

OutsideHandler: TypeAlias = "Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]"
"""Answers a request; what it raises counts as a lost connection."""


class Outside:
    """Answers what the platform sends to others: background fetches, notifications, deliveries of sources.

    Args:
        apps: knows the loop of the test.
    """

    def __init__(self, apps: Apps) -> None:
        self._apps = apps
        self.reset()

    def reset(self) -> None:
        """Nobody answers, and nothing was asked."""
        self.handler: OutsideHandler | None = None
        self.requests: list[httpx.Request] = []

    async def request(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
        *,
        timeout_s: float,
        max_response_bytes: int,
        follow_redirects: bool,
    ) -> HttpResponse:
        """As the dispatcher's OutsideClient.

        Raises:
            ConnectionFailed: the test answers nothing, or its function failed.
        """
        import httpx

        request = httpx.Request(method, url, headers=headers, content=body)
        self.requests.append(request)
        if self.handler is None:
            raise ConnectionFailed(
                f"{url}: tests send nothing outside; answer it with platform.outside(handler)"
            )
        try:
            response = await self._apps.in_host(_answered(self.handler, request))
        except Exception as error:
            raise ConnectionFailed(f"{url}: {type(error).__name__}: {error}") from error
        return HttpResponse(response.status_code, dict(response.headers), response.content)

    async def close(self) -> None:
        """Nothing is kept."""


async def _answered(handler: OutsideHandler, request: httpx.Request) -> httpx.Response:
    answer = handler(request)
    return await answer if inspect.isawaitable(answer) else answer
