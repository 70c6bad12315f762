"""The benchmarks run, measure something, and refuse what would measure nothing."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import model, report
from benchmarks.disk import NotDurable, check_durable
from benchmarks.marks import MarkReader, Marks
from benchmarks.processes import cpu_seconds, family, kill_left
from benchmarks.rounds import Contender
from benchmarks.stage import Figures, percentiles
from benchmarks.tables import print_workload
from tests.repo.tree import ROOT
from tests.support.waiting import eventually

LOCK = "perdure-benchmark.lock"


def benchmarks(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments, "--folder", str(folder / "data")],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},  # a lock of its own
        capture_output=True,
        text=True,
        timeout=180,
    )


def test_a_command_measures_perdure_and_writes_every_round(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    # Enough steps for each role to use more than 10 ms of CPU, by which it is counted.
    arguments = ["--systems", "perdure-http", "--rounds", "1", "--scale", "0.1", "--json", str(file)]
    done = benchmarks(tmp_path, "steps", *arguments)
    assert done.returncode == 0, done.stderr
    assert "LEFT OUT" not in done.stdout, done.stdout
    document: dict[str, Any] = json.loads(file.read_text())
    measured = document["benchmarks"]["steps"]["perdure-http"]
    assert "slots" in measured["settings"]
    ((figures,),) = measured["rounds"]
    assert figures["results"]["steps/s"] > 0
    costs = figures["costs"]
    assert costs["CPU ms/step"] > costs["postgres"] > 0
    assert 0 < costs["commits/step"] <= costs["statements/step"]
    assert costs["WAL bytes/step"] > 100
    assert [left.name for left in (tmp_path / "data").iterdir()] == ["lock"]


def test_a_second_benchmark_on_the_machine_is_refused(tmp_path: Path) -> None:
    with (tmp_path / LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("17")
        file.flush()
        done = benchmarks(tmp_path, "noop")
    assert done.returncode == 1
    assert "another benchmark runs on this machine (process 17" in done.stderr


def test_a_folder_in_memory_is_refused() -> None:
    with pytest.raises(NotDurable, match="in memory"):
        check_durable(Path("/dev/shm"))  # noqa: S108  # nothing is written there


def test_ratios_are_taken_within_a_round_and_gaps_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    ours = Contender("ours", "tuned", [[Figures("", {"runs/s": rate})] for rate in (100, 200, 300)])
    peer = Contender("peer", "tuned, too", [[Figures("", {"runs/s": rate})] for rate in (50, 20, 150)])
    gone = Contender("gone", "", [], ["not installed"])
    print_workload("noop", [ours, peer, gone])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["ours", "200", "(100–300)"] in lines
    assert ["peer", "50.0", "(20.0–150)", "×0.50"] in lines
    assert ["gone:", "LEFT", "OUT:", "not", "installed"] in lines


def test_marks_of_several_writers_are_read_once_and_the_first_counts(tmp_path: Path) -> None:
    reader = MarkReader(tmp_path / "marks")
    writers = [Marks(tmp_path / "marks") for _ in range(2)]
    writers[0].mark(1)
    writers[1].mark(-2)
    reader.read()
    first = reader.seen[1]
    writers[1].mark(1)
    reader.read()
    assert reader.seen.keys() == {1, -2}
    assert reader.seen[1] == first


def test_cpu_of_ended_children_counts() -> None:
    before = cpu_seconds([os.getpid()])
    subprocess.run([sys.executable, "-c", "sum(range(10_000_000))"], check=True)
    assert cpu_seconds([os.getpid()]) > before
    assert cpu_seconds([os.getpid()], without=[os.getpid()]) < before


def test_percentiles_of_one_value_are_that_value() -> None:
    assert percentiles([0.002], "ms", 1000) == {"p50, ms": 2, "p95, ms": 2, "p99, ms": 2}


def test_the_model_scales_measured_costs_to_the_cores_of_a_database() -> None:
    costs = {"postgres": 0.5, "app": 0.25, "WAL bytes/run": 2000.0, "commits/run": 0.1}
    measured = {"rounds": [[{"costs": costs}]]}
    smallest = model.rows({"noop": {"ours": measured, "no Postgres": {"rounds": [[{"costs": {}}]]}}})[0]
    # two cores, 70 % of their time, half a millisecond a run: 2,800 runs, which take an app one second of CPU
    assert (smallest["carried"], smallest["app cores"]) == ("2,800", "1.000")
    assert (smallest["WAL MB/s"], smallest["commits/s"]) == ("5.600", "280")


def test_the_report_gives_medians_with_their_spread_and_what_was_left_out() -> None:
    rounds = [
        [{"case": "", "results": {"runs/s": rate}, "costs": {"CPU ms/run": rate / 100, "app": 0.5}}]
        for rate in (100, 300, 200)
    ]
    ours = {"settings": "tuned", "rounds": rounds, "leftOut": []}
    peer = {"settings": "", "rounds": [], "leftOut": ["not installed"]}
    (section,) = report.sections({"noop": {"ours": ours, "peer": peer}})
    assert "| system | runs/s | CPU ms/run | of it |" in section
    assert "| `ours` | 200 (100–300) | 2.000 (1.000–3.000) | app 0.500 |" in section
    assert "Left out: `peer`: not installed" in section


def test_workers_that_outlive_their_master_are_killed() -> None:
    program = "import subprocess; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as master:
        assert master.stdout
        worker = int(master.stdout.readline())
        processes = family([master.pid])
        master.kill()
    kill_left(processes)
    eventually(lambda: has_ended(worker), what="the worker's end")


def has_ended(pid: int) -> bool:
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True
