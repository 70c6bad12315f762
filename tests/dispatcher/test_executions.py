"""Executions against a real database and a real endpoint: each kind of answer, what becomes of the run."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from perdure.wire.signing import derive_signing_secret, verify
from perdure_dispatcher import executions as executions_module
from perdure_engine.sealing import SecretBox, new_secret_key
from tests.dispatcher.conftest import StartDispatcher
from tests.dispatcher.running import executions, wait_for_status, wait_for_verdicts
from tests.support.builders import PUBLIC_URL, Builders, Endpoint, Run, job, task
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.fix_endpoint import Answer, Received, ScriptedEndpoint
from tests.support.waiting import eventually

MakeRun = Callable[..., Run]
MakeRuns = Callable[..., list[Run]]

SUCCESS = Answer.json({"status": "SUCCESS", "output": {"greeted": "Ann"}})


def test_a_run_succeeds_with_one_signed_request(
    start_dispatcher: StartDispatcher, scripted_endpoint: ScriptedEndpoint, app: Endpoint, make_run: MakeRun
) -> None:
    scripted_endpoint.default("EXECUTE_JOB", SUCCESS)
    start_dispatcher()
    run = make_run(app, payload={"name": "Ann"})
    wait_for_status(run, "SUCCESS")
    assert run.read()["output"] == {"greeted": "Ann"}

    (request,) = scripted_endpoint.received
    assert verify(derive_signing_secret(app.environment.key), request.headers, request.body, now=time.time())
    assert request.method == "POST"
    assert request.headers["x-trigger-action"] == "EXECUTE_JOB"
    assert request.headers["x-trigger-version"] == "2023-09-29"
    assert request.headers["x-perdure-version"] == "3"
    assert "x-trigger-api-key" not in request.headers
    assert request.json["event"]["payload"] == {"name": "Ann"}
    assert isinstance(request.json["perdure"]["leaseNumber"], int)


def test_an_app_of_the_v2_javascript_sdk_gets_the_key_in_clear(
    start_dispatcher: StartDispatcher, scripted_endpoint: ScriptedEndpoint, app: Endpoint, make_run: MakeRun
) -> None:
    secret_keys = new_secret_key()
    run = make_run(app)
    key_id = run.db.value("select id from perdure.api_keys where kind = 'SECRET'")
    sealed = SecretBox.from_setting(secret_keys).seal(app.environment.key)
    run.db.call("keep_sealed_key", key_id, sealed)
    run.db.call("register_endpoint", app.environment.id, app.slug, app.url, api_key_id=key_id)
    scripted_endpoint.default("EXECUTE_JOB", SUCCESS)
    start_dispatcher(secret_keys=secret_keys)
    wait_for_status(run, "SUCCESS")
    (request,) = scripted_endpoint.received
    assert request.headers["x-trigger-api-key"] == app.environment.key


@pytest.fixture
def connected(builders: Builders, scripted_endpoint: ScriptedEndpoint) -> tuple[Run, str]:
    """A run whose job uses Slack through the platform; and the keys that its token is sealed with."""
    builders.db.call("set_setting", "public_url", PUBLIC_URL)
    slack = {"id": "slack", "metadata": {"id": "slack", "name": "Slack"}, "authSource": "HOSTED"}
    endpoint = builders.endpoint(
        job(integrations={"mySlack": slack}),
        environment=builders.environment("prod"),
        url=scripted_endpoint.url,
    )
    secret_keys = new_secret_key()
    token = SecretBox.from_setting(secret_keys).seal("xoxb-1")
    connection = {"type": "oauth2", "sealedToken": token, "scopes": ["chat:write"]}
    builders.db.call("create_connection", endpoint.environment.id, None, "slack", connection)
    return builders.run(endpoint), secret_keys


def test_connections_come_with_their_tokens_in_clear(
    start_dispatcher: StartDispatcher, scripted_endpoint: ScriptedEndpoint, connected: tuple[Run, str]
) -> None:
    run, secret_keys = connected
    scripted_endpoint.default("EXECUTE_JOB", SUCCESS)
    start_dispatcher(secret_keys=f"{new_secret_key()},{secret_keys}")  # the newest first
    wait_for_status(run, "SUCCESS")
    (request,) = scripted_endpoint.received
    slack = {"type": "oauth2", "accessToken": "xoxb-1", "scopes": ["chat:write"]}
    assert request.json["connections"] == {"mySlack": slack}
    assert request.json["run"]["id"] == run.id


def test_without_the_secret_key_a_connected_run_waits_and_says_why(
    start_dispatcher: StartDispatcher, scripted_endpoint: ScriptedEndpoint, connected: tuple[Run, str]
) -> None:
    run, _ = connected
    start_dispatcher(secret_keys=new_secret_key())
    (failed,) = wait_for_verdicts(run, "UNREACHABLE")
    assert "PERDURE_SECRET_KEYS" in failed.message
    assert scripted_endpoint.received == []


@pytest.mark.parametrize(
    ("answer", "verdict", "status", "said"),
    [
        (
            Answer.html("<html><title>Sign in</title></html>"),
            "MALFORMED",
            "FAILURE",
            'an HTML page titled "Sign in"',
        ),
        (Answer.json({"message": "Job not found"}, status=404), "REFUSED", "FAILURE", "Job not found"),
        (Answer.html(status=403), "REFUSED", "FAILURE", "Endpoint responded with 403 status code"),
        (
            Answer(307, {"location": "https://www.example.com/"}),
            "REFUSED",
            "FAILURE",
            "Endpoint answered 307, a redirect to https://www.example.com/; register the final URL",
        ),
        (Answer(504), "FUNCTION_TIMEOUT", "TIMED_OUT", "The host stopped the function"),
        (Answer.json({"status": "SUCCESS", "output": "x" * 5000}), "MALFORMED", "FAILURE", "too large"),
        (
            Answer(200, {"transfer-encoding": "chunked"}, b'{"status":"SUCCESS","output":"' + b"x" * 9000),
            "MALFORMED",
            "FAILURE",
            "too large",
        ),
        (
            Answer(200, body=b'{"status":"SUCCESS","output":NaN}'),
            "MALFORMED",
            "FAILURE",
            "The database refused what the endpoint answered",
        ),
    ],
    ids=[
        "html",
        "4xx",
        "4xx-html",
        "redirect",
        "function-timeout",
        "huge",
        "huge-undeclared",
        "not-storable",
    ],
)
def test_an_answer_that_ends_the_run(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    make_run: MakeRun,
    answer: Answer,
    verdict: str,
    status: str,
    said: str,
) -> None:
    scripted_endpoint.then("EXECUTE_JOB", answer)
    start_dispatcher(max_response_bytes=4096)
    run = make_run(app)
    wait_for_status(run, status)
    (execution,) = wait_for_verdicts(run, verdict)
    assert said in execution.message
    assert said in run.read()["output"]["message"]
    assert len(scripted_endpoint.requests()) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer.hang(), "did not answer within 1 s"),
        (Answer.reset(), "reset"),
        (Answer.json({"message": "deploying"}, status=500), "deploying"),
        (Answer.html(status=502), "Endpoint responded with 502 status code"),
    ],
    ids=["hang", "reset", "5xx-message", "5xx-html"],
)
def test_no_answer_is_tried_again_after_a_backoff(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    builders: Builders,
    clock: Clock,
    answer: Answer,
    said: str,
) -> None:
    scripted_endpoint.then("EXECUTE_JOB", answer, SUCCESS)
    start_dispatcher()
    run = builders.run(
        builders.endpoint(
            environment=builders.environment("prod"), url=scripted_endpoint.url, timeout_ms=1000
        )
    )
    wait_for_verdicts(run, "UNREACHABLE")
    clock.advance(timedelta(seconds=1))
    wait_for_status(run, "SUCCESS")
    failed, succeeded = wait_for_verdicts(run, "UNREACHABLE", "REPLY")
    assert said in failed.message
    assert succeeded.claimed_at - failed.ended_at >= timedelta(milliseconds=750)
    first, second = (request.json["perdure"]["leaseNumber"] for request in scripted_endpoint.requests())
    assert first < second


def test_an_endpoint_that_is_not_there_is_given_up_in_the_end(
    start_dispatcher: StartDispatcher, builders: Builders, clock: Clock
) -> None:
    with socket.socket() as unused:  # bound, but nobody listens
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/api/trigger"
        run = builders.run(builders.endpoint(environment=builders.environment("prod"), url=url))
        start_dispatcher()

        def given_up() -> bool:
            due_at = run.db.value("select due_at from perdure.runs where id = %s", run.id)
            if due_at is not None:  # in a backoff; no further than its end, or a lease might expire
                clock.advance(max(due_at - clock.now(), timedelta(0)))
            return run.status == "FAILURE"

        eventually(given_up, timeout_s=30)
    assert [execution.verdict for execution in executions(run)] == ["UNREACHABLE"] * 10
    assert url in run.read()["output"]["message"]
    assert run.db.value("select count(*) from perdure.dead_letters where run_id = %s", run.id) == 1


def test_a_function_timeout_with_progress_goes_on(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    db_url: str,
    make_run: MakeRun,
) -> None:
    def work_until_stopped(request: Received) -> Answer:
        if request.json["tasks"]:
            return SUCCESS
        call = {
            "environmentId": app.environment.id,
            "runId": request.json["run"]["id"],
            "leaseNumber": request.json["perdure"]["leaseNumber"],
            "task": task("first", status="COMPLETED"),
        }
        with Database(db_url) as of_the_app:
            of_the_app.call("upsert_tasks", [call])
        return Answer(504, {"x-amz-cf-id": "abc"})

    scripted_endpoint.default("EXECUTE_JOB", work_until_stopped)
    start_dispatcher()
    run = make_run(app)
    wait_for_status(run, "SUCCESS")
    wait_for_verdicts(run, "FUNCTION_TIMEOUT", "REPLY")


def test_a_wait_of_a_day_is_one_more_execution_a_day_later(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    make_run: MakeRun,
    clock: Clock,
) -> None:
    wait = task("wait", noop=True, delaySeconds=86_400)
    scripted_endpoint.then("EXECUTE_JOB", Answer.json({"status": "RESUME_WITH_TASK", "task": wait}), SUCCESS)
    start_dispatcher()
    run = make_run(app)
    wait_for_status(run, "WAITING_TO_CONTINUE")
    clock.advance(timedelta(hours=23, minutes=59))
    assert run.status == "WAITING_TO_CONTINUE"
    clock.advance(timedelta(minutes=1))
    wait_for_status(run, "SUCCESS")
    (first, second) = scripted_endpoint.requests()
    assert first.json["tasks"] == []
    assert [cached["status"] for cached in second.json["tasks"]] == ["COMPLETED"]


@pytest.mark.parametrize(
    "first",
    [
        Answer.json({"status": "RESUME_WITH_TASK", "task": task("wait", noop=True, delaySeconds=0.2)}),
        Answer.json({"message": "deploying"}, status=503),
    ],
    ids=["wait", "backoff"],
)
def test_a_short_delay_is_not_slept_through(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    make_run: MakeRun,
    first: Answer,
) -> None:
    """Nobody moves the clock: the loop itself has to find out when the delay ends."""
    scripted_endpoint.default("EXECUTE_JOB", SUCCESS)
    start_dispatcher(max_sleep_s=3600)
    for _ in range(3):
        scripted_endpoint.then("EXECUTE_JOB", first)
        wait_for_status(make_run(app), "SUCCESS")


def test_notifications_wake_a_sleeping_dispatcher(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    make_run: MakeRun,
    clock: Clock,
) -> None:
    wait = task("wait", noop=True, delaySeconds=86_400)
    scripted_endpoint.default("EXECUTE_JOB", SUCCESS)
    start_dispatcher(max_sleep_s=3600)
    for _ in range(5):
        wait_for_status(make_run(app), "SUCCESS")
    for _ in range(5):
        scripted_endpoint.then("EXECUTE_JOB", Answer.json({"status": "RESUME_WITH_TASK", "task": wait}))
        run = make_run(app)
        wait_for_status(run, "WAITING_TO_CONTINUE")
        wait_for_status(make_run(app), "SUCCESS")
        clock.advance(timedelta(days=1))
        wait_for_status(run, "SUCCESS")


def test_a_yield_is_executed_again_at_once(
    start_dispatcher: StartDispatcher, scripted_endpoint: ScriptedEndpoint, app: Endpoint, make_run: MakeRun
) -> None:
    scripted_endpoint.then(
        "EXECUTE_JOB",
        *(Answer.json({"status": "YIELD_EXECUTION", "key": f"{n}"}) for n in range(20)),
        SUCCESS,
    )
    start_dispatcher(max_sleep_s=3600)
    run = make_run(app)
    wait_for_status(run, "SUCCESS")
    assert scripted_endpoint.requests()[-1].json["yieldedExecutions"] == [f"{n}" for n in range(20)]


def test_a_run_cancelled_during_its_execution_stays_cancelled(
    start_dispatcher: StartDispatcher, scripted_endpoint: ScriptedEndpoint, app: Endpoint, make_run: MakeRun
) -> None:
    gate = threading.Event()
    scripted_endpoint.then("EXECUTE_JOB", Answer.slow({"status": "SUCCESS"}, gate), SUCCESS)
    start_dispatcher(slots=1)
    run = make_run(app)
    scripted_endpoint.wait_for(1)
    run.db.call("cancel_run", app.environment.id, run.id)
    gate.set()
    other = make_run(app)  # gets the only slot once the first result is dropped
    wait_for_status(other, "SUCCESS")
    assert run.status == "CANCELED"


def test_no_more_executions_than_slots_and_all_get_their_turn(
    start_dispatcher: StartDispatcher, scripted_endpoint: ScriptedEndpoint, app: Endpoint, make_runs: MakeRuns
) -> None:
    gate = threading.Event()
    scripted_endpoint.default("EXECUTE_JOB", Answer.slow({"status": "SUCCESS"}, gate))
    runs = make_runs(7, app)
    start_dispatcher(slots=2, max_sleep_s=3600)
    scripted_endpoint.wait_for(2)
    statuses = [run.status for run in runs]
    assert (statuses.count("EXECUTING"), statuses.count("QUEUED")) == (2, 5)
    gate.set()
    for run in runs:
        wait_for_status(run, "SUCCESS")


def test_a_run_whose_environment_lost_its_key_is_not_sent_unsigned(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    make_run: MakeRun,
    clock: Clock,
) -> None:
    scripted_endpoint.default("EXECUTE_JOB", SUCCESS)
    run = make_run(app)
    run.db.call("revoke_api_key", app.environment.key)
    start_dispatcher()
    (execution,) = wait_for_verdicts(run, "UNREACHABLE")
    assert "no active API key" in execution.message
    assert scripted_endpoint.received == []
    run.db.call("create_api_key", app.environment.id)
    clock.advance(timedelta(seconds=60))
    wait_for_status(run, "SUCCESS")


def test_a_mistake_in_the_dispatcher_costs_one_execution_not_the_loop(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    make_run: MakeRun,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(_body: bytes) -> object:
        raise ZeroDivisionError("a mistake")

    scripted_endpoint.default("EXECUTE_JOB", SUCCESS)
    start_dispatcher()
    with monkeypatch.context() as patch:
        patch.setattr(executions_module, "parse_reply", broken)
        run = make_run(app)
        (execution,) = wait_for_verdicts(run, "UNREACHABLE")
    assert execution.message == "The dispatcher failed: ZeroDivisionError: a mistake"
    assert "Traceback" in caplog.text
    assert f"id={run.id}" in caplog.text
    clock.advance(timedelta(seconds=1))
    wait_for_status(run, "SUCCESS")
