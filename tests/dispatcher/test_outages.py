"""The database goes away at each point of an execution: nothing is lost, nothing is done twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from uuid import uuid4

import pytest

from perdure_engine.embedded import EmbeddedPostgres
from perdure_engine.migrator import migrate
from tests.dispatcher.conftest import StartDispatcher
from tests.dispatcher.running import LISTENER, running_dispatcher, wait_for_status, wait_for_verdicts
from tests.support.builders import Builders, Endpoint, Run
from tests.support.database import Database
from tests.support.fix_endpoint import Answer, ScriptedEndpoint
from tests.support.waiting import eventually

MakeRun = Callable[..., Run]
SUCCESS = Answer.json({"status": "SUCCESS"})


class OwnServer:
    """A migrated server that the test may stop; connections do not survive it: each run has its own."""

    def __init__(self, server: EmbeddedPostgres, connections: ExitStack, endpoint_url: str) -> None:
        self.server = server
        self.url = server.url()
        self._connections = connections
        self._endpoint_url = endpoint_url

    def make_run(self, *, timeout_ms: int | None = None) -> Run:
        """A new run, of an environment of its own."""
        builders = Builders(self._connect())
        environment = builders.environment("prod", project=f"project-{uuid4().hex}")
        return builders.run(
            builders.endpoint(environment=environment, url=self._endpoint_url, timeout_ms=timeout_ms)
        )

    def again(self, run: Run) -> Run:
        """The same run, over a new connection."""
        return replace(run, db=self._connect())

    def _connect(self) -> Database:
        return self._connections.enter_context(Database(self.url))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server of this module; it keeps what it has confirmed when it is killed."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("outages") / "server", settings={"fsync": "off"})
    try:
        server.start()
        migrate(server.url(), echo=lambda _line: None)
        yield server
    finally:
        server.delete()


@pytest.fixture
def own(server: EmbeddedPostgres, scripted_endpoint: ScriptedEndpoint) -> Iterator[OwnServer]:
    """The server, up, for one test."""
    server.start()
    with ExitStack() as connections:
        yield OwnServer(server, connections, scripted_endpoint.url)


@pytest.mark.parametrize("crash", [False, True], ids=["restart", "crash"])
def test_postgres_restarts_during_a_request(
    own: OwnServer,
    scripted_endpoint: ScriptedEndpoint,
    crash: bool,
) -> None:
    gate = threading.Event()
    scripted_endpoint.then("EXECUTE_JOB", Answer.slow({"status": "SUCCESS"}, gate))
    scripted_endpoint.default("EXECUTE_JOB", SUCCESS)
    with running_dispatcher(own.url, max_sleep_s=3600):
        run = own.make_run()
        scripted_endpoint.wait_for(1)
        if crash:
            own.server.kill()
            own.server.start()
        else:
            own.server.restart()
        gate.set()
        run = own.again(run)
        wait_for_status(run, "SUCCESS", timeout_s=20)
        wait_for_verdicts(run, "REPLY")
        later = own.make_run()  # the listener is back, too, or the loop has looked by itself
        wait_for_status(later, "SUCCESS", timeout_s=20)


def test_replies_that_come_while_postgres_is_away_are_stored_when_it_is_back(
    own: OwnServer,
    scripted_endpoint: ScriptedEndpoint,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = threading.Event()
    scripted_endpoint.default("EXECUTE_JOB", Answer.slow({"status": "SUCCESS", "output": 7}, gate))
    with running_dispatcher(own.url, max_sleep_s=3600, database_wait_s=0.2):
        runs = [own.make_run() for _ in range(3)]
        scripted_endpoint.wait_for(3)
        own.server.kill()
        gate.set()
        eventually(lambda: "in_flight=3 kept=3" in caplog.text, timeout_s=20, what="the results kept")
        own.server.start()
        for run in map(own.again, runs):
            wait_for_status(run, "SUCCESS", timeout_s=20)
            wait_for_verdicts(run, "REPLY")
            assert run.read()["output"] == 7
    assert len(scripted_endpoint.requests()) == 3


def test_a_kept_reply_is_stored_before_its_lease_is_taken_back(
    own: OwnServer, scripted_endpoint: ScriptedEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    gate = threading.Event()
    scripted_endpoint.default("EXECUTE_JOB", Answer.slow({"status": "SUCCESS"}, gate))
    with running_dispatcher(own.url, max_sleep_s=3600, database_wait_s=0.2, lease_margin_s=1):
        run = own.make_run(timeout_ms=1000)
        scripted_endpoint.wait_for(1)
        lease_over_at = time.monotonic() + 2.1
        own.server.kill()
        gate.set()
        eventually(lambda: "kept=1" in caplog.text, timeout_s=20, what="the result kept")
        eventually(lambda: time.monotonic() > lease_over_at, what="the end of the lease")
        own.server.start()
        run = own.again(run)
        wait_for_status(run, "SUCCESS", timeout_s=20)
        wait_for_verdicts(run, "REPLY")


def test_a_dispatcher_drains_although_postgres_is_away(
    own: OwnServer,
    scripted_endpoint: ScriptedEndpoint,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = threading.Event()
    scripted_endpoint.default("EXECUTE_JOB", Answer.slow({"status": "SUCCESS"}, gate))
    with running_dispatcher(own.url, database_wait_s=0.2, drain_s=60) as dispatcher:
        run = own.make_run()
        scripted_endpoint.wait_for(1)
        own.server.kill()
        gate.set()
        eventually(lambda: "kept=1" in caplog.text, timeout_s=20, what="the result kept")
        dispatcher.ask_to_stop()
        own.server.start()
        dispatcher.join()
    assert dispatcher.drained is True
    assert own.again(run).status == "SUCCESS"


def test_a_connection_that_dies_while_a_result_is_stored(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    make_run: MakeRun,
    db: Database,
) -> None:
    scripted_endpoint.default("EXECUTE_JOB", SUCCESS)
    gate = threading.Event()
    scripted_endpoint.then("EXECUTE_JOB", Answer.slow({"status": "SUCCESS"}, gate))
    start_dispatcher(max_sleep_s=3600)
    run = make_run(app)
    scripted_endpoint.wait_for(1)
    db.execute("reset role")  # only a superuser sees what others wait for
    blocked = (
        "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    )
    with db.as_role("perdure_owner") as other, other.connection.transaction():
        other.execute("select from perdure.runs where id = %s for update", run.id)
        gate.set()
        pid = eventually(lambda: db.value(blocked), what="apply_results waits for the row")
        db.execute("select pg_terminate_backend(%s)", pid)
    wait_for_status(run, "SUCCESS")
    wait_for_verdicts(run, "REPLY")


def test_a_result_waits_for_a_cure_of_what_is_no_fault_of_its_own(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    make_run: MakeRun,
    db: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = threading.Event()
    scripted_endpoint.default("EXECUTE_JOB", Answer.slow({"status": "SUCCESS"}, gate))
    start_dispatcher()
    run = make_run(app)
    scripted_endpoint.wait_for(1)
    db.execute("revoke execute on function perdure.apply_results from perdure_dispatcher")
    gate.set()
    eventually(lambda: "result not stored" in caplog.text)
    db.execute("grant execute on function perdure.apply_results to perdure_dispatcher")
    wait_for_status(run, "SUCCESS")
    wait_for_verdicts(run, "REPLY")


def test_a_look_that_fails_keeps_no_other_from_its_own(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    make_run: MakeRun,
    db: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    scripted_endpoint.default("EXECUTE_JOB", SUCCESS)
    db.execute("drop function perdure.promote_due(integer)")
    start_dispatcher()
    eventually(lambda: "dispatcher failed in=_promote" in caplog.text)
    wait_for_status(make_run(app), "SUCCESS")


def test_a_lost_listener_is_replaced_and_nothing_is_missed(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    make_run: MakeRun,
    db: Database,
) -> None:
    scripted_endpoint.default("EXECUTE_JOB", SUCCESS)
    start_dispatcher(max_sleep_s=3600)
    wait_for_status(make_run(app), "SUCCESS")
    db.execute("reset role")
    listener = "select pid from pg_stat_activity where application_name = %s and datname = current_database()"
    for _ in range(3):
        pid = eventually(lambda: db.value(listener, LISTENER), what="a listener")
        db.execute("select pg_terminate_backend(%s)", pid)
        wait_for_status(make_run(app), "SUCCESS")


def test_without_any_notification_the_longest_sleep_is_the_limit(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    make_run: MakeRun,
    db: Database,
) -> None:
    db.execute(
        "create or replace function perdure._notify_dispatchers(p_what text) returns void"
        " language sql return null"
    )
    scripted_endpoint.default("EXECUTE_JOB", SUCCESS)
    start_dispatcher(max_sleep_s=0.3)
    for _ in range(3):
        wait_for_status(make_run(app), "SUCCESS")
