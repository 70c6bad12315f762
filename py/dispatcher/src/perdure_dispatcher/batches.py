"""EXECUTE_JOBS: executions that are sent in the same moment to the same app go to it in one request.

An extension of ours to the protocol. An app that takes it says so beside its answers to EXECUTE_JOB:
``perdure-batch: 20``, most in one request, and ``perdure-took: 5``, how many ms the job was at work. The
request is signed like any other, once over the whole body, which is NDJSON: a line for each execution, the
body of its EXECUTE_JOB. So is the answer, a 200 sent piece by piece: for each execution, in the order in
which they end, a head ``{"index":3,"status":200,"ms":12,"took":5,"headers":{}}`` and the body of the answer
that it would have had alone. ``index`` is the line of the request, from 0; ``ms`` is the time from the
request's arrival to the execution's end, ``took`` that since the job was called; ``headers`` are those of
the answer that tell something. An answer in the 4xx to the whole says that nothing was executed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from perdure.wire.http import HttpResponse, RequestTimedOut
from perdure_dispatcher.batch import Batch, Parcel
from perdure_dispatcher.clients import Clients
from perdure_dispatcher.endpoint_request import execute_job
from perdure_dispatcher.known_apps import KnownApp, KnownApps
from perdure_engine.runs import ClaimedRun

_MOST_BYTES = 4 * 1024 * 1024  # of bodies in one request


class Batches:
    """Sends executions, together where that is of use.

    Args:
        clients: whose client for endpoints is used; not closed here.
        max_response_bytes: most bytes of an execution's answer.
    """

    def __init__(self, clients: Clients, *, max_response_bytes: int) -> None:
        self._clients = clients
        self._max_response_bytes = max_response_bytes
        self._apps = KnownApps()
        self._groups: dict[tuple[str, tuple[bytes, ...], str | None], list[Parcel]] = {}

    async def send(
        self, claim: ClaimedRun, body: bytes, api_key: str | None, *, alone: bool = False
    ) -> HttpResponse:
        """Have an execution done and return its answer, as if it had been sent alone.

        Args:
            body: of its EXECUTE_JOB.
            api_key: as for ``execute_job``.
            alone: no other comes in this turn of the event loop, so it goes at once.
        Raises:
            HttpError: as HttpClient.request; MalformedBatch besides.
        """
        app = self._apps.at(claim.url)
        timeout_s = claim.timeout_ms / 1000
        loop = asyncio.get_running_loop()
        now = loop.time()
        if not alone and app.most_in_batch(now) > 1:
            answer = await self._send_with_others(Parcel(claim, body, api_key))
            if answer is not None:
                return answer
            timeout_s = round(timeout_s - (loop.time() - now), 2)
        return await self._send_alone(app, claim, body, api_key, timeout_s)

    async def _send_alone(
        self, app: KnownApp, claim: ClaimedRun, body: bytes, api_key: str | None, timeout_s: float
    ) -> HttpResponse:
        request = execute_job(body, secrets=claim.signing_secrets, now=time.time(), api_key=api_key)
        began_at = time.monotonic()
        try:
            answer = await self._clients.endpoints.request(
                "POST",
                claim.url,
                request.headers,
                request.body,
                timeout_s=timeout_s,
                max_response_bytes=self._max_response_bytes,
            )
        except RequestTimedOut:
            app.took(claim.timeout_ms)
            raise
        app.answered(answer, (time.monotonic() - began_at) * 1000)
        return answer

    async def _send_with_others(self, parcel: Parcel) -> HttpResponse | None:
        key = (parcel.claim.url, tuple(parcel.claim.signing_secrets), parcel.api_key)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = []
            asyncio.get_running_loop().call_soon(self._send_group, key)  # with what others send in this turn
        group.append(parcel)
        try:
            return await parcel.answer
        except asyncio.CancelledError:
            if parcel.batch is not None:
                parcel.batch.cut_if_unwanted()
            raise

    def _send_group(self, key: tuple[str, tuple[bytes, ...], str | None]) -> None:
        most = self._apps.at(key[0]).most_in_batch(asyncio.get_running_loop().time())
        together: list[Parcel] = []
        size = 0
        for parcel in self._groups.pop(key):
            if parcel.answer.done():  # its task was cancelled
                continue
            size += len(parcel.body)
            if len(together) >= most or (together and size > _MOST_BYTES):
                self._send_together(together)
                together, size = [], len(parcel.body)
            together.append(parcel)
        self._send_together(together)

    def _send_together(self, parcels: Sequence[Parcel]) -> None:
        if len(parcels) > 1:
            app = self._apps.at(parcels[0].claim.url)
            Batch(parcels, app, self._clients, max_response_bytes=self._max_response_bytes)
        else:
            for parcel in parcels:
                parcel.settle(None)
