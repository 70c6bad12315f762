"""Requests that the platform sends for tasks, on their way to a real receiver and back into the run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.dispatcher.conftest import StartDispatcher, StartProcess
from tests.dispatcher.running import wait_for_status
from tests.support.builders import Builders, Endpoint, Run, task
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.fix_endpoint import Answer, Received, ScriptedEndpoint
from tests.support.waiting import eventually

AT_ONCE = {"strategy": "backoff", "minTimeoutInMs": 1, "maxTimeoutInMs": 1}


class Fetching:
    """A job that has one request sent, and returns its task.

    Args:
        receiver: also the app.
    """

    def __init__(self, db: Database, builders: Builders, app: Endpoint, receiver: ScriptedEndpoint) -> None:
        self.db = db
        self.url = receiver.url.replace("/api/trigger", "/things")
        self._builders = builders
        self._app = app
        self._receiver = receiver

    def start(self, *, kind: str = "fetch", **params: Any) -> Run:
        """Send the event that starts it."""
        record = task("get", operation=kind, params={"url": self.url, **params})

        def execute(received: Received) -> Answer:
            ended = [each for each in received.json["tasks"] if each["status"] != "RUNNING"]
            if ended:
                return Answer.json({"status": "SUCCESS", "output": ended[0]})
            return Answer.json({"status": "RESUME_WITH_TASK", "task": record})

        self._receiver.default("EXECUTE_JOB", execute)
        return self._builders.run(self._app)

    def ended(self, run: Run) -> tuple[str, Any]:
        """Wait until the run has ended; status and output of the task as its second execution saw it."""
        wait_for_status(run, "SUCCESS")
        output = run.read()["output"]
        return output["status"], output["output"]

    def requests(self) -> list[Received]:
        """What the receiver got."""
        return self._receiver.requests("")


@pytest.fixture
def fetching(
    db: Database, builders: Builders, app: Endpoint, scripted_endpoint: ScriptedEndpoint
) -> Fetching:
    return Fetching(db, builders, app, scripted_endpoint)


def test_a_good_answer_goes_into_the_run(
    start_dispatcher: StartDispatcher, fetching: Fetching, scripted_endpoint: ScriptedEndpoint
) -> None:
    scripted_endpoint.default("", Answer.json({"n": 1}, status=201, x_kind="thing"))
    start_dispatcher(max_sleep_s=3600)
    headers = {"X-Token": "t", "Host": "elsewhere.example", "Content-Length": "99", "Connection": "close"}
    init = {"method": "POST", "headers": headers, "body": '{"ü": 1}'}
    run = fetching.start(kind="fetch-response", requestInit=init)
    status, output = fetching.ended(run)
    assert (status, output["data"], output["status"]) == ("COMPLETED", {"n": 1}, 201)
    assert output["headers"]["x-kind"] == "thing"
    (received,) = fetching.requests()
    assert (received.method, received.path, received.body) == ("POST", "/things", '{"ü": 1}'.encode())
    assert received.headers["x-token"] == "t"
    assert received.headers["host"] in fetching.url
    assert received.headers["content-type"] == "text/plain;charset=UTF-8"
    assert received.headers["user-agent"] == "perdure"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_methods_without_a_body(
    start_dispatcher: StartDispatcher, fetching: Fetching, scripted_endpoint: ScriptedEndpoint, method: str
) -> None:
    scripted_endpoint.default("", Answer.json({"n": 1}) if method == "GET" else Answer(200))
    start_dispatcher(max_sleep_s=3600)
    run = fetching.start(requestInit={"method": method, "body": "ignored"})
    assert fetching.ended(run) == ("COMPLETED", {"n": 1} if method == "GET" else None)
    (received,) = fetching.requests()
    assert (received.method, received.body) == (method, b"")


def test_a_bad_answer_is_asked_for_again(
    start_dispatcher: StartDispatcher, fetching: Fetching, scripted_endpoint: ScriptedEndpoint
) -> None:
    scripted_endpoint.then("", Answer(503), Answer.reset(), Answer.json({"n": 3}))
    start_dispatcher(max_sleep_s=3600)
    run = fetching.start(retry={"5xx": {**AT_ONCE, "limit": 2}, "all": AT_ONCE})
    assert fetching.ended(run) == ("COMPLETED", {"n": 3})
    assert len(fetching.requests()) == 3


def test_a_redirect_is_followed(
    start_dispatcher: StartDispatcher, fetching: Fetching, scripted_endpoint: ScriptedEndpoint
) -> None:
    scripted_endpoint.then("", Answer(302, {"location": "/elsewhere"}), Answer.json({"moved": True}))
    start_dispatcher(max_sleep_s=3600)
    assert fetching.ended(fetching.start()) == ("COMPLETED", {"moved": True})
    assert [received.path for received in fetching.requests()] == ["/things", "/elsewhere"]


def test_a_slow_answer_is_not_waited_for(
    start_dispatcher: StartDispatcher, fetching: Fetching, scripted_endpoint: ScriptedEndpoint
) -> None:
    scripted_endpoint.then("", Answer.hang(), Answer.hang())
    start_dispatcher(max_sleep_s=3600)
    run = fetching.start(timeout={"durationInMs": 1000, "retry": {**AT_ONCE, "limit": 2}})
    assert fetching.ended(run) == ("ERRORED", {"message": "Fetch timed out after 1000ms"})
    assert len(fetching.requests()) == 2
    assert fetching.db.value("select duration_ms from perdure.runs") >= 2000


def test_a_large_answer_is_refused(
    start_dispatcher: StartDispatcher, fetching: Fetching, scripted_endpoint: ScriptedEndpoint
) -> None:
    scripted_endpoint.default("", Answer(200, body=b'"%s"' % (b"x" * 70_000)))
    start_dispatcher(max_sleep_s=3600, max_response_bytes=65_536)
    status, output = fetching.ended(fetching.start(retry={"all": AT_ONCE}))
    assert (status, "too large" in output["message"]) == ("ERRORED", True)
    assert len(fetching.requests()) == 1


def test_a_poll_goes_on_until_the_answer_matches(
    start_dispatcher: StartDispatcher, fetching: Fetching, scripted_endpoint: ScriptedEndpoint, clock: Clock
) -> None:
    scripted_endpoint.then("", Answer.json({"state": "new"}), Answer.json({"state": "done"}))
    start_dispatcher(max_sleep_s=3600)
    run = fetching.start(kind="fetch-poll", responseFilter={"body": {"state": ["done"]}})
    message = "select message from perdure.deliveries where kind = 'FETCH'"
    eventually(
        lambda: "does not match" in (fetching.db.value(message) or ""),
        what="the first answer",
    )
    clock.advance(timedelta(seconds=10))
    assert fetching.ended(run) == ("COMPLETED", {"state": "done"})


def test_a_dispatcher_killed_while_it_waits_costs_one_lease(
    start_dispatcher: StartDispatcher,
    start_process: StartProcess,
    fetching: Fetching,
    scripted_endpoint: ScriptedEndpoint,
    clock: Clock,
) -> None:
    scripted_endpoint.then("", Answer.hang(), Answer.json({"nth": 2}))
    process = start_process()
    run = fetching.start(timeout={"durationInMs": 60_000})
    scripted_endpoint.wait_for(1, "")
    process.kill()
    process.wait(timeout=10)
    start_dispatcher(max_sleep_s=3600)
    clock.advance(timedelta(seconds=71))
    assert fetching.ended(run) == ("COMPLETED", {"nth": 2})
    assert len(fetching.requests()) == 2
    assert fetching.db.rows("select from perdure.task_attempts") == []


def test_private_receivers_may_be_forbidden(start_dispatcher: StartDispatcher, fetching: Fetching) -> None:
    start_dispatcher(max_sleep_s=3600, fetch_private=False)
    status, output = fetching.ended(fetching.start(retry={"all": AT_ONCE}))
    assert (status, "127.0.0.1 is not a public address" in output["message"]) == ("ERRORED", True)
    assert fetching.requests() == []
