"""How tests are shared out between the processes of pytest-xdist: a file at a time, the slow ones first."""

from __future__ import annotations

import os
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_TOGETHER = {
    "tests/behaviour/": "behaviour",  # start everything once, for all tests of the folder
    "tests/browser/": "browser",
    "tests/js/": "js",
    "tests/engine/migrator/": "stock servers",  # need a cluster without our roles, which may be the same one
    "tests/e2e/test_stock_servers.py": "stock servers",
}
"""What one process runs: by the start of the path."""

_FIRST = (
    "tests/js/",
    "tests/browser/",
    "tests/behaviour/",
    "tests/sql/test_random_sequences.py",
    "tests/e2e/",
)
"""What takes minutes: begun last, it would leave one process at work and the others idle."""

_MOST = 8
"""Processes; each has a Postgres of its own."""


class FilesScheduling(LoadScopeScheduling):  # type: ignore[misc]  # its base has no types
    """Gives a process file after file."""

    def _split_scope(self, nodeid: str) -> str:
        together = (name for start, name in _TOGETHER.items() if nodeid.startswith(start))
        return next(together, nodeid.partition("::")[0])

    def remove_node(self, node: Any) -> str | None:
        """Forget a process that has ended; the test that ended it, as by hanging, is not begun again."""
        work = self.assigned_work[node]
        for file in [file for file, tests in work.items() if all(tests.values())]:
            del work[file]
        unfinished = [test for tests in work.values() for test, is_done in tests.items() if not is_done]
        crashed: str | None = unfinished[0] if unfinished else None
        for tests in work.values():
            if crashed in tests:
                tests[crashed] = True
        super().remove_node(node)
        return crashed

    def _assign_work_unit(self, node: Any) -> None:
        """Not while the process, which takes the place of one that has ended, still collects the tests."""
        if node in self.registered_collections:
            super()._assign_work_unit(node)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the slow ones first, in their order, where there are several processes."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _place(item.nodeid))


def _place(nodeid: str) -> int:
    starts = [nodeid.startswith(start) for start in _FIRST]
    return starts.index(True) if any(starts) else len(starts)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FilesScheduling:
    """Used whenever there are several processes."""
    return FilesScheduling(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Of ``-n auto``: more than there are cores, since most tests wait for processes of their own."""
    return min((os.cpu_count() or 1) + 2, _MOST)
