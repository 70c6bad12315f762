"""What a run costs the database, call by call, for several batch sizes: the life of a run without HTTP."""

from functools import partial

from benchmarks.measure import Cost, Meter, Row, spread
from perdure_engine.embedded import EmbeddedPostgres

from .database import make_database

BATCHES = (1, 10, 50, 200)
TASKS = 5
ROUNDS = 5
RUNS_PER_ROUND = 400

_DONE = {"status": "SUCCESS", "output": 1}


def run(server: EmbeddedPostgres) -> list[Row]:
    """Runs of five tasks: events sent, runs claimed, tasks stored, replies applied, in batches."""
    database = make_database(server, "hot_path")
    meter = Meter(database.connection)
    rows: list[Row] = []
    for batch in BATCHES:
        costs: dict[str, list[list[Cost]]] = {"send": [], "claim": [], "tasks": [], "apply": []}
        for _ in range(ROUNDS):
            for rounds in costs.values():
                rounds.append([])
            for _ in range(RUNS_PER_ROUND // batch):
                sent, _ = meter.cost(partial(database.send, batch))
                claim, claimed = meter.cost(partial(database.claim, batch))
                tasks = [meter.cost(partial(database.store_tasks, claimed, f"k{n}"))[0] for n in range(TASKS)]
                apply, _ = meter.cost(partial(database.reply, claimed, _DONE))
                costs["send"][-1].append(sent)
                costs["claim"][-1].append(claim)
                costs["tasks"][-1].extend(tasks)
                costs["apply"][-1].append(apply)
        cpu_us = {
            name: [sum(cost.cpu_s for cost in round_) / RUNS_PER_ROUND for round_ in rounds]
            for name, rounds in costs.items()
        }
        totals = [sum(values) for values in zip(*cpu_us.values(), strict=True)]
        wal = [
            sum(cost.wal_bytes for rounds in costs.values() for cost in rounds[i]) / RUNS_PER_ROUND
            for i in range(ROUNDS)
        ]
        rows.append(
            {
                "batch": batch,
                **{f"{name}, µs": spread(values, 1e6) for name, values in cpu_us.items()},
                "run of 5 tasks, CPU µs": spread(totals, 1e6),
                "WAL, bytes": spread(wal),
                "rounds": {"cpu_s": cpu_us, "wal_bytes": wal},
            }
        )
    database.close()
    return rows
