"""How hosts without an event loop get an answer: WSGI, Django, AWS Lambda."""

from __future__ import annotations

from collections.abc import Mapping

from perdure.endpoint import Endpoint, EndpointAnswer
from perdure.threads import run_blocking


class BlockingEndpoint:
    """Answers in the thread of the request, in which plain jobs run too; async jobs run beside it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def handle(
        self, method: str, headers: Mapping[str, str], body: bytes, *, time_left_ms: float | None = None
    ) -> EndpointAnswer:
        """As ``Endpoint.handle``, and ``HEAD`` is answered 200, for health checks."""
        if method == "HEAD":
            return EndpointAnswer(200, {}, b"")

        return run_blocking(lambda: self.endpoint.handle(method, headers, body, time_left_ms=time_left_ms))
