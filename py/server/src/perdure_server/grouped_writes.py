"""The hot writes, grouped: what concurrent requests bring goes to the database in one call.

While one call is under way the next ones gather and go together. A request's own tasks or events stay
together and in order, and its answer is its own: another request's mistake does not touch it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

from perdure_engine import events, tasks
from perdure_engine.errors import PerdureError
from perdure_engine.group_commit import GroupCommit
from perdure_engine.pool import Connection
from perdure_engine.tasks import TaskOutcome

Connect: TypeAlias = Callable[[], AbstractAsyncContextManager[Connection]]
Documents: TypeAlias = tuple[bytes, ...]

_NO_OPTIONS = b"{}"


class TaskWriter:
    """Stores and ends tasks of many runs together."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._upserts = GroupCommit(lambda batch: self._write(tasks.upsert_tasks, batch), weigh=_length)
        self._finishes = GroupCommit(lambda batch: self._write(tasks.finish_tasks, batch), weigh=_length)

    async def upsert(self, calls: Documents) -> list[bytes]:
        """Store one request's tasks.

        Args:
            calls: ``{environmentId, runId, leaseNumber?, task}`` each.
        Returns: the ServerTasks, in their order.
        Raises:
            PerdureError: the first that a task deserved; the others are stored all the same.
        """
        return await self._upserts.submit(calls) if calls else []

    async def finish(self, call: bytes) -> bytes:
        """End a task.

        Args:
            call: ``{environmentId, runId, taskId, leaseNumber?, status, output?, error?, …}``.
        Returns: the ServerTask.
        Raises:
            PerdureError: what it deserved.
        """
        return (await self._finishes.submit((call,)))[0]

    async def drain(self) -> None:
        """Wait until everything submitted is answered."""
        await self._upserts.drain()
        await self._finishes.drain()

    async def _write(
        self,
        write: Callable[[Connection, Sequence[bytes]], Awaitable[list[TaskOutcome]]],
        batch: Sequence[Documents],
    ) -> list[list[bytes] | Exception]:
        async with self._connect() as conn:
            outcomes = iter(await write(conn, [call for calls in batch for call in calls]))
        return [_responses([next(outcomes) for _ in calls]) for calls in batch]


class EventSender:
    """Stores the events of many requests together, by environment."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._by_environment: dict[str, GroupCommit[Documents, list[bytes]]] = {}

    async def send(self, environment_id: str, sent: Documents, options: bytes = _NO_OPTIONS) -> list[bytes]:
        """Send one request's events, all or none.

        Args:
            environment_id: where they happen.
            sent: a RawEvent each.
            options: SendEventOptions; events with options go alone, since options are for a whole call.
        Returns: the ApiEventLogs, in their order.
        """
        if options != _NO_OPTIONS:
            return await self._send(environment_id, sent, options)
        group = self._by_environment.get(environment_id)
        if group is None:
            group = GroupCommit(lambda batch: self._send_together(environment_id, batch), weigh=_length)
            self._by_environment[environment_id] = group
        return await group.submit(sent) if sent else []

    async def drain(self) -> None:
        """Wait until everything submitted is answered."""
        for group in self._by_environment.values():
            await group.drain()

    async def _send_together(
        self, environment_id: str, batch: Sequence[Documents]
    ) -> list[list[bytes] | Exception]:
        stored = iter(
            await self._send(environment_id, [event for sent in batch for event in sent], _NO_OPTIONS)
        )
        return [[next(stored) for _ in sent] for sent in batch]

    async def _send(self, environment_id: str, sent: Sequence[bytes], options: bytes) -> list[bytes]:
        async with self._connect() as conn:
            return await events.send_events(conn, environment_id, b"[" + b",".join(sent) + b"]", options)


def _length(documents: Documents) -> int:
    return sum(map(len, documents))


def _responses(outcomes: Sequence[TaskOutcome]) -> list[bytes] | Exception:
    responses: list[bytes] = []
    for outcome in outcomes:
        result = outcome.result
        if isinstance(result, PerdureError):
            return result
        responses.append(result)
    return responses
