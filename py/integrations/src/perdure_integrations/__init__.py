"""The kit for integrations, whose names ``perdure`` shows: clients as tasks, sources, webhooks."""

from __future__ import annotations

from perdure_integrations.auth import AuthResolver, AuthResolvers, AuthSource, Credentials
from perdure_integrations.dynamic_trigger import DynamicTrigger
from perdure_integrations.external_source import ExternalSource, ExternalSourceTrigger
from perdure_integrations.http_endpoint import HttpEndpoint, HttpEndpointTrigger
from perdure_integrations.integration import Integration, IntegrationTasks, IOType
from perdure_integrations.messages import (
    DeliverAnswer,
    HttpRequest,
    RegisterSource,
    RegisterWebhook,
    SourceRequest,
    SourceResponse,
    WebhookRequest,
)
from perdure_integrations.operation import client_method, operation
from perdure_integrations.registration import ServiceRegistry
from perdure_integrations.service_errors import RateLimit, ServiceError
from perdure_integrations.verification import (
    NotGenuine,
    Verify,
    hmac_signature,
    shared_secret,
    standard_webhooks,
)
from perdure_integrations.webhook import Webhook, WebhookTrigger
from perdure_integrations.wrapped import wrap

__all__ = [
    "AuthResolver",
    "AuthResolvers",
    "AuthSource",
    "Credentials",
    "DeliverAnswer",
    "DynamicTrigger",
    "ExternalSource",
    "ExternalSourceTrigger",
    "HttpEndpoint",
    "HttpEndpointTrigger",
    "HttpRequest",
    "IOType",
    "Integration",
    "IntegrationTasks",
    "NotGenuine",
    "RateLimit",
    "RegisterSource",
    "RegisterWebhook",
    "ServiceError",
    "ServiceRegistry",
    "SourceRequest",
    "SourceResponse",
    "Verify",
    "Webhook",
    "WebhookRequest",
    "WebhookTrigger",
    "client_method",
    "hmac_signature",
    "operation",
    "shared_secret",
    "standard_webhooks",
    "wrap",
]
