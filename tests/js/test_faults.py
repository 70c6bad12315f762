"""Processes are killed and requests disturbed: runs end with the same rows as if nothing had happened.

In each test all runs are under way at the same time.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from perdure_engine.embedded import EmbeddedPostgres
from perdure_server.cli.local.processes import Child
from perdure_server.cli.run_view import RunView, TaskView
from tests.support.waiting import eventually

from .fault_proxy import (
    Fault,
    FaultProxy,
    Rule,
    answered,
    cut_after,
    cut_before,
    delayed,
    doubled,
    held,
    limited,
    repeated,
    running,
)
from .outcome import without_stack
from .packages import APP, SDKS, install
from .provider import Provider
from .system import JsApp, Platform

SHORT_MS = 4_000
"""A timeout after which the platform soon takes up what was lost; a lease lasts a second longer."""
LONG_MS = 20_350
"""A timeout within which the SDK gives up: eight retries of a call take eleven seconds."""
PLENTY_S = 120
STORED = timedelta(seconds=1)
"""So long after the instant that a task's row tells, its result is certainly stored."""
SDK_2, SDK_3 = SDKS
ALL_CALLS = ("POST tasks", "POST complete", "POST fail")

KINDS = ("waits", "retries", "parallel", "many")
KILLED = "killed"

Cases = dict[str, Callable[[], list[Rule]]]


def rules(fault: Fault, *calls: str, times: int | None = None, skip: int = 0) -> Callable[[], list[Rule]]:
    """Makes the rules of a case, for each app anew."""
    return lambda: [Rule(call, fault, times, skip) for call in calls]


CALLS: Cases = {
    "rate limit": rules(limited(1.5), "POST tasks", times=1, skip=2),
    "rate limit at a result": rules(limited(1.5), "POST complete", times=1),
    "eight 500s": rules(answered(500), "POST complete", times=8),
    "nine 500s": rules(answered(500), "POST complete", times=9),
    "nine 500s at a task": rules(answered(500), "POST tasks", times=9, skip=1),
    "repeated calls": rules(repeated(0), *ALL_CALLS),
    "repeated calls, second answer": rules(repeated(1), *ALL_CALLS),
    "doubled calls": rules(doubled(0), *ALL_CALLS),
    "delayed calls": rules(delayed(0.3), *ALL_CALLS),
    "lost calls": rules(cut_before, *ALL_CALLS, times=2),
    "lost answers to calls": rules(cut_after, *ALL_CALLS, times=2),
}
"""Calls of the SDK are disturbed: that stays between it and the platform, no step works more often for it."""
EXECUTIONS: Cases = {
    "repeated executions": rules(repeated(0), "EXECUTE_JOB"),
    "repeated executions, second answer": rules(repeated(1), "EXECUTE_JOB"),
    "doubled executions": rules(doubled(1), "EXECUTE_JOB"),
    "delayed executions": rules(delayed(0.5), "EXECUTE_JOB"),
    "lost executions": rules(cut_before, "EXECUTE_JOB", times=2),
    "lost answers": rules(cut_after, "EXECUTE_JOB", times=2),
}
"""Executions are disturbed."""
CHOSEN = (
    "rate limit",
    "nine 500s",
    "doubled calls",
    "lost answers to calls",
    "doubled executions",
    "lost answers",
)
"""What is tried under the newer SDK, too."""
YIELDS = {
    "rate limit": "AUTO_YIELD_RATE_LIMIT",
    "rate limit at a result": "AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK",
    "nine 500s": "AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK",
    "nine 500s at a task": "AUTO_YIELD_EXECUTION",
}
"""What the SDK answers, once, when a call has failed for good."""
DISTURBED = [(SDK_2, case) for case in CALLS | EXECUTIONS] + [(SDK_3, case) for case in CHOSEN]


class Late(NamedTuple):
    """Runs of which one call is held back; by the call."""

    runs: dict[str, str]
    gates: dict[str, threading.Event]


class DisturbedApp(JsApp):
    """The app behind a proxy, in both directions.

    Args:
        timeout_ms: how long the platform waits for an answer.
    """

    def __init__(self, platform: Platform, sdk: str, proxy: FaultProxy, *, timeout_ms: int) -> None:
        self.proxy = proxy
        self._timeout_ms = timeout_ms
        super().__init__(platform, sdk)
        proxy.app = self.url

    def start_process(self, **variables: str) -> Child:
        """Start the app's process alone, without one that watches it, so that a kill meets it."""
        return self.platform.family.start(
            f"{self.version}, {self._timeout_ms} ms",
            ["node", str(APP / "server.js")],
            variables={**self.variables, "TRIGGER_API_URL": self.proxy.platform_url, **variables},
        )

    def register(self) -> dict[str, Any]:
        """Register the proxy in place of the app when that listens."""
        self.wait_until_it_listens()
        body = {"id": "js-app", "url": f"{self.proxy.app_url}/api/trigger", "timeoutMs": self._timeout_ms}
        answer = self.api.post("/api/v1/endpoints", json=body)
        assert answer.status_code == 200, answer.text
        endpoint: dict[str, Any] = answer.json()
        self.wait_for_index(endpoint["endpointIndex"]["id"])
        return endpoint

    def view(self, run_id: str) -> RunView:
        """A run as the database has it."""
        view = self.platform.views.find_run(run_id)
        assert view is not None
        return view

    def ended(self, run_id: str) -> RunView:
        """Wait for the end of a run; when it does not come, tell what holds it up."""
        try:
            eventually(lambda: self.view(run_id).is_final, timeout_s=PLENTY_S, what=f"the end of {run_id}")
        except AssertionError as error:
            with psycopg.connect(self.platform.database_url) as connection:
                why = connection.execute(
                    "select perdure.explain_wait(environment_id, id) from perdure.runs where id = %s",
                    [run_id],
                ).fetchone()
                claims = connection.execute(
                    "select lease_number, claimed_at::text, verdict, reply_status, message"
                    " from perdure_views.executions where run_id = %s order by lease_number desc limit 5",
                    [run_id],
                ).fetchall()
            error.add_note(f"{self.view(run_id).status}: {why}; the last executions: {claims}")
            raise
        return self.view(run_id)

    def worked(self, run_id: str) -> list[tuple[str, datetime]]:
        """Each call of a step's work: the step, and the instant at which it was asked for."""
        found = [re.fullmatch(r"(.+) (\d{13})", what) for what in self.notes(run_id).elements()]
        return [(note[1], datetime.fromtimestamp(int(note[2]) / 1000, UTC)) for note in found if note]

    def steps(self, run_id: str) -> dict[str, int]:
        """How often each step has worked."""
        names = [step for step, _ in self.worked(run_id)]
        return {step: names.count(step) for step in names}


@dataclass
class System:
    """All processes."""

    postgres: EmbeddedPostgres
    platform: Platform
    apps: dict[tuple[str, int], DisturbedApp] = field(default_factory=dict)

    def problems(self) -> list[tuple[Any, ...]]:
        """What ``doctor`` finds."""
        with psycopg.connect(self.platform.database_url) as connection:
            return connection.execute("select problem, subject, detail from perdure.doctor()").fetchall()


def rows(run: RunView) -> tuple[Any, ...]:
    """What is left of a run, without what differs each time: ids and instants."""

    def of_task(task: TaskView) -> tuple[Any, ...]:
        children = sorted(map(of_task, task.subtasks), key=str)
        return task.label, task.status, without_stack(task.output), task.attempt_count, children

    return run.status, run.output, [of_task(task) for task in run.tasks]


@pytest.fixture(scope="module")
def system(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Postgres, server, dispatcher and three apps of this module alone."""
    folder = Path(tempfile.mkdtemp(prefix="perdure-faults-"))
    postgres = EmbeddedPostgres(folder, settings={"fsync": "off"})  # commits must survive a crash
    try:
        postgres.start()
        with (
            Platform(postgres.url(), tmp_path_factory.mktemp("faults"), provider) as platform,
            ExitStack() as stack,
        ):
            system = System(postgres, platform)
            for sdk, timeout_ms in ((SDK_2, SHORT_MS), (SDK_2, LONG_MS), (SDK_3, LONG_MS)):
                install(SDKS[sdk])
                proxy = stack.enter_context(running(FaultProxy(platform.url)))
                app = DisturbedApp(platform, sdk, proxy, timeout_ms=timeout_ms)
                system.apps[sdk, timeout_ms] = stack.enter_context(closing(app))
            for app in system.apps.values():
                app.register()
            yield system
    finally:
        postgres.delete()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def quiet(system: System) -> dict[str, str]:
    """A run of each job that nothing happens to."""
    app = system.apps[SDK_2, LONG_MS]
    return {job: app.start(f"faults.{job}", {}) for job in (*KINDS, "all")}


@pytest.fixture(scope="module")
def undisturbed(
    system: System, quiet: dict[str, str], disturbed: dict[tuple[str, str], str], late: Late
) -> dict[str, RunView]:
    """How those runs ended; all others are under way meanwhile."""
    return {job: system.apps[SDK_2, LONG_MS].ended(run_id) for job, run_id in quiet.items()}


def check_that_nothing_shows(app: DisturbedApp, run_id: str, undisturbed: RunView) -> None:
    """Compare a disturbed run with another of the same job; nothing that was stored was worked for again."""
    run = app.ended(run_id)
    assert rows(run) == rows(undisturbed)
    stored = {task.label: task.completed_at + STORED for task in run.all_tasks() if task.completed_at}
    assert [step for step, asked_at in app.worked(run_id) if asked_at > stored[step]] == []


def test_what_the_runs_are_compared_with(undisturbed: dict[str, RunView]) -> None:
    assert {run.status for run in undisturbed.values()} == {"SUCCESS"}
    assert undisturbed["waits"].output == {"sum": 3}
    assert undisturbed["retries"].output == {"attempts": 3}
    assert undisturbed["parallel"].output == ["quick", "waiting", "failing", "gated"]
    assert undisturbed["many"].output == {"sum": sum(range(60))}
    assert len(undisturbed["many"].tasks) == 60
    assert [(task.label, task.status, task.attempt_count) for task in undisturbed["retries"].tasks] == [
        ("flaky", "COMPLETED", 3),
        ("never", "ERRORED", 2),
    ]


@pytest.fixture(scope="module")
def disturbed(system: System, quiet: dict[str, str]) -> dict[tuple[str, str], str]:
    """A run for each case, all under way at the same time."""
    started = {}
    for sdk, case in DISTURBED:
        app = system.apps[sdk, LONG_MS]
        app.proxy.rules[case] = (CALLS | EXECUTIONS)[case]()
        started[sdk, case] = app.start("faults.all", {"case": case})
    return started


@pytest.fixture(scope="module")
def late(system: System, disturbed: dict[tuple[str, str], str]) -> Late:
    """They are under way together with the others."""
    app = system.apps[SDK_2, SHORT_MS]
    late = Late({}, {})
    for call in ("EXECUTE_JOB", "POST tasks", "POST complete"):
        late.gates[call] = threading.Event()
        app.proxy.rules[call] = [Rule(call, held(late.gates[call]), times=1)]
        late.runs[call] = app.start("faults.all", {"case": call})
    return late


def test_requests_that_arrive_after_the_end(
    system: System, undisturbed: dict[str, RunView], late: Late
) -> None:
    """Nobody waits for them any more; the app goes on with executions that have long been given up."""
    app = system.apps[SDK_2, SHORT_MS]
    before = {}
    for call, run_id in late.runs.items():
        check_that_nothing_shows(app, run_id, undisturbed["all"])
        assert app.proxy.disturbed[call, call] == 0
        before[call] = app.view(run_id)
    for gate in late.gates.values():
        gate.set()
    for call, run_id in late.runs.items():
        # The platform refuses calls for a run that has ended; it takes the SDK eleven seconds to give up.
        eventually(lambda: not app.proxy.open[call], timeout_s=PLENTY_S, what="the end of what was late")  # noqa: B023
        assert app.proxy.disturbed[call, call] == 1
        assert app.view(run_id) == before[call]
        check_that_nothing_shows(app, run_id, undisturbed["all"])


@pytest.mark.parametrize(("sdk", "case"), DISTURBED)
def test_disturbed_requests(
    system: System,
    undisturbed: dict[str, RunView],
    disturbed: dict[tuple[str, str], str],
    sdk: str,
    case: str,
) -> None:
    app, run_id = system.apps[sdk, LONG_MS], disturbed[sdk, case]
    check_that_nothing_shows(app, run_id, undisturbed["all"])
    if case in CALLS:
        quiet = system.apps[SDK_2, LONG_MS]
        assert app.steps(run_id) == quiet.steps(undisturbed["all"].id)
    if case in YIELDS:
        assert app.replies(run_id).count(YIELDS[case]) == 1
    for rule in app.proxy.rules[case]:
        assert app.proxy.disturbed[case, rule.call] >= (rule.times or 1)
    assert app.proxy.problems == []


def test_nothing_waits_for_ever(system: System, disturbed: dict[tuple[str, str], str], late: Late) -> None:
    for (sdk, _case), run_id in disturbed.items():
        system.apps[sdk, LONG_MS].ended(run_id)
    for run_id in late.runs.values():
        system.apps[SDK_2, SHORT_MS].ended(run_id)
    assert system.problems() == []


def kill_server(system: System, app: DisturbedApp, go_on: Callable[[], None]) -> None:
    """The app calls in vain, until the server is there again."""
    system.platform.family.kill(system.platform.server)
    failures = app.proxy.failures
    go_on()
    eventually(lambda: app.proxy.failures > failures, what="a call in vain")
    system.platform.server = system.platform.local.start_server()
    system.platform.local.wait_until_ready()


def kill_dispatcher(system: System, app: DisturbedApp, go_on: Callable[[], None]) -> None:
    """The app finishes what it was asked for, and nobody takes its answers."""
    system.platform.family.kill(system.platform.dispatcher)
    go_on()
    eventually(lambda: not app.proxy.open[KILLED], timeout_s=PLENTY_S, what="the end of the executions")
    system.platform.dispatcher = system.platform.local.start_dispatcher()


def kill_app(system: System, app: DisturbedApp, go_on: Callable[[], None]) -> None:
    """The dispatcher calls in vain, until the app is there again."""
    system.platform.family.kill(app.process)
    failures = app.proxy.failures
    go_on()
    eventually(lambda: app.proxy.failures > failures, timeout_s=PLENTY_S, what="a request in vain")
    app.process = app.start_process()
    app.wait_until_it_listens()


def restart_postgres(system: System, app: DisturbedApp, go_on: Callable[[], None]) -> None:
    """Stopped in order while the app goes on."""
    go_on()
    system.postgres.restart()
    system.platform.views.reconnect()


def crash_postgres(system: System, app: DisturbedApp, go_on: Callable[[], None]) -> None:
    """Gone without a word, and there again when a step has a result."""
    system.postgres.kill()
    results = app.proxy.requests[KILLED, "POST complete"]
    go_on()
    eventually(lambda: app.proxy.requests[KILLED, "POST complete"] > results, what="a result")
    system.postgres.start()
    system.platform.views.reconnect()


@pytest.mark.parametrize(
    "disturb", [kill_server, kill_dispatcher, kill_app, restart_postgres, crash_postgres]
)
def test_killed_processes(
    system: System,
    undisturbed: dict[str, RunView],
    tmp_path: Path,
    disturb: Callable[[System, DisturbedApp, Callable[[], None]], None],
) -> None:
    app, gate = system.apps[SDK_2, SHORT_MS], tmp_path / "gate"
    payload = {"case": KILLED, "gate": str(gate), "seconds": 3}
    runs = {job: app.start(f"faults.{job}", payload) for job in ("parallel", "many")}
    eventually(
        lambda: {"quick", "failing", "gated"} <= app.steps(runs["parallel"]).keys(), what="parallel tasks"
    )
    eventually(lambda: "task 30" in app.steps(runs["many"]), what="thirty of sixty tasks")
    runs |= {job: app.start(f"faults.{job}", payload) for job in ("waits", "retries")}
    runs["many, anywhere"] = app.start("faults.many", {"case": KILLED})

    def sleeps(job: str, step: str) -> bool:
        return step in app.steps(runs[job]) and app.view(runs[job]).status == "WAITING_TO_CONTINUE"

    eventually(lambda: "task 5" in app.steps(runs["many, anywhere"]), what="some of sixty tasks")
    eventually(lambda: sleeps("waits", "first"), what="a run that waits")
    eventually(lambda: sleeps("retries", "flaky"), what="a run that will try again")
    assert not any(app.view(runs[job]).is_final for job in KINDS)

    disturb(system, app, gate.touch)

    for job, run_id in runs.items():
        check_that_nothing_shows(app, run_id, undisturbed[job.partition(",")[0]])
    assert app.proxy.problems == []
    assert system.problems() == []
