"""Fixtures: the app with a source of the sources' tests, and an app in production."""

import pytest

from tests.sql.sources.conftest import app, registered
from tests.support.builders import Builders, Endpoint

__all__ = ["app", "production", "registered"]


@pytest.fixture
def production(builders: Builders) -> Endpoint:
    """An endpoint of a production environment: a failure there is not the end."""
    return builders.endpoint(environment=builders.environment("prod"))
