"""Fixture: the engine's clock, for tests to move."""

from datetime import datetime, timedelta

import pytest

from tests.support.database import Database


class Clock:
    """The clock of one test database, for all its connections; it runs on between advances.

    Args:
        db: a database made from the template.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def advance(self, by: timedelta) -> datetime:
        """Move the clock forward, wake sleeping dispatchers, and return the new time."""
        now: datetime = self._db.value("select perdure_test.advance(%s)", by)
        return now

    def now(self) -> datetime:
        """What the engine takes for the present."""
        now: datetime = self._db.value("select perdure.clock()")
        return now


@pytest.fixture
def clock(db: Database) -> Clock:
    """The clock of ``db``."""
    return Clock(db)
