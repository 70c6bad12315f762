"""Schedules: jobs that run at intervals, or at the times that a cron expression names."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from perdure.errors import ConfigurationError
from perdure.plain import to_plain
from perdure.triggers.base import Trigger
from perdure.wire.events import DEFAULT_EVENT_SOURCE
from perdure.wire.manifest import EventSpecification, ScheduledTrigger, ScheduleMetadata, ScheduleOptions
from perdure.wire.schedules import ScheduledPayload

SHORTEST_INTERVAL = timedelta(seconds=20)
LONGEST_INTERVAL = timedelta(days=30)

_NICKNAMES = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")


class ScheduleTrigger(Trigger):
    """Runs a job on a schedule. Make it with ``interval_trigger`` or ``cron_trigger``."""

    payload_type = ScheduledPayload

    def __init__(self, schedule: ScheduleMetadata) -> None:
        self.schedule = schedule

    def metadata(self) -> ScheduledTrigger:
        """The schedule."""
        return ScheduledTrigger(schedule=self.schedule)

    def specification(self, payload_schema: Any) -> EventSpecification:
        """A tick."""
        return tick_specification(payload_schema)


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
) -> ScheduleMetadata:
    """A schedule of intervals as it travels.

    Raises:
        ConfigurationError: see ``interval_trigger``.
    """
    if not SHORTEST_INTERVAL <= every <= LONGEST_INTERVAL:
        raise ConfigurationError(f"an interval must be 20 seconds to 30 days long, not {every}")
    if every % timedelta(seconds=1):
        raise ConfigurationError(f"an interval must be of whole seconds, not {every}")
    return ScheduleMetadata(
        type="interval",
        options=ScheduleOptions(seconds=every // timedelta(seconds=1)),
        account_id=account_id,
        metadata=_plain(metadata),
    )


def cron_schedule(
    cron: str, *, timezone: str | None = None, account_id: str | None = None, metadata: Any = None
) -> ScheduleMetadata:
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
    return ScheduleMetadata(
        type="cron",
        options=ScheduleOptions(cron=cron, timezone=timezone),
        account_id=account_id,
        metadata=_plain(metadata),
    )


def tick_specification(payload_schema: Any) -> EventSpecification:
    """How a tick of a schedule is shown."""
    return EventSpecification(
        name="trigger.scheduled",
        title="Schedule",
        source=DEFAULT_EVENT_SOURCE,
        icon="schedule-interval",
        payload_schema=payload_schema,
    )


def _plain(metadata: Any) -> Any:
    return None if metadata is None else to_plain(metadata, "the schedule's metadata")
