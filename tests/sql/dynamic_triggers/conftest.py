"""Fixtures: an app with a dynamic trigger."""

import pytest

from tests.sql.dynamic_triggers.trigger_app import PUBLIC_URL, REGISTER, TriggerApp, dynamic, dynamic_job
from tests.support.builders import Builders, job
from tests.support.database import Database


@pytest.fixture
def app(db: Database, builders: Builders) -> TriggerApp:
    """An app whose trigger ``repo`` starts ``greet``; the server's public URL is known."""
    db.call("set_setting", "public_url", PUBLIC_URL)
    register = job("register", event=REGISTER, internal=True)
    endpoint = builders.endpoint(dynamic_job(), register, dynamicTriggers=[dynamic("repo", "greet")])
    return TriggerApp(db, endpoint)
