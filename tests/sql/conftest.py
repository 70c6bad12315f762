"""Fixtures of the SQL tests."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.support.database import Database
from tests.support.fix_database import TestServer


@pytest.fixture(scope="module")
def pure_db(postgres_server: TestServer, template_database: str) -> Iterator[Database]:
    """A migrated database for all tests of a module that leave nothing behind which another would mind."""
    name = f"perdure_test_{uuid4().hex[:12]}"
    with (
        postgres_server.janitor(name, template_database),
        Database(postgres_server.url(name)) as database,
    ):
        yield database


@pytest.fixture
def other(db: Database) -> Iterator[Database]:
    """A second connection to ``db``. A statement that waits for ever fails."""
    with Database(db.url) as connection:
        connection.execute("set statement_timeout = '20s'")
        yield connection


@pytest.fixture
def third(db: Database) -> Iterator[Database]:
    """A third connection to ``db``. A statement that waits for ever fails."""
    with Database(db.url) as connection:
        connection.execute("set statement_timeout = '20s'")
        yield connection
