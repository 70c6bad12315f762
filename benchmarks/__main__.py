"""Run the benchmarks: ``python -m benchmarks [NAME …] [--json FILE]``; ``make bench`` runs all of them."""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from perdure_engine.embedded import EmbeddedPostgres

from . import hot_path, http_clients, queue_claim, waiting_runs
from .measure import Row, print_table

BENCHMARKS: dict[str, Callable[[EmbeddedPostgres], list[Row]]] = {
    "queue_claim": queue_claim.run,
    "hot_path": hot_path.run,
    "waiting_runs": waiting_runs.run,
    "http_clients": http_clients.run,
}


def main() -> None:
    """Run what was asked for, each on a durable embedded server of its own; print tables, write JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; all when absent"
    )
    parser.add_argument("--json", type=Path, help="also write every round to this file")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - BENCHMARKS.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")

    results: dict[str, list[Row]] = {}
    for name in arguments.names or BENCHMARKS:
        print(f"{name}: running …", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="perdure-bench-") as folder:
            server = EmbeddedPostgres(Path(folder) / "postgres", settings={"jit": "off"})
            with server:
                results[name] = BENCHMARKS[name](server)
        print_table(name, results[name])
    if arguments.json:
        machine = {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "machine": platform.machine(),
        }
        arguments.json.write_text(json.dumps({"machine": machine, "benchmarks": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
