"""Schedules: those of a job, and those that come and go while the app runs, such as one for each customer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from perdure import wire
from perdure.codec import to_plain
from perdure.errors import ConfigurationError
from perdure.threads import Blocking, blocking
from perdure.triggers.event import Trigger
from perdure.wire.events import DEFAULT_EVENT_SOURCE

if TYPE_CHECKING:
    from perdure.app import Perdure


SHORTEST_INTERVAL = timedelta(seconds=20)
LONGEST_INTERVAL = timedelta(days=30)

_NICKNAMES = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")


class TickTrigger(Trigger):
    """Runs jobs at certain times."""

    def __init__(self) -> None:
        self.payload_type = wire.manifest.ScheduledPayload

    def specification(self, payload_schema: Any) -> wire.manifest.EventSpecification:
        """A tick."""
        return wire.manifest.EventSpecification(
            name="trigger.scheduled",
            title="Schedule",
            source=DEFAULT_EVENT_SOURCE,
            icon="schedule-interval",
            payload_schema=payload_schema,
        )


class ScheduleTrigger(TickTrigger):
    """Runs a job on a schedule. Make it with ``interval_trigger`` or ``cron_trigger``."""

    def __init__(self, schedule: wire.manifest.ScheduleMetadata) -> None:
        super().__init__()
        self.schedule = schedule

    def metadata(self) -> wire.manifest.ScheduledTrigger:
        """The schedule."""
        return wire.manifest.ScheduledTrigger(schedule=self.schedule)


def interval_trigger(every: timedelta, *, metadata: Any = None) -> ScheduleTrigger:
    """Start a job again and again, with the same time between two starts.

    Args:
        every: 20 seconds to 30 days, in whole seconds.
        metadata: for the runs to see, in ``ctx.source``; any JSON.
    Raises:
        ConfigurationError: the time is too short or too long.
    """
    return ScheduleTrigger(interval_schedule(every, metadata=metadata))


def cron_trigger(cron: str, *, timezone: str | None = None, metadata: Any = None) -> ScheduleTrigger:
    """Start a job at the times that a cron expression names.

    Args:
        cron: five fields, minute, hour, day of month, month, day of week: ``"30 9 * * MON-FRI"``; or one of
            the nicknames such as ``"@daily"``. The platform reads it when it indexes the app.
        timezone: whose clocks are meant, an IANA name: ``"Europe/Berlin"``; UTC when absent.
        metadata: for the runs to see, in ``ctx.source``; any JSON.
    Raises:
        ConfigurationError: it has not five fields.
    """
    return ScheduleTrigger(cron_schedule(cron, timezone=timezone, metadata=metadata))


def interval_schedule(
    every: timedelta, *, account_id: str | None = None, metadata: Any = None
) -> wire.manifest.ScheduleMetadata:
    """A schedule of intervals as it travels.

    Raises:
        ConfigurationError: see ``interval_trigger``.
    """
    if not SHORTEST_INTERVAL <= every <= LONGEST_INTERVAL:
        raise ConfigurationError(f"an interval must be 20 seconds to 30 days long, not {every}")
    if every % timedelta(seconds=1):
        raise ConfigurationError(f"an interval must be of whole seconds, not {every}")
    return wire.manifest.ScheduleMetadata(
        type="interval",
        options=wire.manifest.ScheduleOptions(seconds=every // timedelta(seconds=1)),
        account_id=account_id,
        metadata=_plain(metadata),
    )


def cron_schedule(
    cron: str, *, timezone: str | None = None, account_id: str | None = None, metadata: Any = None
) -> wire.manifest.ScheduleMetadata:
    """A schedule by a cron expression as it travels.

    Raises:
        ConfigurationError: see ``cron_trigger``.
    """
    if len(cron.split()) != 5 and cron.strip().lower() not in _NICKNAMES:
        raise ConfigurationError(
            f"a cron expression must have five fields (minute, hour, day of month, month, day of week), such "
            f"as '30 9 * * MON-FRI', or be a nickname such as '@daily', not {cron!r}"
        )
    if timezone is not None and not timezone.strip():
        raise ConfigurationError(f"timezone must be an IANA name such as 'Europe/Berlin', not {timezone!r}")
    return wire.manifest.ScheduleMetadata(
        type="cron",
        options=wire.manifest.ScheduleOptions(cron=cron, timezone=timezone),
        account_id=account_id,
        metadata=_plain(metadata),
    )


def _plain(metadata: Any) -> Any:
    return None if metadata is None else to_plain(metadata, "the schedule's metadata")


class DynamicSchedule(TickTrigger):
    """Runs its jobs on each of its registered schedules. Make it with ``app.dynamic_schedule("id")``.

    A run knows by ``ctx.source.id`` which of them it is for; ``ctx.source.metadata`` is what was registered.

    Args:
        id: identifies it within the environment; never change it.
    """

    def __init__(self, id: str, app: Perdure) -> None:
        super().__init__()
        self.id = id
        self._app = app

    @property
    def declaration(self) -> DynamicSchedule:
        """It is declared on one app."""
        return self

    def metadata(self) -> wire.manifest.DynamicTriggerReference:
        """The schedules are told of when they are registered."""
        return wire.manifest.DynamicTriggerReference(id=self.id)

    async def register(
        self,
        key: str,
        *,
        every: timedelta | None = None,
        cron: str | None = None,
        timezone: str | None = None,
        account_id: str | None = None,
        metadata: Any = None,
    ) -> wire.manifest.RegisterScheduleAnswer:
        """Add a schedule, or change the one that has this key; with the same times it goes on as it was.

        In a job use ``io.register_interval`` or ``io.register_cron``.

        Args:
            key: such as the customer's id.
            every: as of ``interval_trigger``; or:
            cron: as of ``cron_trigger``, and so is ``timezone``.
            account_id: the end user whom the runs are about.
            metadata: for the runs to see; any JSON.
        Raises:
            ConfigurationError: neither ``every`` nor ``cron``, or both, or they are impossible.
            ApiError: refused, such as for a cron expression that is none, or the API could not be reached.
        """
        if cron is not None and every is None:
            schedule = cron_schedule(cron, timezone=timezone, account_id=account_id, metadata=metadata)
        elif every is None or cron is not None:
            raise ConfigurationError("a schedule needs either every=timedelta(...) or cron='...'")
        elif timezone is not None:
            raise ConfigurationError("timezone is for cron=: an interval is as long in every time zone")
        else:
            schedule = interval_schedule(every, account_id=account_id, metadata=metadata)
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


class SyncDynamicSchedule(Blocking[DynamicSchedule]):
    """A dynamic schedule's methods, which wait for the answer and return it."""

    register = blocking(DynamicSchedule.register)
    unregister = blocking(DynamicSchedule.unregister)


def registration(key: str, schedule: wire.manifest.ScheduleMetadata) -> wire.manifest.RegisterSchedule:
    """A schedule under its key.

    Raises:
        ConfigurationError: the key is empty.
    """
    if not key:
        raise ConfigurationError("the key of a schedule must not be empty")
    return wire.manifest.RegisterSchedule(id=key, **dict(schedule))
