"""Hosts have pgmq from 1.4 on: nothing of it is used that an early one lacks."""

import psycopg

from tests.support.builders import Builders
from tests.support.database import Database


def test_runs_are_claimed_once_where_pgmq_is_an_early_one(db: Database, builders: Builders) -> None:
    with psycopg.connect(db.url) as superuser:
        superuser.execute("drop function pgmq.pop(text, integer)")
        superuser.execute("alter table pgmq.q_perdure_ready_runs drop column headers")
    started = {run.id for run in builders.runs(3)}
    claimed = [claim.run_id for claim in (*builders.claims(2), *builders.claims(2))]
    assert set(claimed) == started
    assert len(claimed) == 3
    assert builders.claims(2) == []
    assert db.value("select count(*) from pgmq.q_perdure_ready_runs") == 0
