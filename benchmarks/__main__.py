"""Run benchmarks: ``python -m benchmarks [NAME …] [--systems A,B] [--rounds N] [--json FILE]``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from perdure_engine.embedded import EmbeddedPostgres
from perdure_server.cli.local.stop_signals import StopRequested, StopSignals

from .disk import check_durable
from .lock import AnotherBenchmark, only_benchmark
from .measure import print_table
from .micro import MICRO_BENCHMARKS
from .rounds import Rounds
from .system import ROOT
from .systems import systems
from .tables import print_statements, print_workload
from .workload import DEFAULT_ROUNDS
from .workloads import WORKLOADS

TOOLS = ROOT / ".bench"


def main() -> None:
    """Run what was asked for; print tables, write JSON with every round."""
    parser = _parser()
    arguments = parser.parse_args()
    names = arguments.names or [*WORKLOADS, *MICRO_BENCHMARKS]
    if unknown := set(names) - {*WORKLOADS, *MICRO_BENCHMARKS}:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; see --help")
    known = systems()
    chosen = arguments.systems.split(",") if arguments.systems else list(known)
    if unknown := set(chosen) - known.keys():
        parser.error(f"there is no system {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    try:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        with StopSignals(), only_benchmark(arguments.folder, wait=arguments.wait):
            _run(arguments, names, chosen)
    except (AnotherBenchmark, StopRequested) as error:
        sys.exit(f"python -m benchmarks: {str(error) or 'stopped'}")


def _run(arguments: argparse.Namespace, names: list[str], chosen: list[str]) -> None:
    file_system = check_durable(arguments.folder)
    _clear(arguments.folder)
    document: dict[str, Any] = {"machine": _machine(file_system), "command": sys.argv[1:], "benchmarks": {}}
    with tempfile.TemporaryDirectory(prefix="run-", dir=arguments.folder) as folder:
        Path(folder).chmod(0o711)  # PostgreSQL's own user must pass through
        known = systems()
        rounds = Rounds(Path(folder), TOOLS, [known[name] for name in chosen], scale=arguments.scale)
        try:
            for name in names:
                begun = time.monotonic()
                if name in WORKLOADS:
                    contenders = rounds.run(WORKLOADS[name], arguments.rounds)
                    print_workload(f"{name}: {WORKLOADS[name].about}", contenders)
                    if arguments.statements:
                        print_statements(contenders)
                    result: Any = {contender.label: contender.as_json() for contender in contenders}
                else:
                    print(f"{name}: running …", file=sys.stderr)
                    result = _run_micro(name, Path(folder))
                    print_table(name, result)
                print(f"  ({name} took {time.monotonic() - begun:.0f} s)", flush=True)
                document["benchmarks"][name] = result
                if arguments.json:  # after each, should a later one fail
                    arguments.json.write_text(json.dumps(document, indent=2) + "\n")
        finally:
            rounds.close()


def _clear(folder: Path) -> None:
    """Remove what commands have left that were killed; we hold the lock, so none of them runs."""
    for left in folder.glob("run-*"):
        for lock in left.rglob("supervisor.lock"):
            EmbeddedPostgres(lock.parent).delete()
        shutil.rmtree(left, ignore_errors=True)


def _run_micro(name: str, folder: Path) -> Any:
    server = EmbeddedPostgres(folder / name, settings={"jit": "off"})
    try:
        with server:
            return MICRO_BENCHMARKS[name](server)
    finally:
        server.delete()


def _machine(file_system: str) -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "python": sys.version,
        "machine": platform.machine(),
        "kernel": platform.release(),
        "fileSystem": file_system,
        "startedAt": datetime.now(UTC).isoformat(timespec="seconds"),
        "loadBefore": os.getloadavg()[0],
    }


def _parser() -> argparse.ArgumentParser:
    lines = [f"  {name}: {workload.about}" for name, workload in WORKLOADS.items()]
    lines += [f"  {name} (one part only)" for name in MICRO_BENCHMARKS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog="benchmarks:\n" + "\n".join(lines) + "\nsystems:\n  " + ", ".join(systems()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="all when absent")
    parser.add_argument("--systems", help="names with commas between; all when absent")
    parser.add_argument("--rounds", type=int, help=f"{DEFAULT_ROUNDS} or more when absent")
    parser.add_argument("--scale", type=float, default=1.0, help="factor for all counts, such as 0.1")
    parser.add_argument("--json", type=Path, help="also write every round to this file")
    parser.add_argument(
        "--statements", action="store_true", help="also print what Postgres spent its time on"
    )
    parser.add_argument("--wait", action="store_true", help="wait for another benchmark instead of refusing")
    parser.add_argument("--folder", type=Path, default=TOOLS / "data", help="for data, on a real disk")
    return parser


if __name__ == "__main__":
    main()
