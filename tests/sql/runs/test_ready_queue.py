"""The queue of ready runs: what was taken does not pile up in it, whoever else is at work."""

import psycopg
import pytest
from psycopg.types.json import Json

from tests.support.builders import Builders
from tests.support.database import Database

_QUEUE = "pgmq.q_perdure_ready_runs"
_MANY = 20_000
"""Messages that take more room than an empty queue may keep."""


@pytest.fixture
def drained(db: Database, builders: Builders) -> Database:
    """A queue that many messages went through."""
    builders.endpoint()
    db.execute(
        f"insert into {_QUEUE} (vt, message) select now(), %s from generate_series(1, {_MANY})",
        Json({"run_id": "00000000-0000-7000-8000-000000000000"}),
    )
    db.execute(f"delete from {_QUEUE}")
    assert size(db) > 2 * 1024 * 1024
    return db


def size(db: Database) -> int:
    """Bytes of the queue's table."""
    bytes_: int = db.value(f"select pg_relation_size('{_QUEUE}')")
    return bytes_


def test_it_is_emptied_for_good_though_an_old_snapshot_keeps_vacuum_away(
    drained: Database, builders: Builders
) -> None:
    with psycopg.connect(drained.url) as reader:
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select count(*) from perdure.runs").fetchone()
        assert builders.claims() == []
        assert size(drained) == 0
    run = builders.run()
    assert [claim.run_id for claim in builders.claims()] == [run.id]


def test_a_run_that_somebody_is_queueing_stays_there(drained: Database, builders: Builders) -> None:
    with psycopg.connect(drained.url) as sender:
        sender.execute(f"insert into {_QUEUE} (vt, message) values (now(), '{{\"run_id\": null}}')")
        assert builders.claims() == []
        assert size(drained) > 0
    assert drained.value(f"select count(*) from {_QUEUE}") == 1
