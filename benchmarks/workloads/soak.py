"""Load for minutes: do the queue's tables stay clean, also while somebody holds an old snapshot?"""

from __future__ import annotations

import time

import psycopg

from benchmarks.postgres import BenchPostgres
from benchmarks.stage import Figures, Stage
from benchmarks.workload import Workload

MINUTES = 10
RUNS = 1000
"""Enqueued together, again when they have ended."""
ONLY = ("perdure-http",)

_TABLES = """
    select n.nspname || '.' || c.relname, pg_table_size(c.oid), s.dead_tuple_count, s.dead_tuple_len
    from pg_class as c
    inner join pg_namespace as n on n.oid = c.relnamespace
    cross join lateral pgstattuple(c.oid) as s
    where c.relkind = 'r'
        and ((n.nspname = 'pgmq' and c.relname like 'q\\_%') or c.oid = 'perdure.leases'::regclass)
"""
_SNAPSHOT = "begin isolation level repeatable read"


def turn(stage: Stage) -> list[Figures]:
    """The load; the figures of each minute."""
    return [minute(stage, number) for number in range(1, stage.scaled(MINUTES) + 1)]


def turn_with_snapshot(stage: Stage) -> list[Figures]:
    """The same with an old snapshot."""
    assert stage.system.postgres
    with psycopg.connect(stage.system.postgres.url(), autocommit=True) as old:
        old.execute(_SNAPSHOT)
        old.execute("select count(*) from perdure.runs")
        figures = turn(stage)
        old.execute("rollback")
    return figures


def minute(stage: Stage, number: int) -> Figures:
    """A minute of load, and what the tables look like at its end."""
    assert stage.system.postgres
    count, ends_at = 0, time.monotonic() + 60
    with stage.measured() as usage:
        while time.monotonic() < ends_at:
            stage.drain("noop", RUNS)
            count += RUNS
    results = {"runs/s": count / usage.wall_s, **tables(stage.system.postgres)}
    return usage.figures(f"minute {number}", results, "run", count)


def tables(postgres: BenchPostgres) -> dict[str, float]:
    """Dead tuples and size of the tables that come and go with a run."""
    figures: dict[str, float] = {}
    for name, size, dead, dead_bytes in postgres.watcher.execute(_TABLES).fetchall():
        short = "queue" if name.startswith("pgmq.") else "leases"
        for column, value in ((f"dead in {short}", dead), (f"kB dead in {short}", dead_bytes / 1024)):
            figures[column] = figures.get(column, 0) + value
        figures[f"kB of {short}"] = figures.get(f"kB of {short}", 0) + size / 1024
    return figures


WORKLOAD = Workload(
    "soak", f"{MINUTES} minutes of no-op runs", turn, limit_s=MINUTES * 90.0, rounds=1, only=ONLY
)
WITH_SNAPSHOT = Workload(
    "soak_old_snapshot",
    f"{MINUTES} minutes of no-op runs while another connection holds an old snapshot",
    turn_with_snapshot,
    limit_s=MINUTES * 90.0,
    rounds=1,
    only=ONLY,
)
