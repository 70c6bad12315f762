"""The end of a dispatcher process by signals."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from psycopg.conninfo import make_conninfo

from tests.dispatcher.conftest import StartDispatcher, StartProcess
from tests.support.builders import Endpoint, Run
from tests.support.database import Database
from tests.support.fix_endpoint import Answer, ScriptedEndpoint
from tests.support.waiting import eventually

MakeRun = Callable[..., Run]


def wait_for_line(log: Path, text: str) -> None:
    eventually(lambda: text in log.read_text(), timeout_s=20, what=f"{text!r} in the log")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_what_is_in_flight_finish_and_claims_nothing_more(
    start_process: StartProcess,
    process_log: Path,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    make_run: MakeRun,
    number: signal.Signals,
) -> None:
    gate = threading.Event()
    scripted_endpoint.default("EXECUTE_JOB", Answer.slow({"status": "SUCCESS"}, gate))
    process = start_process()
    run = make_run(app)
    scripted_endpoint.wait_for(1, timeout_s=20)
    process.send_signal(number)
    wait_for_line(process_log, "draining in_flight=1")
    later = make_run(app)
    gate.set()
    assert process.wait(timeout=20) == 0
    assert (run.status, later.status) == ("SUCCESS", "QUEUED")
    assert len(scripted_endpoint.requests()) == 1
    wait_for_line(process_log, "drained")


def test_a_second_signal_stops_at_once(
    start_process: StartProcess,
    process_log: Path,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    make_run: MakeRun,
) -> None:
    scripted_endpoint.default("EXECUTE_JOB", Answer.hang())
    process = start_process(PERDURE_DRAIN_S="3600")
    run = make_run(app)
    scripted_endpoint.wait_for(1, timeout_s=20)
    process.send_signal(signal.SIGTERM)
    wait_for_line(process_log, "draining in_flight=1")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 1
    assert run.status == "EXECUTING"  # its lease brings it back


def test_the_drain_time_is_a_limit(
    start_dispatcher: StartDispatcher, scripted_endpoint: ScriptedEndpoint, app: Endpoint, make_run: MakeRun
) -> None:
    scripted_endpoint.default("EXECUTE_JOB", Answer.hang())
    dispatcher = start_dispatcher(drain_s=0.1)
    run = make_run(app)
    scripted_endpoint.wait_for(1)
    dispatcher.ask_to_stop()
    dispatcher.join()
    assert dispatcher.drained is False
    assert run.status == "EXECUTING"


def test_an_idle_dispatcher_stops_without_waiting(start_dispatcher: StartDispatcher) -> None:
    dispatcher = start_dispatcher(drain_s=3600, max_sleep_s=3600)
    dispatcher.ask_to_stop()
    dispatcher.join()
    assert dispatcher.drained is True


def test_a_dispatcher_without_a_database_says_what_to_set(
    start_process: StartProcess, process_log: Path
) -> None:
    process = start_process(PERDURE_DATABASE_URL="", DATABASE_URL="")
    assert process.wait(timeout=20) == 2
    assert "not started: PERDURE_DATABASE_URL is not set" in process_log.read_text()


def test_a_dispatcher_whose_login_lacks_the_role_says_so(
    start_process: StartProcess, process_log: Path, db: Database
) -> None:
    login = f"stranger_{uuid4().hex[:12]}"
    db.execute("reset role")
    db.execute(f"create role {login} login password 'secret'")
    try:
        process = start_process(PERDURE_DATABASE_URL=make_conninfo(db.url, user=login, password="secret"))
        assert process.wait(timeout=20) == 1
    finally:
        db.execute(f"drop role {login}")
    assert 'not started: permission denied to set role "perdure_dispatcher"' in process_log.read_text()
