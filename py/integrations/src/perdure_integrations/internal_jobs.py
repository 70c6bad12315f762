"""The internal jobs that register sources and webhooks at their providers, and tell the platform of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from perdure import wire
from perdure.dependencies import Context
from perdure.io import IO
from perdure.job import AnyJob, Job
from perdure.triggers.event import EventTrigger
from perdure.wire.events import REGISTER_SOURCE_EVENT
from perdure_integrations.messages import RegisterSource, RegisterWebhook

if TYPE_CHECKING:
    from perdure_integrations.dynamic_trigger import DynamicTrigger
    from perdure_integrations.external_source import ExternalSource
    from perdure_integrations.integration import Integration
    from perdure_integrations.webhook import Webhook

_DYNAMIC_TRIGGER_JOB_VERSION = "0.1.0"


def source_job(source: ExternalSource) -> AnyJob:
    """The internal job that runs a source's ``register`` and then tells the platform what is registered."""

    async def register(payload: RegisterSource, io: IO, ctx: Context) -> None:
        await _register_source(payload, io, source.register(payload, io, ctx))

    return _internal_job(
        register,
        id=source.key,
        version=source.version,
        event=EventTrigger(
            REGISTER_SOURCE_EVENT, filter={"source": {"key": [source.key]}}, title="Register source"
        ),
        integration=source.integration,
        name=f"Register {source.key}",
    )


def dynamic_trigger_job(trigger: DynamicTrigger[Any]) -> AnyJob:
    """The internal job that registers each source of a dynamic trigger."""

    async def register(payload: RegisterSource, io: IO, ctx: Context) -> None:
        source = trigger.source_for(payload.source.params)
        own = payload.source.model_copy(update={"params": source.params})
        await _register_source(
            payload, io, source.register(payload.model_copy(update={"source": own}), io, ctx)
        )

    return _internal_job(
        register,
        id=trigger.job_id,
        version=_DYNAMIC_TRIGGER_JOB_VERSION,
        event=EventTrigger(
            REGISTER_SOURCE_EVENT, filter={"dynamicTriggerId": [trigger.id]}, title="Register source"
        ),
        integration=trigger.integration,
        name=f"Register sources of {trigger.id}",
    )


def webhook_job(webhook: Webhook) -> AnyJob:
    """The internal job that registers a webhook and then tells the platform whether that succeeded."""

    async def register(payload: RegisterWebhook, io: IO, ctx: Context) -> None:
        try:
            await webhook.register(payload, io, ctx)
        except Exception:
            await io.update_webhook("not registered", key=webhook.key, active=False)
            raise
        await io.update_webhook("registered", key=webhook.key, active=True, config=payload.config.desired)

    return _internal_job(
        register,
        id=webhook.job_id,
        version=webhook.version,
        event=EventTrigger(webhook.registration_event, title="Register webhook"),
        integration=webhook.integration,
        name=f"Register {webhook.key}",
    )


async def _register_source(
    payload: RegisterSource, io: IO, registering: Awaitable[wire.sources.UpdateSource | None]
) -> None:
    update = await registering
    desired = {name: option.desired for name, option in payload.options.items()}
    await io.update_source(
        "update source",
        key=payload.source.key,
        options=update.options if update is not None else desired,
        data=update.data if update is not None else payload.source.data,
        secret=update.secret if update is not None else None,
    )


def _internal_job(
    fn: Callable[..., Any], *, id: str, version: str, event: EventTrigger, integration: Integration, name: str
) -> AnyJob:
    return Job(fn, id=id, version=version, on=event, integrations=[integration], name=name, internal=True)
