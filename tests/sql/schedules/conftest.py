"""Fixtures: an app whose schedules fire."""

import pytest

from tests.sql.schedules.schedule_app import ScheduleApp, attached, scheduled
from tests.support.builders import Builders
from tests.support.database import Database


@pytest.fixture
def app(db: Database, builders: Builders) -> ScheduleApp:
    """An app with a job ``tick`` that runs every minute, and a dynamic schedule that starts two jobs."""
    endpoint = builders.endpoint(
        scheduled(),
        attached("first"),
        attached("second"),
        environment=builders.environment("prod"),
        dynamicSchedules=[{"id": "tenants", "jobs": []}],
    )
    return ScheduleApp(db, endpoint)
