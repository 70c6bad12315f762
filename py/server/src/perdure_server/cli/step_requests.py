"""Steps that come over HTTP, answered by the shortest way."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from functools import partial

from perdure.wire import headers
from perdure_server.api.tasks import stored_answer
from perdure_server.app import ServerApp
from perdure_server.request_log import log_request, new_request_id
from perdure_server.steps import PATH, begin_step

# As our SDK writes it, to the letter: nothing that a server has to heed can be hidden in it.
_REQUEST = re.compile(
    (
        rf"PUT (?P<path>{PATH}) HTTP/1\.1\r\nhost: [!-~]+\r\nauthorization: Bearer (?P<key>\w+)\r\n"
        rf"{headers.PYTHON_SDK_VERSION}: [!-~]+\r\nuser-agent: [!-~]+\r\n"
        r"accept: application/json\r\ncontent-type: application/json\r\nprefer: return=minimal\r\n"
        r"content-length: (?P<length>[1-9][0-9]{0,8})\r\n\r\n"
    ).encode()
)
_HEAD = b"content-type: application/json\r\ncontent-length: %d\r\nx-request-id: %b\r\n\r\n"


class StepRequests:
    """Answers this call over HTTP without taking the request apart.

    Args:
        app: what answers all others.
    """

    def __init__(self, app: ServerApp) -> None:
        self._app = app

    def __call__(self, request: bytes, answer: Callable[[bytes | None], None]) -> bool:
        """Begin to answer.

        Args:
            request: all bytes of it and no more, if it is one.
            answer: gets the headers and the body; ``None``: the request is to be answered as any other.
        Returns: whether ``answer`` will be called, in a later turn of the event loop.
        """
        found = _REQUEST.match(request)
        if found is None or len(request) - found.end() != int(found["length"]):
            return False
        started_at = time.perf_counter()
        storing = begin_step(
            self._app.services,
            found["key"].decode(),
            found["run_id"].decode(),
            request[found.end() :],
            minimal=True,
            at_once=True,
        )
        if storing is None:
            return False
        storing.add_done_callback(partial(self._answer, found["path"], started_at, answer))
        return True

    def _answer(
        self,
        path: bytes,
        started_at: float,
        answer: Callable[[bytes | None], None],
        storing: asyncio.Future[list[bytes]],
    ) -> None:
        if storing.cancelled() or storing.exception() is not None or not storing.result():
            answer(None)
            return
        body, request_id = stored_answer(storing.result()), new_request_id()
        answer(_HEAD % (len(body), request_id) + body)
        if self._app.access_log:
            log_request("PUT", path.decode(), 200, started_at, request_id)
