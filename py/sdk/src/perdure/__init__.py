"""Perdure: durable background jobs for Python web apps, kept in the Postgres that you already have."""

from __future__ import annotations

from perdure.app import Perdure, make_event
from perdure.context import Context
from perdure.errors import (
    ApiError,
    ConfigurationError,
    DuplicateTaskKey,
    MissingSetting,
    PerdureError,
    RetryAt,
    StoredResultMismatch,
    TaskFailed,
    UnserializableResult,
)
from perdure.integration import Integration, IntegrationTasks
from perdure.interrupts import RunInterrupt
from perdure.io import IO
from perdure.job import Job
from perdure.options import GiveUp, TaskOptions
from perdure.retry import EXPONENTIAL_BACKOFF, STANDARD_BACKOFF, Retry
from perdure.triggers import ExternalSource, ExternalSourceTrigger, Trigger, event_trigger
from perdure.version import VERSION as __version__
from perdure.wire.tasks import DisplayProperty

__all__ = [
    "EXPONENTIAL_BACKOFF",
    "IO",
    "STANDARD_BACKOFF",
    "ApiError",
    "ConfigurationError",
    "Context",
    "DisplayProperty",
    "DuplicateTaskKey",
    "ExternalSource",
    "ExternalSourceTrigger",
    "GiveUp",
    "Integration",
    "IntegrationTasks",
    "Job",
    "MissingSetting",
    "Perdure",
    "PerdureError",
    "Retry",
    "RetryAt",
    "RunInterrupt",
    "StoredResultMismatch",
    "TaskFailed",
    "TaskOptions",
    "Trigger",
    "UnserializableResult",
    "__version__",
    "event_trigger",
    "make_event",
]
