"""Many runs of one app at once, from database to app and back: in few requests, each with its own end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from perdure_dispatcher import known_apps
from perdure_engine.sealing import SecretBox, new_secret_key
from perdure_server.cli.local.ports import free_port
from tests.dispatcher.batch_app import make_app
from tests.dispatcher.conftest import StartDispatcher
from tests.dispatcher.running import executions, wait_for_status, wait_for_verdicts
from tests.support.builders import PUBLIC_URL, Builders, Endpoint, Environment, Run, job
from tests.support.fix_clock import Clock
from tests.support.http_server import serve
from tests.support.waiting import eventually, refuses_connections


@pytest.fixture(autouse=True)
def busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts as quick: also the first answer of an app, when others keep the machine busy."""
    monkeypatch.setattr(known_apps, "_QUICK_MS", 5_000.0)


@pytest.fixture
def production(builders: Builders) -> Environment:
    return builders.environment("prod")


@pytest.fixture
def app(builders: Builders, production: Environment, tmp_path: Path) -> Iterator[Endpoint]:
    """An app of the SDK over real HTTP, in this process."""
    with serve(make_app(tmp_path, api_key=production.key)) as url:
        yield builders.endpoint(environment=production, url=f"{url}/", timeout_ms=20_000)


def requests(folder: Path) -> Counter[str]:
    """What the app was asked so far; forgets it."""
    path = folder / "requests"
    counted = Counter(path.read_text().split())
    path.write_text("")
    return counted


def send(builders: Builders, endpoint: Endpoint, *payloads: dict[str, Any]) -> list[Run]:
    """A run for each payload, all ready at the same moment."""
    raw = [{"name": "greet", "payload": payload} for payload in payloads]
    environment = endpoint.environment
    runs = []
    for event in builders.db.call("send_events", environment.id, raw):
        (run,) = builders.db.call("get_event", environment.id, event["id"])["runs"]
        runs.append(Run(builders.db, run["id"], event["id"], environment))
    return runs


def introduce(builders: Builders, endpoint: Endpoint, folder: Path) -> None:
    """A run alone, by whose answer the dispatcher learns that the app takes batches."""
    (run,) = send(builders, endpoint, {"name": "Ann"})
    wait_for_status(run, "SUCCESS")
    assert requests(folder) == {"EXECUTE_JOB": 1}


def test_twenty_runs_take_a_handful_of_requests(
    start_dispatcher: StartDispatcher, builders: Builders, app: Endpoint, tmp_path: Path
) -> None:
    start_dispatcher()
    introduce(builders, app, tmp_path)
    runs = send(builders, app, *({"name": f"No. {number}"} for number in range(20)))
    for number, run in enumerate(runs):
        wait_for_status(run, "SUCCESS")
        assert run.read()["output"] == f"Hello No. {number}"
        wait_for_verdicts(run, "REPLY")
    asked = requests(tmp_path)
    assert asked["EXECUTE_JOBS"] >= 1
    assert asked.total() <= 5


def test_each_ends_in_its_own_way(
    start_dispatcher: StartDispatcher, builders: Builders, app: Endpoint, tmp_path: Path
) -> None:
    start_dispatcher(max_response_bytes=4096)
    introduce(builders, app, tmp_path)
    quick, failing, waiting, boasting, last = send(
        builders, app, {"name": "Ann"}, {"do": "fail"}, {"do": "wait"}, {"do": "boast"}, {"name": "Eve"}
    )
    wait_for_status(quick, "SUCCESS")
    wait_for_status(last, "SUCCESS")
    wait_for_status(failing, "FAILURE")
    assert failing.read()["output"]["message"] == "no"
    wait_for_status(waiting, "WAITING_TO_CONTINUE")
    wait_for_status(boasting, "FAILURE")
    (execution,) = wait_for_verdicts(boasting, "MALFORMED")
    assert "The answer is too large" in execution.message
    assert requests(tmp_path) == {"EXECUTE_JOBS": 1}


def test_one_that_hangs_among_quick_ones_times_out_alone(
    start_dispatcher: StartDispatcher, builders: Builders, app: Endpoint, tmp_path: Path, clock: Clock
) -> None:
    builders.db.call("register_endpoint", app.environment.id, app.slug, app.url, 1000)
    start_dispatcher()
    introduce(builders, app, tmp_path)
    first, hanging, last = send(builders, app, {"name": "Ann"}, {"do": "hang"}, {"name": "Bob"})
    wait_for_status(first, "SUCCESS")
    wait_for_status(last, "SUCCESS")
    assert hanging.status == "EXECUTING"
    (execution,) = wait_for_verdicts(hanging, "UNREACHABLE")
    assert "did not answer within 1 s" in execution.message
    assert requests(tmp_path) == {"EXECUTE_JOBS": 1}
    (tmp_path / "open").touch()
    clock.advance(timedelta(seconds=1))
    wait_for_status(hanging, "SUCCESS")


def test_an_app_of_one_execution_a_request_gets_them_one_by_one(
    start_dispatcher: StartDispatcher, builders: Builders, production: Environment, tmp_path: Path
) -> None:
    with serve(make_app(tmp_path, api_key=production.key, max_batch=1)) as url:
        endpoint = builders.endpoint(environment=production, url=f"{url}/")
        start_dispatcher()
        introduce(builders, endpoint, tmp_path)
        for run in send(builders, endpoint, *[{"name": "Ann"}] * 5):
            wait_for_status(run, "SUCCESS")
        assert requests(tmp_path) == {"EXECUTE_JOB": 5}


def test_each_has_its_own_connections(
    start_dispatcher: StartDispatcher, builders: Builders, production: Environment, tmp_path: Path
) -> None:
    """The app takes the bodies only when the tokens are as they must be: they are checked by its models."""
    builders.db.call("set_setting", "public_url", PUBLIC_URL)
    slack = {"id": "slack", "metadata": {"id": "slack", "name": "Slack"}, "authSource": "HOSTED"}
    secret_keys = new_secret_key()
    token = SecretBox.from_setting(secret_keys).seal("xoxb-1")
    bodies: list[bytes] = []
    with serve(Listening(make_app(tmp_path, api_key=production.key), bodies)) as url:
        endpoint = builders.endpoint(
            job(integrations={"mySlack": slack}), environment=production, url=f"{url}/"
        )
        connection = {"type": "oauth2", "sealedToken": token, "scopes": ["chat:write"]}
        builders.db.call("create_connection", production.id, None, "slack", connection)
        start_dispatcher(secret_keys=secret_keys)
        introduce(builders, endpoint, tmp_path)
        for run in send(builders, endpoint, *[{"name": "Ann"}] * 3):
            wait_for_status(run, "SUCCESS")
        assert requests(tmp_path) == {"EXECUTE_JOBS": 1}
    assert bodies[-1].count(b'"accessToken": "xoxb-1"') == 3
    assert bodies[-1].count(b"\n") == 3


def test_line_breaks_in_a_payload_part_no_lines(
    start_dispatcher: StartDispatcher, builders: Builders, app: Endpoint, tmp_path: Path
) -> None:
    start_dispatcher()
    introduce(builders, app, tmp_path)
    runs = send(builders, app, *[{"name": "A\n\r\u2028nn", "more": {"a": [1, "\n"]}}] * 3)
    for run in runs:
        wait_for_status(run, "SUCCESS")
        assert run.read()["output"] == "Hello A\n\r\u2028nn"
    assert requests(tmp_path) == {"EXECUTE_JOBS": 1}


def test_a_batch_under_way_may_end_while_the_dispatcher_drains(
    start_dispatcher: StartDispatcher, builders: Builders, app: Endpoint, tmp_path: Path
) -> None:
    dispatcher = start_dispatcher()
    introduce(builders, app, tmp_path)
    quick, *hanging = send(builders, app, {"name": "Ann"}, {"do": "hang"}, {"do": "hang"})
    wait_for_status(quick, "SUCCESS")
    dispatcher.ask_to_stop()
    (tmp_path / "open").touch()
    dispatcher.join()
    assert dispatcher.drained is True
    assert [run.status for run in hanging] == ["SUCCESS"] * 2


def test_a_batch_is_cut_when_the_drain_time_is_over(
    start_dispatcher: StartDispatcher, builders: Builders, app: Endpoint, tmp_path: Path
) -> None:
    dispatcher = start_dispatcher(drain_s=0.1)
    introduce(builders, app, tmp_path)
    quick, *hanging = send(builders, app, {"name": "Ann"}, {"do": "hang"}, {"do": "hang"})
    wait_for_status(quick, "SUCCESS")
    dispatcher.ask_to_stop()
    dispatcher.join()
    assert dispatcher.drained is False
    assert [run.status for run in hanging] == ["EXECUTING"] * 2, "their leases bring them back"
    (tmp_path / "open").touch()


@contextmanager
def app_process(environment: Environment, port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The app as a process of its own, which listens; killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.dispatcher.batch_app", str(port), str(folder)],
        env={**os.environ, "PERDURE_API_KEY": environment.key},
    )
    try:
        eventually(lambda: not refuses_connections(f"http://127.0.0.1:{port}"), what="the app's start")
        yield process
    finally:
        process.kill()
        process.wait(timeout=10)


def test_an_app_killed_in_the_middle_loses_only_what_had_not_ended(
    start_dispatcher: StartDispatcher,
    builders: Builders,
    production: Environment,
    clock: Clock,
    tmp_path: Path,
) -> None:
    port = free_port()
    endpoint = builders.endpoint(environment=production, url=f"http://127.0.0.1:{port}/")
    with app_process(production, port, tmp_path) as process:
        start_dispatcher()
        introduce(builders, endpoint, tmp_path)
        runs = send(builders, endpoint, {"name": "Ann"}, {"do": "hang"}, {"name": "Bob"}, {"do": "hang"})
        ended, cut_off = runs[::2], runs[1::2]
        for run in ended:
            wait_for_status(run, "SUCCESS")
        assert requests(tmp_path) == {"EXECUTE_JOBS": 1}
        process.kill()
    for run in cut_off:
        wait_for_verdicts(run, "UNREACHABLE")
    (tmp_path / "open").touch()
    with app_process(production, port, tmp_path):
        clock.advance(timedelta(seconds=1))
        for run in cut_off:
            wait_for_status(run, "SUCCESS")
    for run in cut_off:  # it may have been tried before the app was there again
        *refused, last = [execution.verdict for execution in executions(run)]
        assert (set(refused), last) == ({"UNREACHABLE"}, "REPLY")
    for run in ended:
        wait_for_verdicts(run, "REPLY")


class Listening:
    """Keeps what an ASGI app is sent."""

    def __init__(self, asgi: Any, bodies: list[bytes]) -> None:
        self._asgi = asgi
        self._bodies = bodies

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def listen() -> Any:
            message = await receive()
            if message.get("body"):
                self._bodies.append(message["body"])
            return message

        await self._asgi(scope, listen, send)
