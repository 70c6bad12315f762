"""A receiver of webhooks: answers 200, or as told, and keeps what came in with its raw body."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tests.support.fakes.service import FakeService


class Receiver(FakeService):
    """Where a fake delivers to in tests of the fake itself. ``bodies`` are raw, in the order of ``calls``."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[bytes] = []

    def routes(self) -> Sequence[BaseRoute]:
        """Every path."""
        return [Route("/{path:path}", self._receive, methods=["POST"])]

    async def _receive(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        return Response("ok")
