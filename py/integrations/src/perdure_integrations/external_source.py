"""External sources: webhooks that register themselves at their provider and bring events in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from perdure import wire
from perdure.options import Properties
from perdure.triggers.event import EventTrigger
from perdure.wire.events import EventFilter
from perdure_integrations.internal_jobs import source_job
from perdure_integrations.messages import DeliverAnswer, RegisterSource, SourceRequest

if TYPE_CHECKING:
    from perdure.dependencies import Context
    from perdure.io import IO
    from perdure.job import AnyJob
    from perdure_integrations.integration import Integration


class ExternalSource(ABC):
    """One webhook at a provider. Subclass it with how to register it and how to read what it receives.

    Sources with the same key are one source: their options are united.

    Args:
        integration: the account to register with; in ``register`` it is ``io.<integration.name>``.
        key: identifies the webhook: ``"github.repo:acme/site"``.
        params: what ``register`` needs to know, any JSON: ``{"owner": "acme", "repo": "site"}``.
        options: what to subscribe to, always with ``event``: ``{"event": ["issues"]}``.
    """

    channel: ClassVar[Literal["HTTP"]] = "HTTP"
    version: ClassVar[str] = "0.1.0"
    """Version of the registration job; raise it when ``register`` changes."""

    def __init__(
        self, integration: Integration, *, key: str, params: Any, options: Mapping[str, Sequence[str]]
    ) -> None:
        if not key:
            raise ValueError("key must not be empty")
        if not (key.isascii() and key.isprintable()):  # it travels in a header
            raise ValueError(f"source {key!r}: key must be printable ASCII")
        if not options.get("event"):
            raise ValueError(f"source {key!r}: options must name at least one 'event'")
        self.integration = integration
        self.key = key
        self.params = params
        self.options = {name: sorted(set(values)) for name, values in options.items()}

    @abstractmethod
    async def register(
        self, registration: RegisterSource, io: IO, ctx: Context
    ) -> wire.sources.UpdateSource | None:
        """Create or change the webhook at the provider. Runs in an internal job, so do each call as a task.

        Args:
            registration: ``source.channel.url`` is where the provider must send, ``source.secret`` what it
                must sign with, ``source.data`` what the last registration stored,
                ``options["event"].desired`` what to subscribe to.
        Returns:
            what to store: data to find the webhook again, another secret, the options that are registered
            now; None to keep all and mark what was desired as registered.
        """

    @abstractmethod
    async def handle(self, request: SourceRequest) -> DeliverAnswer:
        """Turn a received request into events. Check its signature first, with ``request.secret``.

        Returns: the events, and what to answer. Give each event the provider's delivery id as its ``id``: the
            same delivery then counts once. A request that is not genuine: no events, a response with 401.
        """

    def metadata(self, options: Mapping[str, Sequence[str]]) -> wire.manifest.SourceMetadata:
        """How the platform is told about it, with the united options."""
        return wire.manifest.SourceMetadata(
            channel=self.channel,
            integration=self.integration.config(),
            key=self.key,
            params=self.params,
            options={name: list(values) for name, values in options.items()},
            register_source_job=wire.manifest.JobVersionReference(id=self.key, version=self.version),
        )

    def registration_job(self) -> AnyJob:
        """The internal job that registers it."""
        return source_job(self)


class ExternalSourceTrigger(EventTrigger):
    """Runs a job for the events that an external source brings.

    Args:
        external_source: registered when the app is indexed.
        name: name of the events as ``handle`` makes them.
        source: their source as ``handle`` makes them: ``"github.com"``.
    """

    def __init__(
        self,
        external_source: ExternalSource,
        name: str | Sequence[str],
        *,
        source: str,
        schema: Any = None,
        filter: EventFilter | None = None,
        title: str | None = None,
        icon: str | None = None,
        properties: Properties | None = None,
    ) -> None:
        super().__init__(
            name,
            schema=schema,
            source=source,
            filter=filter,
            title=title,
            icon=icon or external_source.integration.icon,
            properties=properties,
        )
        self.external_source = external_source

    def sources(self) -> Sequence[ExternalSource]:
        """The one source."""
        return (self.external_source,)
