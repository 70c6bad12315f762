"""What goes between apps and platform in a test, and what is made to go wrong there."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """A request of an app to the API."""

    method: str
    path: str
    body: bytes | None = field(repr=False)

    def json(self) -> Any:
        """The body, read."""
        return None if not self.body else json.loads(self.body)

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """The task records in it; none when it is another call."""
        is_about_tasks = self.method == "PUT" and self.path.endswith("/tasks")
        return list(self.json()["tasks"]) if is_about_tasks else []


@dataclass(eq=False, slots=True)
class Execution:
    """One EXECUTE_JOB request: what the job did in it, and how it ended."""

    run_id: str
    number: int
    """Counts the executions of the run, from 1."""
    calls: list[Call] = field(default_factory=list)
    """The requests to the API, in order."""
    reply: dict[str, Any] | None = None
    """What the endpoint answered; None while it runs, and when it was killed."""
    killed: Future[None] = field(default_factory=Future, repr=False)
    """Done when it was killed: from then on nothing of it reaches the platform."""
    released: Future[None] = field(default_factory=Future, repr=False)
    """Done when what is left of it may end."""

    @property
    def finished_tasks(self) -> Iterator[dict[str, Any]]:
        """The records of tasks that it finished, in calls and in its reply, log lines and waits left out."""
        in_reply = (self.reply or {}).get("tasks") or []
        for record in [*(record for call in self.calls for record in call.tasks), *in_reply]:
            if is_finished(record):
                yield record


def is_finished(record: dict[str, Any]) -> bool:
    """Whether a record says that a task of the job's own has ended."""
    return record.get("status") in ("COMPLETED", "ERRORED") and not record.get("noop")


class Moment(StrEnum):
    """Where something may go wrong."""

    BEFORE_CALL = "before the platform gets the call"
    AFTER_CALL = "after the platform did the call, before the app hears of it"
    BEFORE_REPLY = "before the platform gets the reply"


class Fault(StrEnum):
    """What goes wrong."""

    KILL = "the app is gone, as after kill -9"
    LOSE_ANSWER = "the answer to the call is lost"


class Faults(ABC):
    """Decides what goes wrong."""

    @abstractmethod
    def at(self, moment: Moment, execution: Execution, call: Call | None) -> Fault | None:
        """Asked at every moment; ``call`` is None at a reply."""


class ReplayAlways(Faults):
    """No task's end is answered: so the execution ends there, and the next one runs the job from the top."""

    def at(self, moment: Moment, execution: Execution, call: Call | None) -> Fault | None:
        """Lose the answers to calls that finish a task."""
        if moment is Moment.AFTER_CALL and call is not None and any(map(is_finished, call.tasks)):
            return Fault.LOSE_ANSWER
        return None


class KillAt(Faults):
    """Kills the app once.

    Args:
        index: at which moment, counted from 0 over all executions.
    """

    def __init__(self, index: int) -> None:
        self._index = index
        self._seen = 0
        self.place: str | None = None
        """Where it happened, for people; None: there were not so many moments."""

    def at(self, moment: Moment, execution: Execution, call: Call | None) -> Fault | None:
        """Kill at the moment that was chosen."""
        self._seen += 1
        if self._seen != self._index + 1:
            return None
        what = f"{call.method} {call.path}" if call is not None else "the reply"
        self.place = f"{moment} ({what}; execution {execution.number} of run {execution.run_id})"
        return Fault.KILL


current_execution: ContextVar[Execution | None] = ContextVar("perdure_test_execution", default=None)
"""The execution that code runs in; None outside of all."""
