"""What user code tells the tests: which part was called, in which run, and what it saw."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from perdure import ApiError, Perdure
from perdure.client import ApiClient, StoredTasks
from perdure.endpoint import Endpoint, EndpointAnswer
from perdure.execution import Execution
from perdure.wire.headers import Action

NOTES_VARIABLE = "BEHAVIOUR_NOTES_FILE"

HURRIED = "auto-yield"
"""Begin of the ids of jobs whose host leaves them little time: ``HURRIED_MS``."""
HURRIED_MS = 1500

_run: ContextVar[str] = ContextVar("run")
_calls: Counter[tuple[str, str]] = Counter()
_lock = threading.Lock()


class WatchedEndpoint(Endpoint):
    """Remembers for user code which run it is called for."""

    async def act(
        self, action: Action, headers: Mapping[str, str], body: bytes, *, time_left_ms: float | None = None
    ) -> EndpointAnswer:
        """As an endpoint does."""
        if action is Action.RUN_NOTIFICATION:
            _run.set(json.loads(body)["id"])
        return await super().act(action, headers, body, time_left_ms=time_left_ms)

    def prepare(
        self, headers: Mapping[str, str], body: bytes, *, time_left_ms: float | None = None
    ) -> Execution | EndpointAnswer:
        """As an endpoint does."""
        request = json.loads(body)
        _run.set(request["run"]["id"])
        if request["job"]["id"].startswith(HURRIED):
            time_left_ms = HURRIED_MS
        return super().prepare(headers, body, time_left_ms=time_left_ms)


class WatchedApi(ApiClient):
    """Tells of which runs calls for many of them are: the server's log does not."""

    async def store_tasks_of_runs(
        self, runs: Sequence[tuple[str, bytes]], *, timeout_s: float
    ) -> list[StoredTasks | ApiError]:
        """As an ApiClient does."""
        for run_id, _ in runs:
            _note({"run": run_id, "shared": 1})
        return await super().store_tasks_of_runs(runs, timeout_s=timeout_s)


def watch(app: Perdure) -> None:
    """Let ``called`` and ``seen`` know the runs of an app; before its adapters are made."""
    app.endpoint = WatchedEndpoint(app)
    app.api = WatchedApi(app.settings, app.api.http, patience_s=app.api.patience_s)


def called(part: str) -> int:
    """Note that a part of user code was called; returns how often, this time included, in this process."""
    with _lock:
        _calls[_run.get(), part] += 1
        count = _calls[_run.get(), part]
    _note({"run": _run.get(), "called": part})
    return count


def seen(what: str, value: Any) -> None:
    """Note a value, to compare it with what other executions saw."""
    _note({"run": _run.get(), "seen": what, "value": value})


def _note(note: dict[str, Any]) -> None:
    line = json.dumps(note).encode() + b"\n"
    descriptor = os.open(os.environ[NOTES_VARIABLE], os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)
