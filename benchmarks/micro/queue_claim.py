"""Taking runs out of pgmq: pop against read and delete (ADR 0002)."""

from benchmarks.measure import Cost, Meter, Row, spread
from perdure_engine.embedded import EmbeddedPostgres

from .database import make_database

BATCHES = (1, 10, 50)
ROUNDS = 5
CALLS = 100

_FILL = """
    select pgmq.send_batch('bench', array(
        select jsonb_build_object('run_id', gen_random_uuid()) from generate_series(1, %s)
    ))
"""
WAYS = {
    "pop": "select message from pgmq.pop('bench', %s)",
    "read + delete": """
        with read as materialized (select array_agg(r.msg_id) as ids from pgmq.read('bench', 60, %s) as r)
        select d from read, pgmq.delete('bench', read.ids) as d
    """,
}


def run(server: EmbeddedPostgres) -> list[Row]:
    """Each way drains the same number of messages, the ways in turn within a round."""
    database = make_database(server, "queue_claim")
    database.value("select pgmq.create('bench')")
    meter = Meter(database.connection)
    rows: list[Row] = []
    for batch in BATCHES:
        rounds: dict[str, list[Cost]] = {way: [] for way in WAYS}
        for _ in range(ROUNDS):
            for way, query in WAYS.items():
                database.connection.execute("truncate pgmq.q_bench")
                database.rows(_FILL, batch * CALLS)
                database.connection.execute("checkpoint")

                def drain(query: str = query, batch: int = batch) -> None:
                    for _ in range(CALLS):
                        assert len(database.rows(query, batch)) == batch

                rounds[way].append(meter.cost(drain)[0])
        rows += [
            {
                "batch": batch,
                "way": way,
                "CPU, µs per message": spread([cost.cpu_s / batch / CALLS for cost in costs], 1e6),
                "WAL, bytes per message": spread([cost.wal_bytes / batch / CALLS for cost in costs]),
                "rounds": [(cost.cpu_s, cost.wall_s, cost.wal_bytes) for cost in costs],
            }
            for way, costs in rounds.items()
        ]
    database.close()
    return rows
