"""Fixtures: an app with a source."""

import pytest

from tests.sql.sources.source_app import PUBLIC_URL, SourceApp, source
from tests.support.builders import Builders
from tests.support.database import Database


@pytest.fixture
def app(db: Database, builders: Builders) -> SourceApp:
    """An app without sources so far; the server's public URL is known."""
    db.call("set_setting", "public_url", PUBLIC_URL)
    return SourceApp(db, builders.endpoint())


@pytest.fixture
def registered(app: SourceApp) -> SourceApp:
    """An app whose source ``hook`` is registered for ``issues``."""
    app.index(source("hook", "issues"))
    app.update(options={"event": ["issues"]})
    return app
