"""Expect that the database refuses a call, by SQLSTATE."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest


@contextmanager
def refused(sqlstate: str, *words: str) -> Iterator[None]:
    """Pass when the block ends with this SQLSTATE and a message that has all these words."""
    with pytest.raises(psycopg.DatabaseError) as caught:
        yield
    assert caught.value.sqlstate == sqlstate, caught.value
    message = caught.value.diag.message_primary or ""
    assert [word for word in words if word not in message] == [], message
