"""``perdure serve`` and ``perdure dispatcher``: they start, stop in order, and say why they do not."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import httpx
import pytest

from perdure_server.cli.local.ports import free_port, listen
from perdure_server.cli.local.processes import Child, Family
from tests.support.builders import Builders, task
from tests.support.database import Database
from tests.support.waiting import eventually, refuses_connections


@pytest.fixture
def family() -> Iterator[Family]:
    with Family(stop_timeout_s=20) as family:
        yield family


def start(family: Family, *arguments: str, **variables: str) -> Child:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PERDURE_")}
    command = [sys.executable, "-m", "perdure_server.cli", *arguments]
    return family.start("it", command, variables={**inherited, **variables})


def refusal(family: Family, *arguments: str, **variables: str) -> str:
    """What a service says that does not start."""
    child = start(family, *arguments, **variables)
    child.wait(timeout_s=60)
    family.disown(child)
    child.kill()
    assert child.exit_status == 1, child.lines
    text = "\n".join(child.lines)
    assert "Traceback" not in text
    return text


def test_serve_answers_until_it_is_told_to_stop(family: Family, db: Database) -> None:
    port = free_port()
    public = "https://jobs.example.com"
    server = start(
        family, "serve", "--port", str(port), PERDURE_DATABASE_URL=db.url, PERDURE_PUBLIC_URL=public
    )
    server.wait_for_line(lambda line: line == f"perdure serve: http://127.0.0.1:{port}", timeout_s=60)
    ready = httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False)
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert db.value("select value from perdure.settings where name = 'public_url'") == public
    family.stop(server)
    assert server.exit_status == 0
    assert any("path=/readyz status=200" in line for line in server.lines)


@pytest.mark.parametrize("call", ["run", "complete"])
def test_serve_has_executions_yield_when_it_is_told_to_stop(
    family: Family, db_url: str, builders: Builders, call: str
) -> None:
    server = start(family, "serve", "--port", "0", "--no-access-log", PERDURE_DATABASE_URL=db_url)
    line = server.wait_for_line(lambda line: line.startswith("perdure serve: http"), timeout_s=60)
    run = builders.run()
    (opened,) = builders.claim(run).stored(task("open"))
    path, begin, end = {
        "run": ("tasks", b'{"idempotencyKey": "1", "noop": false, ', b'"name": "step"}'),
        "complete": (f"tasks/{opened['id']}/complete", b'{"output": ', b"1}"),
    }[call]

    def body() -> Iterator[bytes]:
        """A call that is under way when the server is told to stop."""
        yield begin
        # The server takes connections in turn: it has this one when it answers over the next.
        httpx.get(f"{line.split()[-1]}/healthz", trust_env=False)
        os.kill(server.pid, signal.SIGTERM)
        eventually(lambda: refuses_connections(line.split()[-1]), what="the server's decision to stop")
        yield end

    answer = httpx.post(
        f"{line.split()[-1]}/api/v1/runs/{run.id}/{path}",
        content=body(),
        headers={"authorization": f"Bearer {run.environment.key}"},
        trust_env=False,
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["forceYield"] is True
    server.wait(timeout_s=30)
    family.disown(server)
    server.kill()
    assert server.exit_status == 0


def test_serve_can_take_any_port(family: Family, db_url: str) -> None:
    server = start(family, "serve", "--port", "0", "--no-access-log", PERDURE_DATABASE_URL=db_url)
    line = server.wait_for_line(lambda line: line.startswith("perdure serve: http"), timeout_s=60)
    assert httpx.get(f"{line.split()[-1]}/healthz", trust_env=False).status_code == 200


@pytest.mark.parametrize("service", ["serve", "dispatcher"])
def test_a_service_wants_a_migrated_database(family: Family, empty_db_url: str, service: str) -> None:
    words = refusal(family, service, "--database-url", empty_db_url)
    assert "run `perdure migrate` on this database" in words


def test_serve_says_that_its_port_is_taken(family: Family, db_url: str) -> None:
    with listen(0) as taken:
        port = taken.getsockname()[1]
        words = refusal(family, "serve", "--port", str(port), PERDURE_DATABASE_URL=db_url)
    assert f"cannot listen on 127.0.0.1:{port}" in words


def test_serve_names_a_setting_that_cannot_be_used(family: Family, db_url: str) -> None:
    words = refusal(family, "serve", "--public-url", "jobs.example.com", PERDURE_DATABASE_URL=db_url)
    assert "PERDURE_PUBLIC_URL" in words


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_dispatcher_stops_in_order(family: Family, db_url: str, number: signal.Signals) -> None:
    dispatcher = start(family, "dispatcher", "--slots", "3", "--database-url", db_url)
    dispatcher.wait_for_line(lambda line: "slots=3" in line, timeout_s=60)
    os.kill(dispatcher.pid, number)
    dispatcher.wait(timeout_s=30)
    family.disown(dispatcher)
    dispatcher.kill()
    assert dispatcher.exit_status == 0, dispatcher.lines


def test_the_dispatcher_names_a_setting_that_cannot_be_used(family: Family, db_url: str) -> None:
    words = refusal(family, "dispatcher", "--database-url", db_url, PERDURE_LEASE_MARGIN_S="soon")
    assert "PERDURE_LEASE_MARGIN_S must be a number of seconds" in words
