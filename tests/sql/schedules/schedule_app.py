"""An app with schedules, and what comes of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.support.builders import SDK, Endpoint, job, manifest
from tests.support.database import Database

MISSING_HOUR = "* 2 25-31 3 */7"
"""A cron expression that fires in UTC; in Berlin the clocks skip the only hour that it names."""


def interval(seconds: Any = 60, **members: Any) -> dict[str, Any]:
    """A schedule that fires at an interval."""
    return {"type": "interval", "options": {"seconds": seconds}, **members}


def cron(expression: Any = "0 9 * * *", zone: Any = None, **members: Any) -> dict[str, Any]:
    """A schedule that fires by a cron expression."""
    options = {"cron": expression} if zone is None else {"cron": expression, "timezone": zone}
    return {"type": "cron", "options": options, **members}


def scheduled(id: str = "tick", schedule: Any = None, **members: Any) -> dict[str, Any]:
    """A job with a schedule of its own, by default every minute."""
    trigger = {"type": "scheduled", "schedule": interval() if schedule is None else schedule}
    return job(id, trigger=trigger, **members)


def attached(id: str, dynamic_schedule: str = "tenants") -> dict[str, Any]:
    """A job that a dynamic schedule starts."""
    return job(id, trigger={"type": "dynamic", "id": dynamic_schedule})


@dataclass
class ScheduleApp:
    """An endpoint of an environment whose schedules fire."""

    db: Database
    endpoint: Endpoint

    @property
    def environment_id(self) -> str:
        return self.endpoint.environment.id

    def index(self, *jobs: dict[str, Any], **members: Any) -> None:
        self.db.call("index_endpoint", self.endpoint.id, manifest(*jobs, **members), SDK)

    def register(self, key: str = "one", schedule: Any = None, *, slug: str = "tenants") -> dict[str, Any]:
        """Attach a schedule to a dynamic one."""
        body = {"id": key, **(interval() if schedule is None else schedule)}
        registered: dict[str, Any] = self.db.call("register_schedule", self.environment_id, slug, body)
        return registered

    def unregister(self, key: str = "one", *, slug: str = "tenants") -> None:
        assert self.db.call("unregister_schedule", self.environment_id, slug, key) == {"ok": True}

    def enable(self, enabled: bool) -> int:
        count: int = self.db.call("set_schedules_enabled", self.environment_id, enabled)
        return count

    def row(self, key: str = "tick") -> Any:
        """A schedule as the view shows it."""
        (row,) = self.db.rows("select * from perdure_views.schedules where key = %s", key)
        return row

    def due_at(self, key: str = "tick") -> datetime:
        due_at: datetime = self.row(key).due_at
        assert due_at is not None, key
        return due_at

    def postpone(self, key: str, due_at: datetime) -> None:
        """Say when it is due, instead of waiting for the day that a test is about."""
        self.db.execute("update perdure.schedules set due_at = %s where key = %s", due_at, key)

    def promote(self, limit: int = 1000) -> int:
        """Let time do its work; returns how many schedules fired."""
        fired: int = self.db.call("promote_due", limit)[0].delivered_events
        return fired

    def ticks(self) -> list[Any]:
        """The events of all ticks, oldest first."""
        return self.db.rows(
            """
            select e.*, a.identifier as account
            from perdure.events as e
            left join perdure.external_accounts as a on a.id = e.external_account_id
            where e.name = 'dev.trigger.scheduled'
            order by e.happened_at, e.id
            """
        )

    def started(self) -> list[str]:
        """The jobs of all runs, oldest first."""
        query = """
            select k.slug from perdure.runs as r inner join perdure.jobs as k on k.id = r.job_id order by r.id
        """
        return [row.slug for row in self.db.rows(query)]
