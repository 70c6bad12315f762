"""What starts jobs: events, schedules, requests, invocations, and the sources that bring events."""

from __future__ import annotations

from perdure.triggers.base import Trigger
from perdure.triggers.dynamic_schedule import DynamicSchedule
from perdure.triggers.dynamic_trigger import DynamicTrigger
from perdure.triggers.event import EventTrigger, event_trigger
from perdure.triggers.external_source import ExternalSource, ExternalSourceTrigger
from perdure.triggers.http_endpoint import HttpEndpoint, HttpEndpointTrigger
from perdure.triggers.invoke import InvocationTrigger, invoke_trigger
from perdure.triggers.schedule import ScheduleTrigger, cron_trigger, interval_trigger
from perdure.triggers.verification import NotGenuine, hmac_signature, shared_secret, standard_webhooks
from perdure.triggers.webhook import Webhook, WebhookTrigger

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
