"""What an app declares besides its jobs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from perdure import wire
from perdure.errors import ConfigurationError
from perdure.job import AnyJob
from perdure.triggers.event import Trigger
from perdure.triggers.schedule import DynamicSchedule

if TYPE_CHECKING:
    from perdure.integrations import ServiceRegistry


class Registry:
    """Dynamic schedules, and what takes the requests of other services, by id or key."""

    def __init__(self) -> None:
        self.dynamic_schedules: dict[str, DynamicSchedule] = {}

    @cached_property
    def services(self) -> ServiceRegistry:
        """HTTP endpoints, sources, webhooks and dynamic triggers. Extra ``integrations``."""
        from perdure.integrations import ServiceRegistry

        return ServiceRegistry(self)

    @property
    def _used_services(self) -> ServiceRegistry | None:
        return self.services if "services" in self.__dict__ else None

    def add_dynamic_schedule(self, schedule: DynamicSchedule) -> DynamicSchedule:
        """Take a dynamic schedule.

        Raises:
            ConfigurationError: its id is taken.
        """
        triggers = self._used_services.dynamic_triggers if self._used_services else {}
        refuse_second("dynamic schedule", schedule.id, {*triggers, *self.dynamic_schedules})
        self.dynamic_schedules[schedule.id] = schedule
        return schedule

    def add_trigger(self, on: Trigger) -> None:
        """Take what a job's trigger needs.

        Raises:
            ConfigurationError: a source or webhook of the same key is another one, or it is another app's.
        """
        if on.sources() or on.webhooks():
            self.services.add_trigger(on)
        declared = on.declaration
        known = [*self.dynamic_schedules.values(), *(self._used_services or ())]
        if declared is not None and declared not in known:
            raise ConfigurationError(f"{type(declared).__name__} {declared.id!r} was made by another app")

    def find_job(self, job_id: str) -> AnyJob | None:
        """An internal job."""
        return self._used_services.find_job(job_id) if self._used_services else None

    def manifest(self, jobs: Iterable[AnyJob]) -> wire.manifest.Manifest:
        """Everything the platform indexes.

        Args:
            jobs: those of the app, without internal ones.
        """
        jobs = list(jobs)
        manifest = wire.manifest.Manifest(
            jobs=[job.metadata() for job in jobs],
            dynamic_schedules=[
                wire.manifest.DynamicScheduleMetadata(id=schedule.id, jobs=attached(jobs, schedule))
                for schedule in self.dynamic_schedules.values()
            ],
        )
        return self._used_services.added_to(manifest, jobs) if self._used_services else manifest


def attached(jobs: Iterable[AnyJob], trigger: Trigger) -> list[wire.manifest.JobVersionReference]:
    """The jobs that a trigger starts."""
    return [reference(job) for job in jobs if job.on is trigger]


def reference(job: AnyJob) -> wire.manifest.JobVersionReference:
    """A job as others name it."""
    return wire.manifest.JobVersionReference(id=job.id, version=job.version)


def refuse_second(what: str, id: str, taken: set[str]) -> None:
    """Refuse an id that is taken.

    Raises:
        ConfigurationError: it is.
    """
    if id in taken:
        raise ConfigurationError(f"{what} {id!r}: its id is taken already")
