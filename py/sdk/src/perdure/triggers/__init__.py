"""What starts jobs: events, schedules, requests, invocations, and the sources that bring events."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from perdure.triggers.event import EventTrigger, InvocationTrigger, Trigger, event_trigger, invoke_trigger
from perdure.triggers.schedule import DynamicSchedule, ScheduleTrigger, cron_trigger, interval_trigger

if TYPE_CHECKING:
    from perdure.integrations import (
        DynamicTrigger,
        ExternalSource,
        ExternalSourceTrigger,
        HttpEndpoint,
        HttpEndpointTrigger,
        NotGenuine,
        Webhook,
        WebhookTrigger,
        hmac_signature,
        shared_secret,
        standard_webhooks,
    )

__all__ = [
    "DynamicSchedule",
    "DynamicTrigger",
    "EventTrigger",
    "ExternalSource",
    "ExternalSourceTrigger",
    "HttpEndpoint",
    "HttpEndpointTrigger",
    "InvocationTrigger",
    "NotGenuine",
    "ScheduleTrigger",
    "Trigger",
    "Webhook",
    "WebhookTrigger",
    "cron_trigger",
    "event_trigger",
    "hmac_signature",
    "interval_trigger",
    "invoke_trigger",
    "shared_secret",
    "standard_webhooks",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("perdure.integrations"), name)
