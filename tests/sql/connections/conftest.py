"""Fixtures: an app whose job uses a service."""

import pytest

from tests.sql.connections.service_app import ServiceApp, service_job
from tests.support.builders import PUBLIC_URL, Builders
from tests.support.database import Database


@pytest.fixture
def app(db: Database, builders: Builders) -> ServiceApp:
    """An app whose job ``post`` uses the developer's Slack; its connections are not there."""
    db.call("set_setting", "public_url", PUBLIC_URL)
    return ServiceApp(db, builders.endpoint(service_job("post", "slack")))
