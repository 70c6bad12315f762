"""A million runs with five million tasks, written by Postgres itself: what a busy month leaves behind."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import psycopg

from tests.support.builders import Builders, Environment, job
from tests.support.database import Database

RUNS = 1_000_000
TASKS_OF_A_RUN = 5  # seed_rows.sql
NEEDLE = "needle-7f3a"
"""A text in the payload of one run, the one in the middle."""

_JOBS = 19  # and one that hardly ever runs
_PARTS = 10  # statements that a table is written in
_PLAN = (Path(__file__).parent / "seed_plan.sql").read_text()
_ROWS = (Path(__file__).parent / "seed_rows.sql").read_text()


def seed(db: Database, environment: Environment, *, runs: int = RUNS) -> None:
    """Fill an environment with ``runs`` runs of twenty jobs, over the last thirty days.

    What each run has, seed_plan.sql and seed_rows.sql say. Statistics are gathered at the end, as autovacuum
    does it.
    """
    jobs = [job(f"job-{number}", event=f"event-{number}") for number in range(1, _JOBS + 1)]
    Builders(db).endpoint(*jobs, job("rare", event="rare"), environment=environment, slug="large")
    with psycopg.connect(db.url, autocommit=True) as conn:
        conn.execute("create schema perdure_large")
        conn.execute("grant all on schema perdure_large to perdure_owner")
    _write(db.url, _PLAN, {"environment_id": environment.id, "runs": runs, "needle": NEEDLE})
    _write(db.url, "create index on perdure_large.plan (run)", {})
    statements = [part.strip() for part in _ROWS.split(";\n") if part.strip()]
    edges = [runs * part // _PARTS for part in range(_PARTS + 1)]
    work = [
        (statement, {"first": first + 1, "last": last})
        for first, last in pairwise(edges)
        for statement in statements
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda part: _write(db.url, *part), work))
    with psycopg.connect(db.url, autocommit=True) as conn:
        conn.execute("drop schema perdure_large cascade")
        conn.execute("vacuum (analyze)")


def _write(url: str, statement: str, parameters: dict[str, object]) -> None:
    with psycopg.connect(url) as conn:
        conn.execute("set synchronous_commit = off")
        conn.execute("set role perdure_owner")
        # Put together by the client: a statement like create table as takes no parameters.
        psycopg.ClientCursor(conn).execute(statement.encode(), parameters)
