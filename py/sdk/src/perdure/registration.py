"""What an app declares besides its jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from perdure.errors import ConfigurationError
from perdure.integration import Integration
from perdure.internal_jobs import dynamic_trigger_job, source_job, webhook_job
from perdure.job import AnyJob
from perdure.triggers.base import Trigger
from perdure.triggers.dynamic_schedule import DynamicSchedule
from perdure.triggers.dynamic_trigger import DynamicTrigger
from perdure.triggers.external_source import ExternalSource
from perdure.triggers.http_endpoint import HttpEndpoint, HttpEndpointTrigger
from perdure.triggers.webhook import Webhook
from perdure.wire.manifest import (
    DynamicScheduleMetadata,
    DynamicTriggerMetadata,
    JobVersionReference,
    Manifest,
)
from perdure.wire.sources import DeliverAnswer, SourceRequest


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


R = TypeVar("R", bound=Registered)


class Registry:
    """What an app declares besides its jobs, by key or id."""

    def __init__(self) -> None:
        self.sources: Shared[ExternalSource] = Shared("source", source_job)
        self.webhooks: Shared[Webhook] = Shared("webhook", webhook_job)
        self.http_endpoints: dict[str, HttpEndpoint] = {}
        self.dynamic_triggers: dict[str, DynamicTrigger[Any]] = {}
        self.dynamic_schedules: dict[str, DynamicSchedule] = {}
        self._dynamic_jobs: dict[str, AnyJob] = {}

    def add_http_endpoint(self, endpoint: HttpEndpoint) -> HttpEndpoint:
        """Take an HTTP endpoint.

        Raises:
            ConfigurationError: its id is taken.
        """
        _refuse_second("HTTP endpoint", endpoint.id, {*self.http_endpoints, *self.webhooks.keys()})
        self.http_endpoints[endpoint.id] = endpoint
        return endpoint

    def add_dynamic_trigger(self, trigger: DynamicTrigger[Any]) -> None:
        """Take a dynamic trigger.

        Raises:
            ConfigurationError: its id is taken.
        """
        _refuse_second("dynamic trigger", trigger.id, {*self.dynamic_triggers, *self.dynamic_schedules})
        self.dynamic_triggers[trigger.id] = trigger
        self._dynamic_jobs[trigger.job_id] = dynamic_trigger_job(trigger)

    def add_dynamic_schedule(self, schedule: DynamicSchedule) -> DynamicSchedule:
        """Take a dynamic schedule.

        Raises:
            ConfigurationError: its id is taken.
        """
        _refuse_second("dynamic schedule", schedule.id, {*self.dynamic_triggers, *self.dynamic_schedules})
        self.dynamic_schedules[schedule.id] = schedule
        return schedule

    def add_trigger(self, on: Trigger) -> None:
        """Take what a job's trigger needs.

        Raises:
            ConfigurationError: a source or webhook of the same key is another one, or it is another app's.
        """
        for source in on.sources():
            self.sources.add(source, source.options)
        for webhook in on.webhooks():
            if webhook.key in self.http_endpoints:
                raise ConfigurationError(f"webhook {webhook.key!r}: its key is the id of an HTTP endpoint")
            self.webhooks.add(webhook, webhook.config)
        known = (
            *self.http_endpoints.values(),
            *self.dynamic_triggers.values(),
            *self.dynamic_schedules.values(),
        )
        declared = on.endpoint if isinstance(on, HttpEndpointTrigger) else on
        if isinstance(declared, HttpEndpoint | DynamicTrigger | DynamicSchedule) and declared not in known:
            raise ConfigurationError(f"{type(declared).__name__} {declared.id!r} was made by another app")

    def find_job(self, job_id: str) -> AnyJob | None:
        """An internal job."""
        return (
            self._dynamic_jobs.get(job_id) or self.sources.find_job(job_id) or self.webhooks.find_job(job_id)
        )

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

    def manifest(self, jobs: Iterable[AnyJob]) -> Manifest:
        """Everything the platform indexes.

        Args:
            jobs: those of the app, without internal ones.
        """
        jobs = list(jobs)
        internal = [*self._dynamic_jobs.values(), *self.sources.jobs(), *self.webhooks.jobs()]
        return Manifest(
            jobs=[job.metadata() for job in (*jobs, *internal)],
            sources=[source.metadata(options) for source, options in self.sources.united()],
            webhooks=[webhook.metadata(config) for webhook, config in self.webhooks.united()],
            http_endpoints=[
                *(endpoint.metadata() for endpoint in self.http_endpoints.values()),
                *(webhook.endpoint_metadata() for webhook, _ in self.webhooks.united()),
            ],
            dynamic_triggers=[
                DynamicTriggerMetadata(
                    id=trigger.id,
                    jobs=_attached(jobs, trigger),
                    register_source_job=_reference(self._dynamic_jobs[trigger.job_id]),
                )
                for trigger in self.dynamic_triggers.values()
            ],
            dynamic_schedules=[
                DynamicScheduleMetadata(id=schedule.id, jobs=_attached(jobs, schedule))
                for schedule in self.dynamic_schedules.values()
            ],
        )


class Shared(Generic[R]):
    """Sources or webhooks by key; the same key twice is one, with what either wants.

    Args:
        what: what they are, for people.
        make_job: makes the internal job that registers one.
    """

    def __init__(self, what: str, make_job: Callable[[R], AnyJob]) -> None:
        self._what = what
        self._make_job = make_job
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
            job = self._make_job(one)
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


def _attached(jobs: Iterable[AnyJob], trigger: Trigger) -> list[JobVersionReference]:
    return [_reference(job) for job in jobs if job.on is trigger]


def _reference(job: AnyJob) -> JobVersionReference:
    return JobVersionReference(id=job.id, version=job.version)


def _refuse_second(what: str, id: str, taken: set[str]) -> None:
    if id in taken:
        raise ConfigurationError(f"{what} {id!r}: its id is taken already")
