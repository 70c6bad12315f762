"""Dynamic schedules: schedules that come and go while the app runs, such as one for each customer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from perdure.errors import ConfigurationError
from perdure.threads import run_blocking
from perdure.triggers.base import Trigger
from perdure.triggers.schedule import cron_schedule, interval_schedule, tick_specification
from perdure.wire.manifest import DynamicTriggerReference, EventSpecification, ScheduleMetadata
from perdure.wire.schedules import RegisterSchedule, RegisterScheduleAnswer, ScheduledPayload

if TYPE_CHECKING:
    from perdure.app import Perdure


class DynamicSchedule(Trigger):
    """Runs its jobs on each of its registered schedules. Make it with ``app.dynamic_schedule("id")``.

    A run knows by ``ctx.source.id`` which of them it is for; ``ctx.source.metadata`` is what was registered.

    Args:
        id: identifies it within the environment; never change it.
    """

    payload_type = ScheduledPayload

    def __init__(self, id: str, app: Perdure) -> None:
        self.id = id
        self._app = app

    def metadata(self) -> DynamicTriggerReference:
        """The schedules are told of when they are registered."""
        return DynamicTriggerReference(id=self.id)

    def specification(self, payload_schema: Any) -> EventSpecification:
        """A tick."""
        return tick_specification(payload_schema)

    async def register(
        self,
        key: str,
        *,
        every: timedelta | None = None,
        cron: str | None = None,
        timezone: str | None = None,
        account_id: str | None = None,
        metadata: Any = None,
    ) -> RegisterScheduleAnswer:
        """Add a schedule, or change the one that has this key; with the same times it goes on as it was.

        In a job use ``io.register_interval`` or ``io.register_cron``.

        Args:
            key: such as the customer's id.
            every: 20 seconds to 30 days between two runs; or:
            cron: see ``cron_trigger``, as for ``timezone``.
            account_id: the end user whom the runs are about.
            metadata: for the runs to see; any JSON.
        Raises:
            ConfigurationError: neither ``every`` nor ``cron``, or both, or they are impossible.
            ApiError: refused, such as for a cron expression that is none, or the API could not be reached.
        """
        schedule = registered_schedule(
            every=every, cron=cron, timezone=timezone, account_id=account_id, metadata=metadata
        )
        return await self._app.api.register_schedule(self._app.id, self.id, registration(key, schedule))

    async def unregister(self, key: str) -> None:
        """End a schedule; one that there is not is no error. In a job use ``io.unregister_schedule``.

        Raises:
            ApiError: refused, or the API could not be reached.
        """
        await self._app.api.unregister_schedule(self._app.id, self.id, key)

    @property
    def sync(self) -> SyncDynamicSchedule:
        """The same for code that is not async: ``reminders.sync.unregister("customer-1")``."""
        return SyncDynamicSchedule(self)


class SyncDynamicSchedule:
    """A dynamic schedule's methods, which wait for the answer and return it."""

    def __init__(self, schedule: DynamicSchedule) -> None:
        self._schedule = schedule

    def register(
        self,
        key: str,
        *,
        every: timedelta | None = None,
        cron: str | None = None,
        timezone: str | None = None,
        account_id: str | None = None,
        metadata: Any = None,
    ) -> RegisterScheduleAnswer:
        """As ``DynamicSchedule.register``."""
        return run_blocking(
            lambda: self._schedule.register(
                key, every=every, cron=cron, timezone=timezone, account_id=account_id, metadata=metadata
            )
        )

    def unregister(self, key: str) -> None:
        """As ``DynamicSchedule.unregister``."""
        run_blocking(lambda: self._schedule.unregister(key))


def registered_schedule(
    *,
    every: timedelta | None,
    cron: str | None,
    timezone: str | None,
    account_id: str | None,
    metadata: Any,
) -> ScheduleMetadata:
    """A schedule as it travels, of one of its two kinds.

    Raises:
        ConfigurationError: neither or both are given, or one is impossible.
    """
    if cron is not None and every is None:
        return cron_schedule(cron, timezone=timezone, account_id=account_id, metadata=metadata)
    if every is None or cron is not None:
        raise ConfigurationError("a schedule needs either every=timedelta(...) or cron='...'")
    if timezone is not None:
        raise ConfigurationError("timezone is for cron=: an interval is as long in every time zone")
    return interval_schedule(every, account_id=account_id, metadata=metadata)


def registration(key: str, schedule: ScheduleMetadata) -> RegisterSchedule:
    """A schedule under its key.

    Raises:
        ConfigurationError: the key is empty.
    """
    if not key:
        raise ConfigurationError("the key of a schedule must not be empty")
    return RegisterSchedule(
        id=key,
        type=schedule.type,
        options=schedule.options,
        account_id=schedule.account_id,
        metadata=schedule.metadata,
    )
