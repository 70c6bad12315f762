"""Requests of the server itself to the endpoint of a connected app, whose URL begins with connected://."""

from __future__ import annotations

import httpx

from perdure.wire.headers import ACTION
from perdure.wire.http import ConnectionFailed
from perdure_server.connect.connector import Connector

SCHEME = "connected://"
"""Of the URL of a connected app's endpoint; its id follows."""


class ConnectedTransport(httpx.AsyncBaseTransport):
    """Sends requests over the connections of apps; they need no signature there, and it is not looked at."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Ask the app.

        Raises:
            httpx.ConnectError: it is not connected to this server.
        """
        headers = dict(request.headers)
        body = await request.aread()
        try:
            answer = await self._connector.ask(request.url.host, headers[ACTION], headers, body)
        except ConnectionFailed as error:
            raise httpx.ConnectError(str(error)) from error
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)
