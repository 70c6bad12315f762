"""Children: their output, their end, and ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perdure_server.cli.failures import CommandFailed
from perdure_server.cli.local.ports import free_port, listen
from perdure_server.cli.local.processes import Child, ChildDied, Family, wait_until
from tests.support.waiting import eventually

READY_THEN_SLEEP = "print('ready', flush=True); import time; time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {READY_THEN_SLEEP}"
POLITE = f"import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); {READY_THEN_SLEEP}"


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-c", code]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def family() -> Iterator[Family]:
    with Family(stop_timeout_s=5) as family:
        yield family


def start(family: Family, code: str) -> Child:
    child = family.start("side program", python(code), variables=dict(os.environ))
    child.wait_for_line(lambda line: line == "ready", timeout_s=30)
    return child


def test_a_child_is_asked_to_stop_and_may_end_as_it_likes(family: Family) -> None:
    child = start(family, POLITE)
    family.stop(child)
    assert child.exit_status == 0


def test_a_child_that_does_not_stop_is_killed() -> None:
    with Family(stop_timeout_s=0.2) as family:
        child = start(family, STUBBORN)
    assert child.exit_status == -signal.SIGKILL


def test_in_a_hurry_nobody_is_waited_for() -> None:
    with Family(stop_timeout_s=600, hurry=lambda: True) as family:
        child = start(family, STUBBORN)
    assert child.exit_status == -signal.SIGKILL


def test_children_are_stopped_the_youngest_first_except_those_that_go_last() -> None:
    stopped: list[str] = []
    code = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: (print('bye'), sys.exit(0)));"
    with Family(on_line=lambda name, line: stopped.append(name) if line == "bye" else None) as family:
        for name in ("server", "dispatcher", "app"):
            child = family.start(
                name,
                python(code + READY_THEN_SLEEP),
                variables=dict(os.environ),
                stops_last=name == "app",
            )
            child.wait_for_line(lambda line: line == "ready", timeout_s=30)
    assert stopped == ["dispatcher", "server", "app"]


def test_the_death_of_a_child_is_told_with_its_last_words(family: Family) -> None:
    family.start("side program", python("print('out of luck'); raise SystemExit(3)"), variables={})
    with pytest.raises(ChildDied, match=r"(?s)side program ended with exit status 3.*out of luck"):
        family.wait_until(lambda: False, timeout_s=30, what="nothing")


def test_a_killed_child_is_told_with_its_signal(family: Family) -> None:
    child = start(family, READY_THEN_SLEEP)
    os.kill(child.pid, signal.SIGSEGV)
    eventually(lambda: child.exit_status is not None)
    with pytest.raises(ChildDied, match="was ended by signal SIGSEGV"):
        family.check()


def test_a_child_that_was_killed_on_purpose_does_not_count_as_dead(family: Family) -> None:
    family.kill(start(family, READY_THEN_SLEEP))
    family.check()


def test_a_program_that_is_not_there_is_told(family: Family) -> None:
    family.start("ghost", ["./there-is-no-such-program"], variables={})
    with pytest.raises(ChildDied, match="there-is-no-such-program"):
        family.wait_until(lambda: False, timeout_s=30, what="nothing")


def test_a_wait_ends_at_its_deadline() -> None:
    with pytest.raises(CommandFailed, match="a miracle did not happen within"):
        wait_until(lambda: False, timeout_s=0.05, what="a miracle")


def test_no_child_outlives_a_parent_that_is_killed() -> None:
    parent = f"""
import os, sys
from perdure_server.cli.local.processes import Family
family = Family()
pids = [family.start("x", [sys.executable, "-c", {STUBBORN!r}], variables=dict(os.environ)) for _ in range(2)]
for child in pids:
    child.wait_for_line(lambda line: line == "ready", timeout_s=30)
print(*(child.pid for child in pids), flush=True)
import time; time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        children = [int(pid) for pid in process.stdout.readline().split()]
        assert len(children) == 2
        assert all(map(is_alive, children))
        process.kill()
    eventually(lambda: not any(map(is_alive, children)), what="the end of the children")


def test_a_child_whose_parent_died_before_it_began_does_not_begin(tmp_path: Path) -> None:
    guard = Path(sys.modules[Family.__module__].__file__ or "").with_name("guard.py")
    witness = tmp_path / "witness"
    command = [sys.executable, "-I", "-S", str(guard), str(os.getppid()), "/usr/bin/touch", str(witness)]
    assert subprocess.run(command, check=False).returncode == 1
    assert not witness.exists()


def test_a_free_port_can_be_listened_on_and_is_outside_the_range_of_connections() -> None:
    port = free_port()
    assert port < 32768
    with listen(port), pytest.raises(OSError, match="in use"):
        listen(port)
