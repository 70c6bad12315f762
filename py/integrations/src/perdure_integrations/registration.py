"""What an app has for the requests of other services: HTTP endpoints, sources, webhooks, dynamic triggers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from perdure import wire
from perdure.calls import PlatformCalls
from perdure.errors import ConfigurationError, StoredResultMismatch
from perdure.job import AnyJob
from perdure.registration import Registry, attached, reference, refuse_second
from perdure.triggers.event import Trigger
from perdure.wire.base import WireModel
from perdure.wire.headers import Action
from perdure.wire.manifest import MessageAnswer
from perdure.wire.sources import ImmediateResponse
from perdure_integrations.messages import (
    DeliverAnswer,
    InitializeTrigger,
    SourceRequest,
    SourceResponse,
    WebhookAnswer,
    WebhookRequest,
    read_http_request,
    read_source_headers,
    read_webhook_request,
)

if TYPE_CHECKING:
    from perdure_integrations.dynamic_trigger import DynamicTrigger
    from perdure_integrations.external_source import ExternalSource
    from perdure_integrations.http_endpoint import HttpEndpoint
    from perdure_integrations.integration import Integration
    from perdure_integrations.webhook import Webhook


class Registered(Protocol):
    """An external source or a webhook: something at a provider, known by its key."""

    @property
    def key(self) -> str:
        """What identifies it."""
        ...

    @property
    def params(self) -> Any:
        """What its registration needs to know."""
        ...

    @property
    def integration(self) -> Integration:
        """The account to register with."""
        ...

    def registration_job(self) -> AnyJob:
        """The internal job that registers it."""
        ...


R = TypeVar("R", bound=Registered)


class ServiceRegistry:
    """What an app declares that other services send to, by key or id.

    Args:
        registry: the rest of what the app declares.
    """

    def __init__(self, registry: Registry) -> None:
        self.sources: Shared[ExternalSource] = Shared("source")
        self.webhooks: Shared[Webhook] = Shared("webhook")
        self.http_endpoints: dict[str, HttpEndpoint] = {}
        self.dynamic_triggers: dict[str, DynamicTrigger[Any]] = {}
        self._dynamic_jobs: dict[str, AnyJob] = {}
        self._registry = registry

    def __iter__(self) -> Iterator[HttpEndpoint | DynamicTrigger[Any]]:
        """What triggers belong to."""
        yield from self.http_endpoints.values()
        yield from self.dynamic_triggers.values()

    def add_http_endpoint(self, endpoint: HttpEndpoint) -> HttpEndpoint:
        """Take an HTTP endpoint.

        Raises:
            ConfigurationError: its id is taken.
        """
        refuse_second("HTTP endpoint", endpoint.id, {*self.http_endpoints, *self.webhooks.keys()})
        self.http_endpoints[endpoint.id] = endpoint
        return endpoint

    def add_dynamic_trigger(self, trigger: DynamicTrigger[Any]) -> None:
        """Take a dynamic trigger.

        Raises:
            ConfigurationError: its id is taken.
        """
        taken = {*self.dynamic_triggers, *self._registry.dynamic_schedules}
        refuse_second("dynamic trigger", trigger.id, taken)
        self.dynamic_triggers[trigger.id] = trigger
        self._dynamic_jobs[trigger.job_id] = trigger.registration_job()

    def add_trigger(self, on: Trigger) -> None:
        """Take the sources and webhooks of a job's trigger.

        Raises:
            ConfigurationError: one of the same key is another one.
        """
        for source in on.sources():
            self.sources.add(source, source.options)
        for webhook in on.webhooks():
            if webhook.key in self.http_endpoints:
                raise ConfigurationError(f"webhook {webhook.key!r}: its key is the id of an HTTP endpoint")
            self.webhooks.add(webhook, webhook.config)

    def find_job(self, job_id: str) -> AnyJob | None:
        """An internal job."""
        return (
            self._dynamic_jobs.get(job_id) or self.sources.find_job(job_id) or self.webhooks.find_job(job_id)
        )

    async def act(
        self, app: PlatformCalls, action: Action, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, WireModel]:
        """Answer what the platform asks about services.

        Args:
            app: sends the events of webhooks.
            action: the four that are about them.
        Returns: the status and the answer.
        Raises:
            MalformedMessage: the request is none of this protocol.
        """
        match action:
            case Action.INITIALIZE_TRIGGER:
                return self._initialize(InitializeTrigger.parse(body))
            case Action.DELIVER_HTTP_SOURCE_REQUEST:
                return 200, await self.handle(read_source_headers(headers, body))
            case Action.DELIVER_HTTP_ENDPOINT_REQUEST_FOR_RESPONSE:
                key, request = read_http_request(headers, body)
                endpoint = self.http_endpoints.get(key)
                if endpoint is None:
                    return 200, ImmediateResponse(status=200, body={"ok": True})
                return 200, await endpoint.answer(request)
            case _:
                return 200, await self._deliver(app, read_webhook_request(headers, body))

    def _initialize(self, request: InitializeTrigger) -> tuple[int, WireModel]:
        trigger = self.dynamic_triggers.get(request.id)
        if trigger is None:
            return 404, MessageAnswer(message=f"Dynamic trigger not found: {request.id!r}")
        try:
            return 200, trigger.initialize(request.params)
        except StoredResultMismatch as error:
            return 400, MessageAnswer(message=f"Invalid trigger body: {error}")

    async def _deliver(self, app: PlatformCalls, request: WebhookRequest) -> WebhookAnswer:
        """The app sends a webhook's events itself; what is answered here is for people."""
        webhook = self.webhooks.find(request.key)
        if webhook is None:
            return WebhookAnswer(verified=False, error=f"this app has no webhook {request.key!r}")
        problem = await webhook.problem_of(request)
        if problem is not None:
            response = SourceResponse(status=401, body={"error": problem})
            return WebhookAnswer(verified=False, error=problem, response=response)
        events = [
            event if event.source is not None else event.model_copy(update={"source": webhook.source})
            for event in await webhook.generate_events(request)
        ]
        if events:
            await app.send_events(events)
        return WebhookAnswer(verified=True)

    async def handle(self, request: SourceRequest) -> DeliverAnswer:
        """Have a source turn a received request into events; an unknown one makes none."""
        if request.dynamic_id is None:
            source = self.sources.find(request.key)
            return DeliverAnswer() if source is None else await source.handle(request)
        trigger = self.dynamic_triggers.get(request.dynamic_id)
        if trigger is None:
            return DeliverAnswer()
        source = trigger.source_for(request.params)
        return await source.handle(request.model_copy(update={"params": source.params}))

    def added_to(self, manifest: wire.manifest.Manifest, jobs: Sequence[AnyJob]) -> wire.manifest.Manifest:
        """A manifest with all that is here, and the jobs that register it at its providers.

        Args:
            jobs: those of the app.
        """
        internal = [*self._dynamic_jobs.values(), *self.sources.jobs(), *self.webhooks.jobs()]
        return manifest.model_copy(
            update={
                "jobs": [*manifest.jobs, *(job.metadata() for job in internal)],
                "sources": [source.metadata(options) for source, options in self.sources.united()],
                "webhooks": [webhook.metadata(config) for webhook, config in self.webhooks.united()],
                "http_endpoints": [
                    *(endpoint.metadata() for endpoint in self.http_endpoints.values()),
                    *(webhook.endpoint_metadata() for webhook, _ in self.webhooks.united()),
                ],
                "dynamic_triggers": [
                    wire.manifest.DynamicTriggerMetadata(
                        id=trigger.id,
                        jobs=attached(jobs, trigger),
                        register_source_job=reference(self._dynamic_jobs[trigger.job_id]),
                    )
                    for trigger in self.dynamic_triggers.values()
                ],
            }
        )


class Shared(Generic[R]):
    """Sources or webhooks by key; the same key twice is one, with what either wants.

    Args:
        what: what they are, for people.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._known: dict[str, R] = {}
        self._wanted: dict[str, dict[str, set[str]]] = {}
        self._jobs: dict[str, AnyJob] = {}

    def add(self, one: R, wanted: Mapping[str, Sequence[str]]) -> None:
        """Take one of a trigger.

        Raises:
            ConfigurationError: one with the same key has another class, integration or other params.
        """
        known = self._known.setdefault(one.key, one)
        if known is not one and (
            type(known) is not type(one)
            or known.params != one.params
            or known.integration.name != one.integration.name
        ):
            raise ConfigurationError(
                f"{self._what} {one.key!r} is declared twice and differently "
                f"({type(known).__name__} {known.params!r} by {known.integration.name!r}, "
                f"{type(one).__name__} {one.params!r} by {one.integration.name!r})"
            )
        united = self._wanted.setdefault(one.key, {})
        for name, values in wanted.items():
            united.setdefault(name, set()).update(values)
        if known is one:
            job = one.registration_job()
            self._jobs.setdefault(job.id, job)

    def keys(self) -> Iterable[str]:
        """Those that are taken."""
        return self._known.keys()

    def find(self, key: str) -> R | None:
        """The one with this key."""
        return self._known.get(key)

    def find_job(self, job_id: str) -> AnyJob | None:
        """A registration job by its id."""
        return self._jobs.get(job_id)

    def jobs(self) -> list[AnyJob]:
        """One registration job for each."""
        return list(self._jobs.values())

    def united(self) -> list[tuple[R, Mapping[str, Sequence[str]]]]:
        """Each with all that is wanted of it."""
        return [
            (one, {name: sorted(values) for name, values in self._wanted[key].items()})
            for key, one in self._known.items()
        ]
