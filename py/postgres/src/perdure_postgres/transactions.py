"""One transaction with the app's writes and the end of a task: both are committed, or neither."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeVar

from perdure.errors import ExecutionEnded, RetryAt
from perdure_postgres.connections import begin, begin_async, open_connection
from perdure_postgres.errors import (
    FINISHED,
    LEASE_LOST,
    NOT_FOUND,
    WRONG_STATE,
    DirectModeError,
    is_connection_lost,
    is_overruled,
    sqlstate_of,
)
from perdure_postgres.statement import Statement

T = TypeVar("T")

_TRIES = 5
_LONGEST_PAUSE_S = 0.05  # before a transaction that Postgres undid for another's sake is repeated
_LATER = timedelta(seconds=2)  # until the task is tried again

# Names in full: the app's search path is its own.
_BEGIN = (
    "select perdure.begin_task(cast({environment} as pg_catalog.uuid), cast({run} as pg_catalog.uuid), "
    "cast({lease} as pg_catalog.int4), cast({task} as pg_catalog.text))"
)
_END = (
    "select perdure.end_task(cast({environment} as pg_catalog.uuid), cast({run} as pg_catalog.uuid), "
    "cast({lease} as pg_catalog.int4), cast({tasks} as pg_catalog.json))"
)


class OutcomeOpen(Exception):
    """Nobody here can tell whether the task is done: the stored tasks will say so in the next execution."""


class _Stage(Enum):
    OPENING = "opening"
    WORKING = "working"
    ENDING = "ending"
    COMMITTING = "committing"


@dataclass(frozen=True, slots=True)
class TaskTransaction:
    """A task that is done within a transaction of the app's database.

    Args:
        database: what ``Perdure(database=...)`` got.
        task_key: the task's idempotency key.
    """

    database: Any
    environment_id: str
    run_id: str
    lease_number: int
    task_key: str

    def run(self, work: Callable[[Any], T], records: Callable[[T], Sequence[bytes]]) -> T:
        """Do the work and end the task with its result, over connections that are not async.

        Postgres may undo a transaction for the sake of another one: then all of it is done again, some times.

        Args:
            work: gets the connection; whatever it raises undoes everything.
            records: JSON of what states the task's end, parents first.
        Raises:
            OutcomeOpen: the connection was lost during the commit, or another execution did the task.
            ExecutionEnded: the lease is lost, or the run has ended; nothing was committed.
            RetryAt: there is no connection, or others were in the way each time; nothing was committed.
        """
        for tries_left in reversed(range(_TRIES)):
            stage = _Stage.OPENING
            try:
                with open_connection(self.database, is_async=False) as connection, begin(connection):
                    self._begin().execute(connection)
                    stage = _Stage.WORKING
                    result = work(connection)
                    stage = _Stage.ENDING
                    self._end(records(result)).execute(connection)
                    stage = _Stage.COMMITTING
                return result
            except Exception as error:
                if not _may_repeat(error, stage, tries_left):
                    if stage is not _Stage.OPENING:
                        self._check_own()
                    raise
            time.sleep(_pause_s())
        raise AssertionError("the last try does not come here")

    async def run_async(
        self, work: Callable[[Any], Awaitable[T]], records: Callable[[T], Sequence[bytes]]
    ) -> T:
        """The same over async connections."""
        for tries_left in reversed(range(_TRIES)):
            stage = _Stage.OPENING
            try:
                async with (
                    open_connection(self.database, is_async=True) as connection,
                    begin_async(connection),
                ):
                    await self._begin().execute_async(connection)
                    stage = _Stage.WORKING
                    result = await work(connection)
                    stage = _Stage.ENDING
                    await self._end(records(result)).execute_async(connection)
                    stage = _Stage.COMMITTING
                return result
            except Exception as error:
                if not _may_repeat(error, stage, tries_left):
                    if stage is not _Stage.OPENING:
                        await self._check_own_async()
                    raise
            await asyncio.sleep(_pause_s())
        raise AssertionError("the last try does not come here")

    def _begin(self) -> Statement:
        return Statement(_BEGIN, {**self._identity(), "task": self.task_key})

    def _end(self, records: Sequence[bytes]) -> Statement:
        return Statement(_END, {**self._identity(), "tasks": f"[{b','.join(records).decode()}]"})

    def _identity(self) -> dict[str, str | int | None]:
        return {"environment": self.environment_id, "run": self.run_id, "lease": self.lease_number}

    def _check_own(self) -> None:
        """A failure counts only while the task is this execution's.

        It may come from what another one has committed in between, such as a key that exists already.
        """
        try:
            with open_connection(self.database, is_async=False) as connection, begin(connection):
                self._begin().execute(connection)
        except Exception as error:
            _raise_what_it_means(error)

    async def _check_own_async(self) -> None:
        try:
            async with (
                open_connection(self.database, is_async=True) as connection,
                begin_async(connection),
            ):
                await self._begin().execute_async(connection)
        except Exception as error:
            _raise_what_it_means(error)


def _may_repeat(error: Exception, stage: _Stage, tries_left: int) -> bool:
    """True: do it again; False: the work failed. Raises what else the error means."""
    if isinstance(error, DirectModeError):
        if stage is not _Stage.WORKING:  # then it is of the work's own calls
            _raise_what_it_means(error)
        return False
    if is_overruled(error):
        if tries_left:
            return True
        raise RetryAt(_later(), f"Postgres undid the transaction {_TRIES} times: {error}") from error
    if stage is _Stage.COMMITTING and (sqlstate_of(error) is None or is_connection_lost(error)):
        raise OutcomeOpen(f"the connection was lost during the commit: {error}") from error
    if is_connection_lost(error):
        raise RetryAt(_later(), f"no connection to Postgres: {error}") from error
    return False


def _raise_what_it_means(error: Exception) -> None:
    """Raise the end of the execution, or that its outcome is open; return from an error like any other."""
    if is_connection_lost(error):
        raise OutcomeOpen(f"the connection was lost: {error}") from error
    if isinstance(error, DirectModeError):
        if error.code in (NOT_FOUND, FINISHED, LEASE_LOST):
            raise ExecutionEnded(str(error)) from error
        if error.code == WRONG_STATE:
            raise OutcomeOpen(str(error)) from error


def _later() -> datetime:
    return datetime.now(UTC) + _LATER


def _pause_s() -> float:
    return random.uniform(0, _LONGEST_PAUSE_S)  # noqa: S311  # only spreads what collided
