"""A server that is told to stop, one with a rate limit, and a host that is probed (protocol 2.10, 4.2, 6)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.support.fix_database import TestServer
from tests.support.waiting import eventually, refuses_connections

from .fault_proxy import Fault, FaultProxy, Forward, Rule, answered, running
from .outcome import Outcome
from .packages import SDKS, install
from .provider import Provider
from .system import ENDPOINT_TIMEOUT_MS, JsApp, Platform

LIFE_S = 13
"""So long the host of the apps lets a function live; one that ends within 12 s tells nothing of that."""


def cut_off_after(seconds: float) -> Fault:
    """The host ends the function, and says so."""

    async def fault(forward: Forward) -> bytes | None:
        try:
            return await asyncio.wait_for(forward(), seconds)
        except TimeoutError:
            return await answered(504)(forward)

    return fault


@dataclass
class System:
    """A platform whose server is restarted, and an app under each version, all at the same host."""

    platform: Platform
    apps: dict[str, JsApp] = field(default_factory=dict)

    def restart_server(self, **variables: str) -> None:
        """Stop the server, unless it has ended, and start it with settings of its own."""
        self.platform.family.stop(self.platform.server)
        local = replace(self.platform.local, variables={**self.platform.variables, **variables})
        self.platform.server = local.start_server()
        local.wait_until_ready()

    def start_gated(self, app: JsApp, gate: Path, **payload: Any) -> str:
        """Start a run that stands still after its first task."""
        run_id = app.start("gaps.gated", {"gate": str(gate), **payload})
        eventually(lambda: completed(app, run_id) == 1, what="the first task")
        return run_id


def completed(app: JsApp, run_id: str) -> int:
    """How many tasks of a run have a result; the server is not asked."""
    [row] = app.platform.views.rows(
        "select count(*) as n from perdure_views.tasks where run_id = %s and status = 'COMPLETED'", run_id
    )
    return int(row["n"])


def registrations(app: JsApp) -> int:
    """How many of an app's own jobs have registered what it has at the provider."""
    [row] = app.platform.views.rows(
        "select count(*) as n from perdure_views.runs"
        " where environment_id = %s and internal and status = 'SUCCESS'",
        app.project.environment_id,
    )
    return int(row["n"])


def open_gate(gate: Path, chunk: int) -> None:
    """Let the executions go on that are their run's first, second, and so on."""
    gate.with_name(f"{gate.name}-{chunk}").touch()


@pytest.fixture(scope="module")
def system(
    postgres_server: TestServer, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """The processes of this module; the host is probed while the tests go on."""
    name = f"perdure_js_{uuid4().hex[:12]}"
    with (
        postgres_server.janitor(name),
        Platform(postgres_server.url(name), tmp_path_factory.mktemp("limits"), provider) as platform,
        ExitStack() as stack,
    ):
        system = System(platform)
        for version, folder in SDKS.items():
            install(folder)
            app = stack.enter_context(closing(JsApp(platform, version)))
            probes = Rule("PROBE_EXECUTION_TIMEOUT", cut_off_after(LIFE_S))
            host = FaultProxy(platform.url, {"": [probes]}, app=app.url)
            app.url = stack.enter_context(running(host)).app_url
            system.apps[version] = app
        for app in system.apps.values():
            app.register()
            answer = app.api.post("/api/v1/endpoints/js-app/probe")
            assert answer.status_code == 200, answer.text
        for app in system.apps.values():  # then nothing but the tests' runs calls the server
            eventually(lambda: registrations(app) == 2, timeout_s=30, what="a source and a webhook")  # noqa: B023
        yield system


@pytest.mark.parametrize("version", SDKS)
def test_a_server_that_stops_has_executions_yield(system: System, tmp_path: Path, version: str) -> None:
    """A task is asked for when the server is told to stop: it is stored, and done by the next execution."""
    platform, app, gate = system.platform, system.apps[version], tmp_path / "gate"
    run_id = system.start_gated(app, gate, tasks=3, gates=2)
    with psycopg.connect(platform.database_url) as connection:
        connection.execute("lock table perdure.tasks in share mode")
        open_gate(gate, 1)
        eventually(lambda: is_held_up_by(connection), what="the app's next call")
        os.kill(platform.server.pid, signal.SIGTERM)
        eventually(lambda: refuses_connections(platform.url), what="the server's decision to stop")
    eventually(lambda: app.calls(run_id)["run"] == 2, what="the next execution")
    assert app.requests(run_id) == {"POST tasks": 2, "POST complete": 1}
    assert app.replies(run_id)[0] == "AUTO_YIELD_EXECUTION"
    platform.server.wait(timeout_s=30)
    system.restart_server()
    open_gate(gate, 2)
    assert app.finished(run_id) == Outcome(
        "SUCCESS",
        "done",
        [f"task {n} COMPLETED" for n in (1, 2, 3)],
        {"run": 2, "task 1": 1, "task 2": 1, "task 3": 1},
    )
    assert app.replies(run_id) == ["AUTO_YIELD_EXECUTION", "SUCCESS"]


def is_held_up_by(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server waits for this connection's transaction to store a task."""
    connection.execute("select pg_stat_clear_snapshot()")  # else a transaction sees the same again and again
    rows = connection.execute(
        "select from pg_stat_activity as a"
        " where pg_backend_pid() = any(pg_blocking_pids(a.pid)) and a.query like '%upsert_tasks%'"
    )
    return bool(rows.fetchall())


def test_a_rate_limit_has_executions_yield_until_there_is_room(system: System, tmp_path: Path) -> None:
    """It is met where a task is asked for, or where its result is told: that goes into the yield then."""
    apps, gate, count = system.apps.values(), tmp_path / "gate", 9
    runs = [(app, system.start_gated(app, gate, tasks=count, gates=1)) for app in apps]
    system.restart_server(PERDURE_RATE_LIMIT="4+4/2s")
    open_gate(gate, 1)
    for app, run_id in runs:
        eventually(lambda: completed(app, run_id) == count, timeout_s=60, what="the last task")  # noqa: B023
    system.restart_server()
    for app, run_id in runs:
        outcome = app.finished(run_id)
        *yields, last = app.replies(run_id)
        assert last == "SUCCESS"
        assert (
            "AUTO_YIELD_RATE_LIMIT" in yields
        )  # where a task is asked for; the other where its result is told
        others = {"AUTO_YIELD_EXECUTION", "AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK"}  # the server restarts
        assert set(yields) <= {"AUTO_YIELD_RATE_LIMIT", *others}
        assert outcome == Outcome(
            "SUCCESS",
            "done",
            [f"task {n} COMPLETED" for n in range(1, count + 1)],
            {"run": len(yields) + 1, **{f"task {n}": 1 for n in range(1, count + 1)}},
        )


def test_a_probe_tells_how_long_a_host_lets_a_function_live(system: System) -> None:
    def limit(app: JsApp) -> int:
        [row] = app.platform.views.rows(
            "select execution_limit_ms from perdure_views.endpoints where environment_id = %s",
            app.project.environment_id,
        )
        return int(row["execution_limit_ms"])

    for app in system.apps.values():
        eventually(lambda: limit(app) != ENDPOINT_TIMEOUT_MS, timeout_s=60, what="a limit")  # noqa: B023
        learnt = limit(app)
        assert LIFE_S * 1000 <= learnt < (LIFE_S + 5) * 1000
        outcome = app.finished(app.start("limits.interrupted", {"times": 0}))
        assert outcome.output == learnt - 350  # user code has that long
