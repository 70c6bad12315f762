"""Hands the answers of connected apps to the database, in groups; what it cannot take waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, TypeAlias

import psycopg
from psycopg.errors import ProgramLimitExceeded, StatementTooComplex

from perdure.wire.http import HttpResponse
from perdure_dispatcher.replies import parse_reply
from perdure_dispatcher.verdict import Judgement, judge_answer, judge_delivery, judge_refused
from perdure_engine.deliveries import apply_delivery_results
from perdure_engine.errors import DatabaseUnavailable, NotMigrated, PerdureError
from perdure_engine.pool import Connection
from perdure_engine.runs import apply_results
from perdure_server.connect.seat import RequestId

logger = logging.getLogger("perdure.server.connect")

Connect: TypeAlias = Callable[[], AbstractAsyncContextManager[Connection]]

_LARGEST_BATCH = 400
_HEAVIEST_BATCH = 8_000_000  # bytes of replies; a heavier one goes alone
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_REFUSALS = (psycopg.DataError, psycopg.IntegrityError, StatementTooComplex, ProgramLimitExceeded)


class Answer(NamedTuple):
    """What an app answered to a request.

    Args:
        duration_ms: as the app measured it.
        settle: called with the ids of answers, its own and those of others with an equal one, when they
            are in the database, or cannot be: then their leases bring the work back.
    """

    id: RequestId
    judgement: Judgement
    duration_ms: int
    settle: Callable[[Sequence[str]], None]

    @property
    def document(self) -> bytes:
        """The result as the database takes it."""
        id = self.id
        return self.judgement.result(
            "runId" if id.kind == "run" else "deliveryId",
            id.subject_id,
            lease_number=id.lease_number,
            duration_ms=self.duration_ms,
        )


def judge(id: RequestId, response: HttpResponse) -> Judgement:
    """Tell what an app's answer means."""
    return judge_answer(response, parse_reply) if id.kind == "run" else judge_delivery(response)


class Answers:
    """Stores answers. While one call is under way the next ones gather, and go together.

    Args:
        connect: gives a connection for one call.
        on_idle: called when everything is stored.
    """

    def __init__(self, connect: Connect, *, on_idle: Callable[[], None]) -> None:
        self._connect = connect
        self._on_idle = on_idle
        self._waiting: list[Answer] = []
        self._worker: asyncio.Task[None] | None = None

    def add(self, answer: Answer) -> None:
        """Store an answer; ``settle`` says when that is done. It is kept while the database is away."""
        self._waiting.append(answer)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())

    @property
    def under_way(self) -> bool:
        """Answers are being stored."""
        return self._worker is not None

    async def drain(self, timeout_s: float) -> None:
        """Wait until everything is stored; the apps bring again what is not."""
        if self._worker is not None:
            await asyncio.wait([self._worker], timeout=timeout_s)

    async def _work(self) -> None:
        pause_s = _FIRST_PAUSE_S
        try:
            while self._waiting:
                batch = self._next_batch()
                try:
                    await self._store(batch)
                except (DatabaseUnavailable, NotMigrated) as error:
                    logger.warning("answers not stored waiting=%d: %s", len(self._waiting), error)
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                else:
                    pause_s = _FIRST_PAUSE_S
                    del self._waiting[: len(batch)]
        finally:
            self._worker = None
            self._on_idle()

    def _next_batch(self) -> Sequence[Answer]:
        batch = self._waiting[:_LARGEST_BATCH]
        weight = 0
        for place, answer in enumerate(batch):
            weight += len(answer.judgement.reply or b"")
            if weight > _HEAVIEST_BATCH and place:
                return batch[:place]
        return batch

    async def _store(self, batch: Sequence[Answer]) -> None:
        """Store a batch, each answer once; one that the database refuses is told it as that."""
        try:
            await self._apply(batch)
        except Exception as error:
            if isinstance(error, DatabaseUnavailable | NotMigrated):
                raise
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._store(batch[:middle])
                await self._store(batch[middle:])
                return
            await self._store_refused(batch[0], error)
        settled: dict[Callable[[Sequence[str]], None], list[str]] = {}
        for answer in batch:
            settled.setdefault(answer.settle, []).append(answer.id.text)
        for settle, ids in settled.items():
            settle(ids)

    async def _store_refused(self, answer: Answer, error: Exception) -> None:
        logger.warning("answer refused id=%s: %s", answer.id.text, error)
        if not isinstance(error, (PerdureError, *_REFUSALS)):
            return
        refused = judge_refused(answer.judgement, error)
        try:
            await self._apply([Answer(answer.id, refused, answer.duration_ms, answer.settle)])
        except (PerdureError, psycopg.Error) as again:
            if isinstance(again, DatabaseUnavailable):
                raise
            logger.error("answer not stored id=%s: %s", answer.id.text, again)

    async def _apply(self, batch: Sequence[Answer]) -> None:
        runs = [answer.document for answer in batch if answer.id.kind == "run"]
        deliveries = [answer.document for answer in batch if answer.id.kind == "delivery"]
        async with self._connect() as conn:
            if runs:
                await apply_results(conn, runs, minimal=True)
            if deliveries:
                await apply_delivery_results(conn, deliveries)
