"""Dispatchers that die or lose their leases, and several of them at the same time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

from tests.dispatcher.conftest import StartDispatcher, StartProcess
from tests.dispatcher.running import executions, wait_for_status, wait_for_verdicts
from tests.support.builders import Endpoint, Run
from tests.support.fix_clock import Clock
from tests.support.fix_endpoint import Answer, Received, ScriptedEndpoint
from tests.support.waiting import eventually

SUCCESS = Answer.json({"status": "SUCCESS", "output": "second"})
PAST_THE_LEASE = timedelta(seconds=71)  # a timeout of 60 s and a margin of 10 s


def test_a_dispatcher_killed_during_a_request_is_replaced_after_its_lease(
    start_process: StartProcess,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    make_run: Callable[..., Run],
    clock: Clock,
) -> None:
    scripted_endpoint.then("EXECUTE_JOB", Answer.hang())
    scripted_endpoint.default("EXECUTE_JOB", SUCCESS)
    first = start_process(PERDURE_DISPATCHER_NAME="first")
    run = make_run(app)
    scripted_endpoint.wait_for(1, timeout_s=20)
    first.kill()
    first.wait(timeout=10)

    start_process(PERDURE_DISPATCHER_NAME="second")
    other = make_run(app)  # the second one is at work, and leaves the lease alone while it holds
    wait_for_status(other, "SUCCESS", timeout_s=20)
    assert run.status == "EXECUTING"

    clock.advance(PAST_THE_LEASE)
    eventually(lambda: len(executions(run)) == 1, what="the lease reaped")
    clock.advance(timedelta(seconds=1))
    wait_for_status(run, "SUCCESS")
    expired, replied = wait_for_verdicts(run, "LEASE_EXPIRED", "REPLY")
    assert (expired.dispatcher, replied.dispatcher) == ("first", "second")


def test_the_late_reply_of_a_lost_lease_changes_nothing(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    make_run: Callable[..., Run],
    clock: Clock,
) -> None:
    gate = threading.Event()
    late = Answer.slow({"status": "SUCCESS", "output": "first"}, gate)
    scripted_endpoint.then("EXECUTE_JOB", late)
    scripted_endpoint.default("EXECUTE_JOB", SUCCESS)
    dispatcher = start_dispatcher()
    run = make_run(app)
    scripted_endpoint.wait_for(1)
    clock.advance(PAST_THE_LEASE)
    wait_for_verdicts(run, "LEASE_EXPIRED")
    clock.advance(timedelta(seconds=1))
    wait_for_status(run, "SUCCESS")
    gate.set()
    dispatcher.ask_to_stop()
    dispatcher.join()
    assert dispatcher.drained is True, "the late reply was handed in"
    assert run.read()["output"] == "second"
    wait_for_verdicts(run, "LEASE_EXPIRED", "REPLY")


def test_two_dispatchers_never_execute_a_run_at_the_same_time(
    start_dispatcher: StartDispatcher,
    scripted_endpoint: ScriptedEndpoint,
    app: Endpoint,
    make_runs: Callable[..., list[Run]],
) -> None:
    executions_of_each, run_count, slots = 5, 40, 10
    both_are_full = threading.Event()

    def yield_a_few_times(request: Received) -> Answer:
        done = len(request.json.get("yieldedExecutions", []))
        if done < executions_of_each - 1:
            return Answer.slow({"status": "YIELD_EXECUTION", "key": str(done)}, both_are_full)
        return SUCCESS

    scripted_endpoint.default("EXECUTE_JOB", yield_a_few_times)
    names = ["one", "two"]
    for name in names:
        start_dispatcher(name=name, slots=slots, max_sleep_s=3600)
    runs = make_runs(run_count, app)
    scripted_endpoint.wait_for(2 * slots)
    both_are_full.set()
    for run in runs:
        wait_for_status(run, "SUCCESS", timeout_s=30)

    requested = Counter(
        (request.json["run"]["id"], request.json["perdure"]["leaseNumber"])
        for request in scripted_endpoint.requests()
    )
    assert requested == {(run.id, lease): 1 for run in runs for lease in range(1, executions_of_each + 1)}
    busy = Counter(execution.dispatcher for run in runs for execution in executions(run))
    assert set(busy) == set(names), "both took part"
    assert busy.total() == executions_of_each * run_count
    for run in runs:
        history = executions(run)
        for earlier, later in pairwise(history):
            assert earlier.ended_at <= later.claimed_at
