"""Fixtures: an organization with its first owner."""

import pytest

from tests.sql.accounts.people import People, found
from tests.support.database import Database


@pytest.fixture
def people(db: Database) -> People:
    """The first owner and their organization."""
    return found(db)
