"""One request EXECUTE_JOBS: its executions, and what comes of each. The protocol is told in ``batches``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from perdure.wire.http import ConnectionFailed, HttpResponse, RequestTimedOut, ResponseTooLarge
from perdure_dispatcher.batch_answer import MOST_HEAD_BYTES, BatchAnswer, Head, MalformedBatch
from perdure_dispatcher.clients import Clients
from perdure_dispatcher.endpoint_request import execute_jobs
from perdure_dispatcher.known_apps import KnownApp
from perdure_engine.runs import ClaimedRun

_HELD_BACK_S = 1.0
_REQUEST_TIMEOUT = 408  # the one status of the 4xx that may come from a host in the middle of the work


class Parcel:
    """An execution that is to be sent, and its answer, which is None when it has to go alone."""

    __slots__ = ("answer", "api_key", "batch", "body", "claim")

    def __init__(self, claim: ClaimedRun, body: bytes, api_key: str | None) -> None:
        self.claim = claim
        self.body = body
        self.api_key = api_key
        self.answer: asyncio.Future[HttpResponse | None] = asyncio.get_running_loop().create_future()
        self.batch: Batch | None = None

    @property
    def timeout_s(self) -> float:
        """Seconds for the whole exchange."""
        return self.claim.timeout_ms / 1000

    def settle(self, answer: HttpResponse | Exception | None) -> None:
        """Give the answer, or what came in its place, to who waits for it."""
        if self.answer.done():
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


class Batch:
    """One request with several executions, under way.

    Args:
        parcels: at least two, of the same URL and keys.
        app: the one at that URL.
        clients: whose client for endpoints is used; not closed here.
        max_response_bytes: most bytes of an execution's answer.
    """

    def __init__(
        self, parcels: Sequence[Parcel], app: KnownApp, clients: Clients, *, max_response_bytes: int
    ) -> None:
        self._parcels = parcels
        self._url = parcels[0].claim.url
        self._app = app
        self._clients = clients
        self._max_response_bytes = max_response_bytes
        self._answer = BatchAnswer(len(parcels), max_body_bytes=max_response_bytes)
        self._loop = asyncio.get_running_loop()
        self._sent_at = self._loop.time()
        self._is_silent = True
        self._timeout_s = max(parcel.timeout_s for parcel in parcels)
        self._timers = [
            self._loop.call_later(parcel.timeout_s, self._time_out, parcel)
            for parcel in parcels
            if parcel.timeout_s < self._timeout_s
        ]
        for parcel in parcels:
            parcel.batch = self
        self._task = asyncio.create_task(self._run(), name="batch")

    def cut_if_unwanted(self) -> None:
        """End the request when nobody waits for what is still to come."""
        if all(parcel.answer.done() for parcel in self._parcels):
            self._loop.call_soon(self._task.cancel)  # not while the connection's bytes are being read

    async def _run(self) -> None:
        outcome: HttpResponse | Exception | None
        try:
            outcome = self._judge(await self._request())
        except Exception as error:  # each execution judges it, be it a mistake of ours
            outcome = error
        finally:
            for timer in self._timers:
                timer.cancel()
        for parcel in self._parcels:
            if isinstance(outcome, RequestTimedOut) and not parcel.answer.done():
                self._app.took(parcel.claim.timeout_ms)
            parcel.settle(outcome)
            parcel.batch = None  # no cycle: else the garbage collector would have to find it

    async def _request(self) -> HttpResponse:
        first = self._parcels[0]
        # A line break in a body, which is JSON, stands between two tokens.
        lines = [parcel.body.replace(b"\n", b" ") for parcel in self._parcels]
        request = execute_jobs(
            b"\n".join(lines) + b"\n",
            secrets=first.claim.signing_secrets,
            now=time.time(),
            api_key=first.api_key,
        )
        return await self._clients.endpoints.request(
            "POST",
            first.claim.url,
            request.headers,
            request.body,
            timeout_s=self._timeout_s,
            max_response_bytes=len(lines) * (self._max_response_bytes + MOST_HEAD_BYTES),
            on_piece=self._take,
        )

    def _judge(self, answer: HttpResponse) -> HttpResponse | Exception | None:
        """What an answer means for those that are not answered yet."""
        if answer.status == 200:
            return ConnectionFailed(f"{self._url}: the answer ended before that of this execution")
        if 400 <= answer.status < 500 and answer.status != _REQUEST_TIMEOUT:
            self._app.refused(self._loop.time())
            return None
        return answer

    def _take(self, piece: bytes) -> None:
        try:
            for head, answer in self._answer.feed(piece):
                self._see_when(head)
                self._parcels[head.index].settle(answer or self._too_large())
        except MalformedBatch as error:
            for parcel in self._parcels:
                parcel.settle(error)
            self.cut_if_unwanted()
        else:
            if not self._answer.is_complete:
                self.cut_if_unwanted()

    def _see_when(self, head: Head) -> None:
        self._app.took(head.took)
        if self._is_silent:
            self._is_silent = False
            now = self._loop.time()
            if now - self._sent_at - head.ms / 1000 > _HELD_BACK_S:
                self._app.held_back(now)

    def _too_large(self) -> ResponseTooLarge:
        return ResponseTooLarge(
            f"{self._url}: the answer is larger than the {self._max_response_bytes} bytes allowed"
        )

    def _time_out(self, parcel: Parcel) -> None:
        if not parcel.answer.done():
            self._app.took(parcel.claim.timeout_ms)
            parcel.settle(RequestTimedOut(f"{self._url} did not answer within {parcel.timeout_s:g} s"))
            self.cut_if_unwanted()
