"""Tests are shared out between processes, also when some of these end before their time."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from tests.support.parallel import FilesScheduling

TESTS = [f"tests/test_{file}.py::test_{test}" for file in "abc" for test in range(2)]


@dataclass(eq=False)
class Process:
    """What the scheduler sees of one."""

    gateway: Any = field(default_factory=lambda: SimpleNamespace(id="gw"))
    shutting_down: bool = False
    given: list[str] = field(default_factory=list)

    def send_runtest_some(self, indices: list[int]) -> None:
        self.given += [TESTS[index] for index in indices]

    def shutdown(self) -> None:
        self.shutting_down = True


def join(scheduling: Any, process: Process) -> None:
    """The process is there, and has collected the tests."""
    scheduling.add_node(process)
    collect(scheduling, process)


def collect(scheduling: Any, process: Process) -> None:
    scheduling.add_node_collection(process, TESTS)
    if scheduling.collection_is_completed:
        scheduling.schedule()


def test_two_processes_that_end_are_replaced() -> None:
    config: Any = SimpleNamespace(
        getvalue=lambda _name: ["2*popen"], option=SimpleNamespace(loadscopereorder=False)
    )
    scheduling = FilesScheduling(config)
    first, second, third, fourth = Process(), Process(), Process(), Process()
    join(scheduling, first)
    join(scheduling, second)
    assert scheduling.remove_node(first) == first.given[0]
    scheduling.add_node(third)  # it still collects
    assert scheduling.remove_node(second) == second.given[0]
    scheduling.add_node(fourth)
    collect(scheduling, third)
    collect(scheduling, fourth)
    for process in (third, fourth):
        for test in process.given:  # which grows meanwhile
            scheduling.mark_test_complete(process, TESTS.index(test))
    assert not scheduling.has_pending
    crashed = {first.given[0], second.given[0]}
    assert sorted(third.given + fourth.given) == sorted(set(TESTS) - crashed)
