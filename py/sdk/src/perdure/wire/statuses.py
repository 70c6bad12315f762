"""Status names of runs and tasks, spelled as on the wire and in the database."""

from __future__ import annotations

from enum import StrEnum


class RunStatus(StrEnum):
    """Where a run stands. Source: run state machine of the trigger.dev v2 protocol."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    WAITING_ON_CONNECTIONS = "WAITING_ON_CONNECTIONS"
    PREPROCESSING = "PREPROCESSING"
    STARTED = "STARTED"
    EXECUTING = "EXECUTING"
    WAITING_TO_CONTINUE = "WAITING_TO_CONTINUE"
    WAITING_TO_EXECUTE = "WAITING_TO_EXECUTE"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"
    CANCELED = "CANCELED"
    UNRESOLVED_AUTH = "UNRESOLVED_AUTH"
    INVALID_PAYLOAD = "INVALID_PAYLOAD"

    @property
    def is_final(self) -> bool:
        """True when the run will not move again by itself."""
        return self in FINAL_RUN_STATUSES


FINAL_RUN_STATUSES = frozenset(
    {
        RunStatus.SUCCESS,
        RunStatus.FAILURE,
        RunStatus.TIMED_OUT,
        RunStatus.ABORTED,
        RunStatus.CANCELED,
        RunStatus.UNRESOLVED_AUTH,
        RunStatus.INVALID_PAYLOAD,
    }
)


class TaskStatus(StrEnum):
    """Where a task stands. Source: task state machine of the trigger.dev v2 protocol."""

    PENDING = "PENDING"
    WAITING = "WAITING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    ERRORED = "ERRORED"
    CANCELED = "CANCELED"


class EnvironmentType(StrEnum):
    """What an environment is for."""

    DEVELOPMENT = "DEVELOPMENT"
    STAGING = "STAGING"
    PRODUCTION = "PRODUCTION"
    PREVIEW = "PREVIEW"
