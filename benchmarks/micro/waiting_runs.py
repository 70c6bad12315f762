"""What sleeping runs cost the running ones: the same calls with and without a million waits, side by side."""

import time
from functools import partial
from statistics import median

from benchmarks.measure import Cost, Meter, Row, spread
from perdure_engine.embedded import EmbeddedPostgres

from .database import BenchDatabase, make_database

WAITING = 1_000_000
FINISHED = 20_000  # in both: a system that has been running, not one whose tables are empty
PAIRS = 15
LOOKS = 5  # at the buffers of each call
BATCH = 50

_DONE = {"status": "SUCCESS", "output": 1}
_WAIT = {
    "status": "RESUME_WITH_TASK",
    "task": {"idempotencyKey": "due", "name": "wait", "noop": True, "delaySeconds": 0.001},
}
_PROMOTE = "select * from perdure.promote_due()"
_CALLS = {
    "claim": f"claim ({BATCH} runs)",
    "apply": f"apply ({BATCH} runs)",
    "promote": "promote (nothing due)",
    "wake": f"promote ({BATCH} due)",
}


def run(server: EmbeddedPostgres) -> list[Row]:
    """Two databases of one server, one with the waits; the same calls in turn on both."""
    databases = {0: make_database(server, "empty"), WAITING: make_database(server, "waiting")}
    for database in databases.values():
        finish(database, FINISHED)
    park(databases[WAITING], WAITING)
    for database in databases.values():
        database.connection.execute("vacuum analyze")
    meters = {waiting: Meter(database.connection) for waiting, database in databases.items()}

    costs: dict[int, dict[str, list[Cost]]] = {
        waiting: {call: [] for call in _CALLS} for waiting in databases
    }
    for _ in range(PAIRS):
        for waiting, database in databases.items():
            measured, cost = costs[waiting], meters[waiting].cost
            database.send(BATCH)
            claim_cost, claimed = cost(partial(database.claim, BATCH))
            assert len(claimed) == BATCH
            apply_cost, _ = cost(partial(database.reply, claimed, _DONE))
            promote_cost, _ = cost(partial(database.rows, _PROMOTE))
            make_due(database)
            wake_cost, _ = cost(partial(database.rows, _PROMOTE))
            woken = database.claim(BATCH)
            assert len(woken) == BATCH
            database.reply(woken, _DONE)
            measured["claim"].append(claim_cost)
            measured["apply"].append(apply_cost)
            measured["promote"].append(promote_cost)
            measured["wake"].append(wake_cost)

    for database in databases.values():
        database.connection.execute("vacuum perdure.leases")  # as it is every minute where runs are executed
    touched: dict[int, dict[str, int]] = {
        waiting: {
            call: round(median(buffers(database, meters[waiting], call) for _ in range(LOOKS)))
            for call in _CALLS
        }
        for waiting, database in databases.items()
    }
    rows: list[Row] = []
    for call, name in _CALLS.items():
        for waiting in databases:
            rows.append(
                {
                    "call": name,
                    "waiting runs": waiting,
                    "CPU, µs": spread([cost.cpu_s for cost in costs[waiting][call]], 1e6),
                    "wall, µs": spread([cost.wall_s for cost in costs[waiting][call]], 1e6),
                    "shared buffers": touched[waiting][call],
                    "rounds": [(cost.cpu_s, cost.wall_s) for cost in costs[waiting][call]],
                }
            )
    for database in databases.values():
        database.close()
    return rows


def park(database: BenchDatabase, count: int) -> None:
    """Bring ``count`` runs into a wait of a day, through the engine's functions; check that they sleep."""
    database.park(count)
    asleep = database.value("select count(*) from perdure.runs where status = 'WAITING_TO_CONTINUE'")
    assert asleep == count, f"{asleep} of {count} runs sleep"


def finish(database: BenchDatabase, count: int) -> None:
    """Bring ``count`` runs of one task to their end."""
    for _ in range(count // 500):
        database.send(500)
        claimed = database.claim(500)
        database.store_tasks(claimed, "task")
        database.reply(claimed, _DONE)


def make_due(database: BenchDatabase) -> None:
    """Let runs wait for a moment that is over."""
    database.send(BATCH)
    claimed = database.claim(BATCH)
    assert len(claimed) == BATCH
    database.reply(claimed, _WAIT)
    time.sleep(0.01)


def buffers(database: BenchDatabase, meter: Meter, call: str) -> int:
    """Shared buffers that one call of the kind touches, once everything is warm."""
    if call == "wake":
        make_due(database)
        touched = meter.buffers(_PROMOTE)
        database.reply(database.claim(BATCH), _DONE)
        return touched
    database.send(BATCH)
    if call == "claim":
        return meter.buffers("select * from perdure.claim_runs('bench', %s)", BATCH)
    claimed = database.claim(BATCH)
    if call == "apply":
        return meter.buffers("select * from perdure.apply_results(%s)", database.results(claimed, _DONE))
    return meter.buffers(_PROMOTE)
