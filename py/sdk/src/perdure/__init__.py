"""Perdure: durable background jobs for Python web apps, kept in the Postgres that you already have."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from perdure.app import Perdure
from perdure.calls import make_event
from perdure.dependencies import Context, Depends
from perdure.errors import (
    ApiError,
    ConfigurationError,
    DuplicateTaskKey,
    MissingSetting,
    NonRetryableError,
    PerdureError,
    ReplayMismatch,
    RetryAt,
    RunFailed,
    RunInterrupt,
    StoredResultMismatch,
    TaskFailed,
    TaskTimedOut,
    UnserializableResult,
    WaitTimedOut,
)
from perdure.fetch import FetchBackoff, FetchHeaders, FetchResponse, Redacted
from perdure.io import IO, ReceivedEvent, SyncIO
from perdure.job import Job
from perdure.options import EXPONENTIAL_BACKOFF, STANDARD_BACKOFF, GiveUp, Retry, TaskOptions
from perdure.triggers import (
    Trigger,
    cron_trigger,
    event_trigger,
    interval_trigger,
    invoke_trigger,
)
from perdure.wire.events import RawEvent
from perdure.wire.headers import VERSION as __version__
from perdure.wire.runs import ConcurrencyGroup, InvokedRun, Run, RunStatus
from perdure.wire.tasks import DisplayProperty

if TYPE_CHECKING:
    from perdure.integrations import (
        Credentials,
        ExternalSource,
        ExternalSourceTrigger,
        HttpRequest,
        Integration,
        IntegrationTasks,
        IOType,
        NotGenuine,
        RateLimit,
        RegisterWebhook,
        ServiceError,
        Webhook,
        WebhookRequest,
        WebhookTrigger,
        client_method,
        hmac_signature,
        operation,
        shared_secret,
        standard_webhooks,
        wrap,
    )
    from perdure.wire.manifest import ScheduledPayload
    from perdure.wire.notifications import RunNotification
    from perdure.wire.sources import ImmediateResponse

__all__ = [
    "EXPONENTIAL_BACKOFF",
    "IO",
    "STANDARD_BACKOFF",
    "ApiError",
    "ConcurrencyGroup",
    "ConfigurationError",
    "Context",
    "Credentials",
    "Depends",
    "DisplayProperty",
    "DuplicateTaskKey",
    "ExternalSource",
    "ExternalSourceTrigger",
    "FetchBackoff",
    "FetchHeaders",
    "FetchResponse",
    "GiveUp",
    "HttpRequest",
    "IOType",
    "ImmediateResponse",
    "Integration",
    "IntegrationTasks",
    "InvokedRun",
    "Job",
    "MissingSetting",
    "NonRetryableError",
    "NotGenuine",
    "Perdure",
    "PerdureError",
    "RateLimit",
    "RawEvent",
    "ReceivedEvent",
    "Redacted",
    "RegisterWebhook",
    "ReplayMismatch",
    "Retry",
    "RetryAt",
    "Run",
    "RunFailed",
    "RunInterrupt",
    "RunNotification",
    "RunStatus",
    "ScheduledPayload",
    "ServiceError",
    "StoredResultMismatch",
    "SyncIO",
    "TaskFailed",
    "TaskOptions",
    "TaskTimedOut",
    "Trigger",
    "UnserializableResult",
    "WaitTimedOut",
    "Webhook",
    "WebhookRequest",
    "WebhookTrigger",
    "__version__",
    "client_method",
    "cron_trigger",
    "event_trigger",
    "hmac_signature",
    "interval_trigger",
    "invoke_trigger",
    "make_event",
    "operation",
    "shared_secret",
    "standard_webhooks",
    "wrap",
]

_MESSAGES = {
    "ImmediateResponse": "sources",
    "RunNotification": "notifications",
    "ScheduledPayload": "manifest",
}
"""Which are imported at their first use: see ``perdure.wire``. So is the kit for integrations, an extra."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _MESSAGES:
        return getattr(import_module(f"perdure.wire.{_MESSAGES[name]}"), name)
    return getattr(import_module("perdure.integrations"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
