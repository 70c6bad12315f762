"""How the server asks apps for what it needs at once, such as the answer to a request: not over a network."""

from __future__ import annotations

import httpx

from perdure.wire.http import HttpError, HttpTransport

_TIMEOUT_S = 60.0
_MAX_BYTES = 64 * 1024 * 1024


class AppTransport(httpx.AsyncBaseTransport):
    """Hands requests to the apps of the test.

    Args:
        endpoints: sends requests to the apps.
    """

    def __init__(self, endpoints: HttpTransport) -> None:
        self._endpoints = endpoints

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request; an app that is not there counts as a refused connection."""
        try:
            answer = await self._endpoints.request(
                request.method,
                str(request.url),
                dict(request.headers),
                await request.aread(),
                timeout_s=_TIMEOUT_S,
                max_response_bytes=_MAX_BYTES,
            )
        except HttpError as error:
            raise httpx.ConnectError(str(error)) from error
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)
