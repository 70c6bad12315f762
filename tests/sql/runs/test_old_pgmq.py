"""Hosts have pgmq from 1.4 on; before 1.7 it pops single messages only, so the claim reads and deletes."""

import psycopg

from tests.support.builders import Builders
from tests.support.database import Database


def test_runs_are_claimed_once_where_pgmq_cannot_pop_several(db: Database, builders: Builders) -> None:
    with psycopg.connect(db.url) as superuser:
        superuser.execute("drop function pgmq.pop(text, integer)")
    started = {run.id for run in builders.runs(3)}
    claimed = [claim.run_id for claim in (*builders.claims(2), *builders.claims(2))]
    assert set(claimed) == started
    assert len(claimed) == 3
    assert builders.claims(2) == []
    assert db.value("select count(*) from pgmq.q_perdure_ready_runs") == 0
