"""Perdure: durable background jobs for Python web apps, kept in the Postgres that you already have."""

from __future__ import annotations

from perdure.app import Perdure
from perdure.auth import Credentials
from perdure.calls import make_event
from perdure.context import Context
from perdure.dependencies import Depends
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
    StoredResultMismatch,
    TaskFailed,
    TaskTimedOut,
    UnserializableResult,
    WaitTimedOut,
)
from perdure.fetch import FetchBackoff, FetchHeaders, FetchResponse, Redacted
from perdure.integration import Integration, IntegrationTasks, IOType
from perdure.interrupts import RunInterrupt
from perdure.io import IO, ReceivedEvent, SyncIO
from perdure.job import Job
from perdure.operation import client_method, operation
from perdure.options import GiveUp, TaskOptions
from perdure.retry import EXPONENTIAL_BACKOFF, STANDARD_BACKOFF, Retry
from perdure.service_errors import RateLimit, ServiceError
from perdure.triggers import (
    ExternalSource,
    ExternalSourceTrigger,
    NotGenuine,
    Trigger,
    Webhook,
    WebhookTrigger,
    cron_trigger,
    event_trigger,
    hmac_signature,
    interval_trigger,
    invoke_trigger,
    shared_secret,
    standard_webhooks,
)
from perdure.version import VERSION as __version__
from perdure.wire.events import RawEvent
from perdure.wire.http_endpoints import HttpRequest, ImmediateResponse
from perdure.wire.jobs import InvokedRun
from perdure.wire.manifest import ConcurrencyGroup
from perdure.wire.notifications import RunNotification
from perdure.wire.runs import Run
from perdure.wire.schedules import ScheduledPayload
from perdure.wire.statuses import RunStatus
from perdure.wire.tasks import DisplayProperty
from perdure.wire.webhooks import RegisterWebhook, WebhookRequest
from perdure.wrapped import wrap

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
