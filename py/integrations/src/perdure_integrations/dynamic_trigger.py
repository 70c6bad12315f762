"""Dynamic triggers: sources that come and go while the app runs, such as a repository for each customer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from perdure import wire
from perdure.codec import Codec, annotation_of, to_plain
from perdure.errors import ConfigurationError
from perdure.threads import run_blocking
from perdure.triggers.event import Trigger
from perdure.wire.events import DEFAULT_EVENT_SOURCE
from perdure_integrations.external_source import ExternalSource, ExternalSourceTrigger
from perdure_integrations.internal_jobs import dynamic_trigger_job

if TYPE_CHECKING:
    from perdure.app import Perdure
    from perdure.job import AnyJob
    from perdure_integrations.integration import Integration

Params = TypeVar("Params")


class DynamicTrigger(Trigger, Generic[Params]):
    """Runs its jobs for the events of each registered source. Make it with ``app.dynamic_trigger(...)``.

    A run knows by ``ctx.source.id`` which of them it is for; ``ctx.source.metadata`` is what was registered.

    Args:
        id: identifies it within the environment; never change it.
        make: given params, makes the trigger of a source: ``lambda repo: github.issue_opened(...)``. The
            same params must give the same source: it is called again for each request of the provider.
        integration: the account that the sources are registered with.
        schema: type of the payload, if the job's own parameter is not annotated.
    Raises:
        ConfigurationError: ``make`` does not take one argument.
    """

    def __init__(
        self,
        id: str,
        make: Callable[[Params], ExternalSourceTrigger],
        *,
        integration: Integration,
        app: Perdure,
        schema: Any = None,
    ) -> None:
        names = list(inspect.signature(make).parameters)
        if len(names) != 1:
            raise ConfigurationError(
                f"dynamic trigger {id!r}: its function must take the params, not ({', '.join(names)})"
            )
        self.id = id
        self.integration = integration
        self.payload_type = Any if schema is None else schema
        self._app = app
        self._make = make
        self._codec = Codec[Params](annotation_of(make, names[0]), f"the params of dynamic trigger {id!r}")

    def metadata(self) -> wire.manifest.DynamicTriggerReference:
        """The sources are told of when they are registered."""
        return wire.manifest.DynamicTriggerReference(id=self.id)

    def specification(self, payload_schema: Any) -> wire.manifest.EventSpecification:
        """An event of a source."""
        return wire.manifest.EventSpecification(
            name=self.id,
            title="Event",
            source=DEFAULT_EVENT_SOURCE,
            icon=self.integration.icon,
            payload_schema=payload_schema,
        )

    async def register(
        self, key: str, params: Params, *, account_id: str | None = None, metadata: Any = None
    ) -> wire.sources.RegisterTriggerAnswer:
        """Add a source, or change the one that has this key. In a job use ``io.register_trigger``.

        Args:
            key: such as the customer's id.
            params: what the trigger is made of; of the type that its function is annotated with.
            account_id: the end user whom the runs are about.
            metadata: for the runs to see; any JSON.
        Raises:
            ApiError: refused, or the API could not be reached.
        """
        body = self.registration(params, account_id=account_id, metadata=metadata)
        return await self._app.api.register_trigger(self._app.id, self.id, key, body)

    @property
    def sync(self) -> SyncDynamicTrigger[Params]:
        """The same for code that is not async."""
        return SyncDynamicTrigger(self)

    def registration(
        self, params: Params, *, account_id: str | None = None, metadata: Any = None
    ) -> wire.sources.RegisterTrigger:
        """What is registered for params."""
        made = self.initialize(self._codec.encode(params))
        return wire.sources.RegisterTrigger(
            rule=made.rule,
            source=made.source,
            account_id=account_id,
            metadata=None if metadata is None else to_plain(metadata, "the trigger's metadata"),
        )

    def initialize(self, params: Any) -> wire.sources.TriggerRegistration:
        """What is to be registered for params, given as plain JSON.

        Raises:
            StoredResultMismatch: they are not what the trigger's function takes.
        """
        made = self._made(params)
        source = made.external_source
        return wire.sources.TriggerRegistration(
            rule=made.metadata().rule,
            # Its own params are made anew of these when they are needed: see source_for.
            source=source.metadata(source.options).model_copy(
                update={"params": params, "register_source_job": None}
            ),
        )

    def source_for(self, params: Any) -> ExternalSource:
        """The source that was registered for params, given as plain JSON."""
        return self._made(params).external_source

    @property
    def job_id(self) -> str:
        """Id of the internal job that registers its sources at their provider."""
        return f"register-dynamic-trigger-{self.id}"

    def registration_job(self) -> AnyJob:
        """The internal job that registers its sources."""
        return dynamic_trigger_job(self)

    @property
    def declaration(self) -> DynamicTrigger[Params]:
        """It is declared on one app."""
        return self

    def _made(self, params: Any) -> ExternalSourceTrigger:
        made = self._make(self._codec.decode(params))
        if not isinstance(made, ExternalSourceTrigger):
            raise ConfigurationError(
                f"dynamic trigger {self.id!r}: its function must return the trigger of an external source, "
                f"not {made!r}"
            )
        if made.external_source.integration.name != self.integration.name:
            raise ConfigurationError(
                f"dynamic trigger {self.id!r} is declared with integration={self.integration.name!r}, but "
                f"its function made a source of {made.external_source.integration.name!r}"
            )
        return made


class SyncDynamicTrigger(Generic[Params]):
    """A dynamic trigger's methods, which wait for the answer and return it."""

    def __init__(self, trigger: DynamicTrigger[Params]) -> None:
        self._trigger = trigger

    def register(
        self, key: str, params: Params, *, account_id: str | None = None, metadata: Any = None
    ) -> wire.sources.RegisterTriggerAnswer:
        """As ``DynamicTrigger.register``."""
        return run_blocking(
            lambda: self._trigger.register(key, params, account_id=account_id, metadata=metadata)
        )
