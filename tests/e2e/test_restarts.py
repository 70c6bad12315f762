"""Server and Postgres are restarted while a run waits and while one of its tasks runs."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.github_reminder.demo_system import ReminderSystem
from perdure_engine.embedded import EmbeddedPostgres

from .conftest import running

# Longer than any restart: here the app and the dispatcher that calls it are to come through in one piece.
PATIENT_MS = 60_000


def start_run(system: ReminderSystem) -> str:
    """A run that waits, and whose call of Slack will hang."""
    system.slack.hold_next("chat.postMessage")
    _, delivery = system.open_issue("The front page is blank")
    run_id = system.wait_for_run(delivery["guid"])
    system.wait_for_run_to_be(run_id, lambda run: run.status == "WAITING_TO_CONTINUE", what="the wait")
    return run_id


def check_that_it_ends_well(system: ReminderSystem, run_id: str) -> None:
    run = system.wait_for_run_to_be(run_id, lambda run: run.is_final, what="the end")
    assert (run.status, run.output) == ("SUCCESS", "reminded")
    calls = Counter(call.name.partition("/issues")[0] for call in system.slack.calls())
    assert calls == {"POST /api/chat.postMessage": 1}


def test_a_run_survives_restarts_of_the_server(own_database_url: str) -> None:
    with running(own_database_url, delay_s=3, endpoint_timeout_ms=PATIENT_MS) as system:
        run_id = start_run(system)
        system.restart_server()
        system.wait_for_run_to_be(run_id, lambda _run: bool(system.slack.calls()), what="the task")
        system.kill_server()
        system.slack.release()  # the app has a result that nobody takes
        system.start_server()
        check_that_it_ends_well(system, run_id)


@pytest.fixture
def postgres() -> Iterator[EmbeddedPostgres]:
    """A server of this test alone."""
    folder = Path(tempfile.mkdtemp(prefix="perdure-e2e-"))
    server = EmbeddedPostgres(
        folder / "postgres", settings={"fsync": "off"}
    )  # commits must survive the crash
    try:
        yield server.start()
    finally:
        server.delete()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_run_survives_restarts_of_postgres(postgres: EmbeddedPostgres) -> None:
    with running(postgres.url(), delay_s=3, endpoint_timeout_ms=PATIENT_MS) as system:
        run_id = start_run(system)
        postgres.restart()
        system.views.reconnect()
        system.wait_for_run_to_be(run_id, lambda _run: bool(system.slack.calls()), what="the task")
        postgres.kill()  # as in a crash
        system.slack.release()  # the app has a result that cannot be stored
        postgres.start()
        system.views.reconnect()
        check_that_it_ends_well(system, run_id)
