"""Webhooks that register themselves at their provider, whose requests the app turns into events itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from perdure import wire
from perdure.codec import to_plain
from perdure.errors import ConfigurationError
from perdure.options import Properties
from perdure.triggers.event import EventTrigger
from perdure.wire.events import EventFilter, RawEvent
from perdure_integrations.internal_jobs import webhook_job
from perdure_integrations.messages import REGISTER_WEBHOOK_EVENT, RegisterWebhook, WebhookRequest
from perdure_integrations.verification import problem_of

if TYPE_CHECKING:
    from perdure.dependencies import Context
    from perdure.io import IO
    from perdure.job import AnyJob
    from perdure_integrations.integration import Integration


class Webhook(ABC):
    """One webhook at a provider. Subclass it with how to register it and how to read what it receives.

    It differs from an ExternalSource in that its requests come in by an HTTP endpoint, and its events are
    sent by the app. Webhooks with the same key are one: their config is united.

    Args:
        integration: the account to register with; in ``create`` and so on it is ``io.<integration.name>``.
        key: identifies the webhook: ``"stripe.account"``.
        source: source of its events: ``"stripe.com"``.
        config: what to subscribe to: ``{"events": ["invoice.paid"]}``.
        params: what else ``create`` needs to know, any JSON.
    Raises:
        ConfigurationError: the key is not printable ASCII of 1 to 200 characters, or the source is empty.
    """

    version: ClassVar[str] = "0.1.0"
    """Version of the registration job; raise it when the registration changes."""

    def __init__(
        self,
        integration: Integration,
        *,
        key: str,
        source: str,
        config: Mapping[str, Sequence[str]],
        params: Any = None,
    ) -> None:
        if not 1 <= len(key) <= 200 or not (key.isascii() and key.isprintable()):  # it travels in a header
            raise ConfigurationError(f"webhook {key!r}: key must be printable ASCII, 1 to 200 characters")
        if not source:
            raise ConfigurationError(f"webhook {key!r}: source must not be empty")
        self.integration = integration
        self.key = key
        self.source = source
        self.config = {name: sorted(set(values)) for name, values in config.items()}
        self.params = None if params is None else to_plain(params, f"the params of webhook {key!r}")

    async def register(self, registration: RegisterWebhook, io: IO, ctx: Context) -> None:
        """Bring the webhook at the provider to what is desired. Runs in an internal job.

        By default ``create`` when it is not active, else ``update``.
        """
        if registration.active:
            await self.update(registration, io, ctx)
        else:
            await self.create(registration, io, ctx)

    @abstractmethod
    async def create(self, registration: RegisterWebhook, io: IO, ctx: Context) -> None:
        """Create the webhook at the provider, each call as a task.

        Look first whether there is one for ``registration.url``: an earlier registration may have failed
        half-way.

        Args:
            registration: ``url`` is where the provider must send, ``secret`` what it must sign with,
                ``config.desired`` what to subscribe to.
        """

    async def update(self, registration: RegisterWebhook, io: IO, ctx: Context) -> None:
        """Change what is registered to ``config.desired``. By default ``delete``, then ``create``."""
        await self.delete(registration, io, ctx)
        await self.create(registration, io, ctx)

    @abstractmethod
    async def delete(self, registration: RegisterWebhook, io: IO, ctx: Context) -> None:
        """Remove the webhook at the provider, each call as a task."""

    @abstractmethod
    async def verify(self, request: WebhookRequest) -> bool:
        """True when a request is genuine: ``return hmac_signature(request.secret, header=...)(request)``.

        It may raise NotGenuine, to say why it is not.
        """

    @abstractmethod
    async def generate_events(self, request: WebhookRequest) -> Sequence[RawEvent]:
        """The events that a genuine request becomes.

        Give each the provider's delivery id as its ``id``: the same delivery then counts once. Without a
        ``source`` it gets the webhook's. What is raised lets the delivery be made again later.
        """

    async def problem_of(self, request: WebhookRequest) -> str | None:
        """Why a request is not genuine; None: it is."""
        return await problem_of(request, self.verify)

    def metadata(self, config: Mapping[str, Sequence[str]]) -> wire.manifest.WebhookMetadata:
        """How the platform is told about it, with the united config."""
        return wire.manifest.WebhookMetadata(
            key=self.key,
            params=self.params,
            config={name: list(values) for name, values in config.items()},
            integration=self.integration.config(),
            http_endpoint=wire.manifest.HttpEndpointReference(id=self.key),
        )

    def endpoint_metadata(self) -> wire.manifest.HttpEndpointMetadata:
        """How the platform is told about the HTTP endpoint that takes its requests."""
        return wire.manifest.HttpEndpointMetadata(
            id=self.key,
            source=self.source,
            event=wire.manifest.EventSpecification(
                name=self.key, title=self.integration.title, source=self.source, icon=self.integration.icon
            ),
        )

    @property
    def job_id(self) -> str:
        """Id of the internal job that registers it."""
        return f"webhook.register.{self.key}"

    @property
    def registration_event(self) -> str:
        """Name of the event for which that job runs."""
        return f"{REGISTER_WEBHOOK_EVENT}.{self.key}"

    def registration_job(self) -> AnyJob:
        """The internal job that registers it."""
        return webhook_job(self)


class WebhookTrigger(EventTrigger):
    """Runs a job for the events that a webhook generates.

    Args:
        webhook: registered when the app is indexed.
        name: name of the events as ``generate_events`` makes them.
        schema: type of the payload, if the job's own parameter is not annotated.
    """

    def __init__(
        self,
        webhook: Webhook,
        name: str | Sequence[str],
        *,
        schema: Any = None,
        filter: EventFilter | None = None,
        title: str | None = None,
        icon: str | None = None,
        properties: Properties | None = None,
        examples: Mapping[str, Any] | None = None,
        run_properties: Callable[[Any], Properties] | None = None,
    ) -> None:
        super().__init__(
            name,
            schema=schema,
            source=webhook.source,
            filter=filter,
            title=title,
            icon=icon or webhook.integration.icon,
            properties=properties,
            examples=examples,
            run_properties=run_properties,
        )
        self.webhook = webhook

    def webhooks(self) -> Sequence[Webhook]:
        """The one webhook."""
        return (self.webhook,)
