"""Random sequences of calls over real Postgres, with several leases alive and old ones remembered.

Hypothesis calls the public functions in any order: events (sent twice, delayed, cancelled), invocations,
claims, tasks and results under current and stale leases, alone and in batches, callbacks (forged, late,
again), requests of the platform and their answers, promotions, leaps of the clock, cancellations, runs
continued and run again, limits, pauses, jobs that go and come back. What each call must answer stands in its
rule; what must hold after it, in ``Observer.look``; that everything ends, in ``Engine.teardown``. A failure
prints the shortest sequence found.

In CI the same ``SEQUENCES`` are walked each time. ``make test-sequences MINUTES=60`` walks others for an
hour; each round prints its seed, and ``make test-sequences SEED=…`` repeats it.
"""

import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
from hypothesis import HealthCheck, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.sql.sequence_draws import (
    FETCHES,
    answers,
    counts,
    environments,
    event_ids,
    indexes,
    limits,
    results,
    tasks,
    waits_s,
)
from tests.sql.sequence_look import JOBS, RUNTIME_TABLES, Observer, State
from tests.sql.sequence_model import FINAL, WAITING, possible_statuses
from tests.support.builders import PUBLIC_URL, SDK, Builders, Claim, Endpoint, job, manifest, task
from tests.support.database import Database

SEQUENCES = 60
STEPS = 40
LONG_STEPS = 60
MINUTES = float(os.environ.get("PERDURE_TEST_MINUTES") or 0)
SEED = os.environ.get("PERDURE_TEST_SEED")

FIRST_LIMITS = [None, {"id": "shared", "limit": 1}]
"""``concurrencyLimit`` of all jobs, by environment, until they are indexed again."""

OUTSIDE = "https://outside.example/hook"

# Rules are drawn evenly: the many that only disturb get fewer turns, or most runs would never be executed. No
# precondition looks into the database: the same sequence must offer the same draws, whatever the time.
sometimes = precondition(lambda self: self.turns % 3 == 0)
rarely = precondition(lambda self: self.turns % 7 == 0)


class Engine(RuleBasedStateMachine):
    """The machine: an engine in a database of its own, two environments, everything claimed so far.

    Args:
        builders: over that database.
        endpoints: one in development, one in production.
    """

    def __init__(self, builders: Builders, endpoints: list[Endpoint]) -> None:
        super().__init__()
        self.db = builders.db
        self.builders = builders
        self.endpoints = endpoints
        self.claims: list[Claim] = []  # newest first, those long over included
        self.sent: list[tuple[str, int]] = []  # deliveries and their lease numbers, likewise
        self.answered: set[tuple[str, int]] = set()
        self.manifests: list[dict[str, Any]] = [{} for _ in endpoints]
        self.most_executions: list[int | None] = [None for _ in endpoints]
        self.turns = 0
        for table in RUNTIME_TABLES:
            self.db.execute(f"delete from perdure.{table}")
        self.db.execute("delete from pgmq.q_perdure_ready_runs")
        self.db.execute("update perdure_test.clock set offset_by = '0'")
        self.observer = Observer(self.db, endpoints)
        for environment, endpoint in enumerate(endpoints):
            self.db.call("set_concurrency_limit", endpoint.environment.id, None)
            self.db.call("set_run_limits", endpoint.environment.id)
            self._index(environment, dict.fromkeys(JOBS, (True, FIRST_LIMITS[environment])))
        self.observer.begin()

    # what may be called

    @initialize()
    def start(self) -> None:
        """Not from nothing: a limit is reached, tasks wait for calls and the platform, a lease is lost."""
        for environment in range(len(self.endpoints)):
            self.send_events(environment, [(None, "greet"), (None, "greet")], None)
        self.claim_runs(8)
        opened = [task("x", callback={"enabled": True, "timeoutInSeconds": 0}), task("y", **FETCHES[1])]
        opened.append(task("z", status="COMPLETED", output=1))
        self.upsert_tasks([(index, True, body) for index in (4, 12, 20) for body in opened])
        self.wait_for_event(0, "greet")
        self.claim_deliveries(2)
        waits = [{"status": "RESUME_WITH_TASK", "task": key} for key in ("x", "y")]
        self.apply_results([(12 + 8 * n, {"verdict": "REPLY", "reply": waits[n]}) for n in (0, 1)], False)
        self.apply_results([(4, {"verdict": "LEASE_EXPIRED"})], False)
        self.pass_time(3, 1000)
        self.claim_runs(1)

    @invariant()
    def count(self) -> None:
        self.turns += 1

    @sometimes
    @rule(
        environment=environments,
        sent=st.lists(
            st.tuples(event_ids, st.sampled_from(["greet", "greet", "hello", "unheard"])),
            min_size=1,
            max_size=4,
        ),
        delay_s=st.none() | st.none() | waits_s,
    )
    def send_events(self, environment: int, sent: list[tuple[str | None, str]], delay_s: int | None) -> None:
        events = [{"name": name, **({"id": id} if id else {})} for id, name in sent]
        options = {"deliverAfter": delay_s} if delay_s else {}
        stored = self.db.call("send_events", self._environment_id(environment), events, options)
        assert [event["id"] for event in stored if event["id"] in "1234"] == [id for id, _ in sent if id]
        self.look()

    @sometimes
    @rule(environment=environments, name=st.sampled_from(sorted(JOBS)), key=event_ids, index=indexes)
    def invoke_job(self, environment: int, name: str, key: str | None, index: int) -> None:
        """The end is told to nobody, to somebody outside, or to a task of ours."""
        url = [None, OUTSIDE, self._callback_url(index)][index % 3]
        events = self.state["events"].values()
        met = [e for e in events if self._is_of(e, environment) and e["event_id"] == key]
        runs = [
            r for r in self._runs() if met and r["event_id"] == met[0]["id"] and self.observer.job(r) == name
        ]
        expected = "JQ004" if met and not runs else None
        if not met and name not in self.observer.enabled[environment]:
            expected = "JQ002"
        answer, code = self._try(
            "invoke_job", self._environment_id(environment), name,
            options={"callbackUrl": url} if url else {}, idempotency_key=key,
        )  # fmt: skip
        assert code == expected
        told_again = (runs[0]["id"], url) if runs and url and runs[0]["status"] in FINAL else None
        before = self.state
        after = self.look(direct=True, told_again=told_again)
        if code:
            assert after["runs"] == before["runs"]
        elif runs:
            assert answer["id"] == runs[0]["id"]
        else:
            assert {answer["id"]} == after["runs"].keys() - before["runs"].keys()
            assert key in {None, after["events"][after["runs"][answer["id"]]["event_id"]]["event_id"]}

    @sometimes
    @rule(index=indexes, name=st.sampled_from(["greet", "greet", "hello"]))
    def wait_for_event(self, index: int, name: str) -> None:
        """The next event of that name is sent to a task of ours."""
        if url := self._callback_url(index):
            run = self.state["runs"][self.state["tasks"][url.split("/")[-3]]["run_id"]]
            body = {"url": url, "name": name, "timeoutInSeconds": 600}
            self.db.call("register_ephemeral_dispatcher", run["environment_id"], body)
            self.observer.awaited[url] += 1
            self.look()

    @rarely
    @rule(index=indexes)
    def cancel_event(self, index: int) -> None:
        event = pick(list(self.state["events"].values()), index)
        _, code = self._try("cancel_event", event["environment_id"], event["event_id"])
        assert code == ("JQ003" if event["delivered_at"] else None)
        after = self.look()["events"][event["id"]]
        assert after == event if event["delivered_at"] or event["cancelled_at"] else after["cancelled_at"]

    @rarely
    @rule(index=indexes, of_job=st.booleans())
    def cancel_runs(self, index: int, of_job: bool) -> None:
        """All of one event, or all of one job."""
        chosen = pick(self._runs(), index)
        event = self.state["events"][chosen["event_id"]]
        column = "job_id" if of_job else "event_id"
        open_ids = {
            r["id"] for r in self._runs() if r[column] == chosen[column] and r["status"] not in FINAL
            and r["environment_id"] == chosen["environment_id"]
        }  # fmt: skip
        if of_job:
            answer = self.db.call("cancel_job_runs", chosen["environment_id"], self.observer.job(chosen))
        else:
            answer = self.db.call("cancel_event_runs", chosen["environment_id"], event["event_id"])
        assert set(answer["cancelledRunIds"]) == open_ids
        assert {self.look()["runs"][id]["status"] for id in open_ids} <= {"CANCELED"}

    @sometimes
    @rule(index=indexes)
    def cancel_run(self, index: int) -> None:
        """At times one that is executed, or is about to be."""
        chosen = [None, "EXECUTING", "QUEUED"][index % 3]
        run = pick([run for run in self._runs() if run["status"] == chosen] or self._runs(), index // 3)
        _, code = self._try("cancel_run", run["environment_id"], run["id"])
        assert code == ("JQ003" if run["status"] in FINAL - {"CANCELED"} else None)
        assert self.look()["runs"][run["id"]]["status"] in FINAL

    @rule(index=indexes)
    def continue_run(self, index: int) -> None:
        """Mostly one that may be."""
        able = [run for run in self._runs() if run["status"] in FINAL - {"SUCCESS"}]
        run = pick((able if index % 4 else []) or self._runs(), index)
        _, code = self._try("continue_run", run["environment_id"], run["id"])
        assert code == (None if run in able else "JQ003" if run["status"] in FINAL else "JQ002")
        before = self.state
        after = self.look(continued=None if code else run["id"])
        assert (after == before) == bool(code)

    @rarely
    @rule(index=indexes)
    def rerun_run(self, index: int) -> None:
        run = pick(self._runs(), index)
        _, code = self._try("rerun_run", run["environment_id"], run["id"])
        enabled = self.observer.job(run) in self.observer.enabled[self.observer.environment(run)]
        assert code == (None if enabled else "JQ002")
        before = self.state
        new = [r for id, r in self.look(direct=True)["runs"].items() if id not in before["runs"]]
        assert [r["job_id"] for r in new] == ([run["job_id"]] if enabled else [])

    @rule(limit=counts)
    def claim_runs(self, limit: int) -> None:
        before = self.state
        claims = sorted(self.builders.claims(limit), key=lambda claim: claim.run_id)
        taken = before["queue"][:limit]
        assert {claim.run_id for claim in claims} <= set(taken)
        for claim in claims:
            run = before["runs"][claim.run_id]
            assert run["status"] in {"QUEUED", "WAITING_TO_EXECUTE"}
            assert claim.lease_number == run["lease_number"] + 1
            most = self.most_executions[self.observer.environment(run)]
            assert most is None or run["execution_count"] < most
            told = {t["id"]: t.get("output") for t in claim.body["tasks"] if t["status"] == "COMPLETED"}
            done = {t["id"]: t["output"] for t in self._tasks(claim.run_id) if t["status"] == "COMPLETED"}
            assert told == done
        self.claims = claims[::-1] + self.claims
        after = self.look(claimed={claim.run_id for claim in claims})
        left = before["queue"][limit:]
        assert after["queue"][: len(left)] == left
        assert set(after["queue"][len(left) :]) <= set(before["blocked"]), "let go in the place of others"

    @rule(calls=st.lists(st.tuples(indexes, st.booleans(), tasks()), min_size=1, max_size=4))
    def upsert_tasks(self, calls: list[tuple[int, bool, dict[str, Any]]]) -> None:
        named = [
            (claim := self._claim(index), leased, {**self._identity(claim, leased), "task": body})
            for index, leased, body in calls
        ]
        self._task_calls("upsert_tasks", named)

    @rule(calls=st.lists(st.tuples(indexes, indexes, st.booleans(), st.booleans()), min_size=1, max_size=4))
    def finish_tasks(self, calls: list[tuple[int, int, bool, bool]]) -> None:
        named = []
        for index, task_index, leased, well in calls:
            claim = self._claim(index)
            if found := self._tasks(claim.run_id):
                end = {"status": "COMPLETED", "output": index} if well else {"status": "ERRORED", "error": {}}
                identity = {**self._identity(claim, leased), "taskId": pick(found, task_index)["id"]}
                named.append((claim, leased, {**identity, **end}))
        if named:
            self._task_calls("finish_tasks", named)

    @rule(given=st.lists(st.tuples(indexes, results()), min_size=1, max_size=3), twice=st.booleans())
    def apply_results(self, given: list[tuple[int, dict[str, Any]]], twice: bool) -> None:
        named = [(self._claim(index), result) for index, result in given]
        calls = [self._result(claim, result) for claim, result in named]
        current = {claim.run_id for claim, _ in named if self._holds(claim)}
        before = self.state
        rows = self.db.call("apply_results", calls)
        note(f"outcomes: {[(row.run_id, row.outcome) for row in rows]}")
        after = self.look()
        assert [row.run_id for row in rows] == [claim.run_id for claim, _ in named]
        for (claim, _), row in zip(named, rows, strict=True):
            run = before["runs"][claim.run_id]
            if run["lease_number"] == claim.lease_number and run["status"] == "EXECUTING":
                same = [result for other, result in named if other == claim]
                development = claim.body["environment"]["type"] == "DEVELOPMENT"
                possible = set().union(
                    *(possible_statuses(result, development=development) for result in same)
                )
                if len(same) > 1:
                    possible |= {"DROPPED", "LEASE_LOST"}
                assert row.outcome in possible
            elif claim.run_id not in current:
                assert row.outcome == ("DROPPED" if run["status"] in FINAL else "LEASE_LOST")
            else:
                assert row.outcome in {"DROPPED", "LEASE_LOST"}
        assert all(after["runs"][id]["status"] != "EXECUTING" for id in current)
        if not current:
            assert after == before
        if twice:
            assert {row.outcome for row in self.db.call("apply_results", calls)} <= {"DROPPED", "LEASE_LOST"}
            assert self.look() == after

    @rule(index=indexes, right=st.booleans() | st.just(True), twice=st.booleans())
    def complete_callback(self, index: int, right: bool, twice: bool) -> None:
        """Of any task that has a callback, under its present secret, one it had before, or a forged one."""
        if not self.observer.secrets:
            return
        id, secret = pick(self.observer.secrets, index)
        secret = secret if right else secret[::-1]
        before, called = self.state, self.state["tasks"][id]
        known = called["callback_url"].endswith("/" + secret)
        _, code = self._try("complete_callback", id, secret, {"n": index})
        assert code == (None if known else "JQ001")
        after = self.look()
        if known and called["status"] == "WAITING":
            assert (after["tasks"][id]["status"], after["tasks"][id]["output"]) == ("COMPLETED", {"n": index})
        else:
            assert after == before
        if twice:
            self._try("complete_callback", id, secret, {"twice": True})
            assert self.look() == after

    @rule(limit=counts)
    def claim_deliveries(self, limit: int) -> None:
        before = self.state
        rows = self.db.call("claim_deliveries", "test", limit)
        now = self.db.value("select perdure.clock()")
        after = self.look()
        for row in rows:
            found = before["deliveries"][row.delivery_id]
            assert datetime.fromisoformat(found["due_at"]) <= now
            assert row.lease_number == found["attempt_count"] + 1
            if found["kind"] == "FETCH":
                asking = before["tasks"][found["subject_id"]]
                assert asking["status"] == "RUNNING"
                assert before["runs"][asking["run_id"]]["status"] not in FINAL
        touched = [id for id, found in after["deliveries"].items() if found != before["deliveries"].get(id)]
        assert len(touched) <= limit
        self.sent = [(row.delivery_id, row.lease_number) for row in rows] + self.sent

    @rule(given=st.lists(st.tuples(indexes, answers), min_size=1, max_size=3), twice=st.booleans())
    def answer_deliveries(self, given: list[tuple[int, dict[str, Any]]], twice: bool) -> None:
        """To any request that was ever sent; a lease is answered once."""
        if not self.sent:
            return
        named = [(pick(self.sent, index), answer) for index, answer in given]
        calls = [self._answer(lease, answer) for lease, answer in named]
        before = self.state
        current = {lease for lease, _ in named if self._waits_for(lease)}
        rows = self.db.call("apply_delivery_results", calls)
        note(f"outcomes: {[(row.delivery_id, row.outcome) for row in rows]}")
        after = self.look()
        counted = Counter(row.delivery_id for row in rows if row.outcome != "LEASE_LOST")
        assert counted == Counter(id for id, _ in current)
        self.answered |= current
        if not current:
            assert after == before
        if twice:
            again = self.db.call("apply_delivery_results", calls)
            assert {row.outcome for row in again} == {"LEASE_LOST"}
            assert self.look() == after

    @sometimes
    @rule(seconds=st.sampled_from([0, 1, 3, 40, 80, 4000]), limit=st.sampled_from([None, 1, 2, 1000]))
    def pass_time(self, seconds: int, limit: int | None) -> None:
        self._advance(timedelta(seconds=seconds))
        self.look()
        if limit:
            self._promote(limit)

    @rarely
    @rule(
        environment=environments,
        switches=st.fixed_dictionaries(
            dict.fromkeys(JOBS, st.tuples(st.sampled_from([True, True, False, None]), limits))
        ),
    )
    def index_endpoint(self, environment: int, switches: dict[str, tuple[bool | None, Any]]) -> None:
        self._index(environment, switches)
        self.look()

    @rarely
    @rule(
        environment=environments,
        at_once=st.sampled_from([None, 1, 2]),
        in_all=st.sampled_from([None, None, 2]),
    )
    def limit_environment(self, environment: int, at_once: int | None, in_all: int | None) -> None:
        self.db.call("set_concurrency_limit", self._environment_id(environment), at_once)
        self.db.call("set_run_limits", self._environment_id(environment), in_all)
        self.observer.limits[environment].say_all(at_once)
        self.most_executions[environment] = in_all
        self.look()

    @rarely
    @rule(
        environment=environments,
        what=st.sampled_from(["everything", "environment", "queue", *JOBS]),
        on=st.sampled_from([True, False, False]),
    )
    def pause_or_resume(self, environment: int, what: str, on: bool) -> None:
        before = self.state
        answer, code = self._pause(environment, what, on)
        if what == "queue":
            assert code == (None if "group shared" in self.observer.limits[environment].most else "JQ001")
        else:
            assert code is None
        after = self.look()
        freed = set(before["blocked"]) - set(after["blocked"])
        assert len(freed) == ((answer or 0) if not on and not code else 0)
        assert before["runs"] == after["runs"]

    def teardown(self) -> None:
        """The drain: with a dispatcher, an app that works, and people who call back, everything ends."""
        if sys.exc_info()[0]:  # the sequence has failed before
            return
        for environment in range(len(self.endpoints)):
            for what in ("everything", "environment", "queue", *JOBS):
                self._pause(environment, what, False)
        self.look()
        for _ in range(15):
            self._advance(timedelta(hours=2))
            self._promote(1000)
            for found in self.state["tasks"].values():
                if (
                    found["status"] == "WAITING"
                    and found["callback_url"]
                    and not found["callback_timeout_at"]
                ):
                    secret = found["callback_url"].rpartition("/")[2]
                    self.db.call("complete_callback", found["id"], secret, None)
            self.look()
            sent = self.db.call("claim_deliveries", "test", 1000)
            good = {"verdict": "REPLY", "httpStatus": 200, "headers": {}, "body": '{"n": 7}'}
            self.db.call(
                "apply_delivery_results",
                [self._answer((row.delivery_id, row.lease_number), good) for row in sent],
            )
            self.look()
            self._execute_all()
            if all(run["status"] in FINAL for run in self._runs()):
                break
        state = self.state
        assert {run["status"] for run in self._runs()} <= FINAL
        assert (state["leases"], set(state["queue"]) - set(state["runs"]), state["blocked"]) == (
            {},
            set(),
            [],
        )
        assert all(event["due_at"] is None for event in state["events"].values())
        assert self.db.call("doctor") == []

    def _execute_all(self) -> None:
        """Until nothing is ready: where a limit lets one run through at a time, one after the other."""
        while claims := self.builders.claims(1000):
            self.look(claimed={claim.run_id for claim in claims})
            done = {"verdict": "REPLY", "reply": {"status": "SUCCESS"}}
            rows = self.db.call("apply_results", [self._result(claim, done) for claim in claims])
            assert {row.outcome for row in rows} == {"SUCCESS"}
            self.look()

    # helpers

    @property
    def state(self) -> State:
        """What was stored after the last call."""
        return self.observer.state

    def look(self, **expected: Any) -> State:
        """What is stored now, in order."""
        return self.observer.look(**expected)

    def _pause(self, environment: int, what: str, on: bool) -> tuple[Any, str | None]:
        """Pause or resume everything, an environment, its queue ``shared`` or a job; as ``_try``."""
        scope, name, arguments = {
            "everything": ("everything", "all", []),
            "environment": ("environment", "all", []),
            "queue": ("queue", "group shared", ["shared"]),
        }.get(what, ("job", what, [what]))
        id = [] if what == "everything" else [self._environment_id(environment)]
        answer, code = self._try(f"{'pause' if on else 'resume'}_{scope}", *id, *arguments)
        if not code:
            key = (None if what == "everything" else environment, name)
            (self.observer.paused.add if on else self.observer.paused.discard)(key)
        return answer, code

    def _claim(self, index: int) -> Claim:
        """Mostly one that holds its lease; at times one whose run waits, or has another lease, or any."""
        live = [claim for claim in self.claims if self._holds(claim)]
        waiting = [claim for claim in self.claims if self.state["runs"][claim.run_id]["status"] in WAITING]
        late = [
            claim
            for claim in self.claims
            if self.state["runs"][claim.run_id]["status"] == "EXECUTING" and not self._holds(claim)
        ]
        wanted = [self.claims, waiting, late, late, live, live, live, live][index % 8]
        claim: Claim = pick(wanted or self.claims, index // 8)
        return claim

    def _task_calls(self, function: str, named: list[tuple[Claim, bool, dict[str, Any]]]) -> None:
        before = self.state
        rows = self.db.call(function, [call for *_, call in named])
        note(f"answers: {[(row.error_code, row.error_message) for row in rows]}")
        after = self.look()
        # Without a lease a task that ended with its run is answered, and a new one is CANCELED.
        expected: list[str | None] = []
        for claim, leased, _ in named:
            run = before["runs"][claim.run_id]
            if run["status"] in FINAL and leased:
                expected.append("JQ003")
            else:
                expected.append("JQ005" if leased and not self._holds(claim, before) else None)
        assert [row.error_code for row in rows] == expected
        written = {claim.run_id for (claim, *_), code in zip(named, expected, strict=True) if code is None}
        for id, found in after["tasks"].items():
            assert found == before["tasks"].get(id) or found["run_id"] in written, (
                "a stale lease changes nothing"
            )
        for row in rows:
            if row.response:
                assert row.response["status"] == after["tasks"][row.response["id"]]["status"]

    def _result(self, claim: Claim, result: dict[str, Any]) -> dict[str, Any]:
        call = {"runId": claim.run_id, "leaseNumber": claim.lease_number, "durationMs": 5, **result}
        if reply := result.get("reply"):
            call["reply"] = self._with_ids(claim.run_id, reply)
        return call

    def _with_ids(self, run_id: str, reply: dict[str, Any]) -> dict[str, Any]:
        about = reply.get("task")
        if isinstance(about, str):
            ids = {found["display_key"]: found["id"] for found in self._tasks(run_id)}
            known = ids.get(about, next(iter(ids.values()), run_id))
            id = run_id if about == "unknown" else known  # the run's own is no task's
            completing = reply["status"].startswith("AUTO_YIELD")
            reply = {**reply, "task": None, "id": id} if completing else {**reply, "task": {"id": id}}
        if "childErrors" in reply:
            reply = {
                **reply,
                "childErrors": [self._with_ids(run_id, child) for child in reply["childErrors"]],
            }
        return reply

    def _answer(self, lease: tuple[str, int], answer: dict[str, Any]) -> dict[str, Any]:
        id, number = lease
        found = self.state["deliveries"][id]
        if found["kind"] == "INDEX" and answer.get("body") == '{"n": 7}':
            answer = {
                **answer,
                "body": json.dumps(self.manifests[self.observer.environment(found)]),
                "headers": {"perdure-sdk-version": "0.1.0"},
            }
        return {"deliveryId": id, "leaseNumber": number, "durationMs": 5, **answer}

    def _waits_for(self, lease: tuple[str, int]) -> bool:
        found = self.state["deliveries"][lease[0]]
        current = found["status"] == "PENDING" and found["attempt_count"] == lease[1]
        return bool(current and lease not in self.answered)

    def _callback_url(self, index: int) -> str | None:
        """Where a task waits, or waited, to be called back."""
        if not self.observer.secrets:
            return None
        id, secret = pick(self.observer.secrets, index // 3)
        return f"{PUBLIC_URL}/api/v1/tasks/{id}/callback/{secret}"

    def _identity(self, claim: Claim, leased: bool) -> dict[str, Any]:
        identity = {"environmentId": claim.body["environment"]["id"], "runId": claim.run_id}
        return {**identity, "leaseNumber": claim.lease_number} if leased else identity

    def _holds(self, claim: Claim, state: State | None = None) -> bool:
        run = (state or self.state)["runs"][claim.run_id]
        return bool(run["status"] == "EXECUTING" and run["lease_number"] == claim.lease_number)

    def _promote(self, limit: int) -> None:
        (row,) = self.db.call("promote_due", limit)
        state = self.look()
        assert row.reaped_leases <= limit
        assert row.delivered_events <= limit
        scheduled = (
            state["leases"]
            or state["listening"]
            or any(
                found["due_at"] or found.get("timeout_at")
                for kind in ("runs", "tasks", "events", "deliveries")
                for found in state[kind].values()
            )
        )
        assert (row.next_due_ms is not None) == bool(scheduled)

    def _advance(self, by: timedelta) -> None:
        self.db.value("select perdure_test.advance(%s)", by)

    def _index(self, environment: int, switches: dict[str, tuple[bool | None, Any]]) -> None:
        """What the endpoint says now: job -> enabled, disabled or (None) not named; its concurrency limit."""
        jobs = [
            job(
                id, event=JOBS[id], enabled=on, preprocessRuns=id == "prepared",
                **({"concurrencyLimit": limit} if limit else {}),
                **({"timeoutInSeconds": 60} if id == "also" else {}),
            )
            for id, (on, limit) in switches.items() if on is not None
        ]  # fmt: skip
        self.manifests[environment] = manifest(*jobs)
        self.db.call("index_endpoint", self.endpoints[environment].id, self.manifests[environment], SDK)
        self.observer.enabled[environment] = {id for id, (on, _) in switches.items() if on}
        for id, (on, limit) in switches.items():
            if on is not None:
                self.observer.limits[environment].say(id, limit)

    def _environment_id(self, index: int) -> str:
        return self.endpoints[index].environment.id

    def _is_of(self, row: dict[str, Any], environment: int) -> bool:
        return bool(row["environment_id"] == self._environment_id(environment))

    def _runs(self) -> list[dict[str, Any]]:
        return list(self.state["runs"].values())

    def _tasks(self, run_id: str) -> list[dict[str, Any]]:
        return [found for found in self.state["tasks"].values() if found["run_id"] == run_id]

    def _try(self, function: str, *arguments: Any, **named: Any) -> tuple[Any, str | None]:
        """Call; returns the answer, or the SQLSTATE of a refusal."""
        try:
            return self.db.call(function, *arguments, **named), None
        except psycopg.DatabaseError as error:
            return None, error.sqlstate


def pick(found: list[Any], index: int) -> Any:
    """One of them; a small index finds something in every list."""
    return found[index % len(found)]


def walk(make: Callable[[], Engine], sequences: int, steps: int, *, derandomize: bool = False) -> None:
    """Walk random sequences of calls; the shortest that fails is raised."""
    run_state_machine_as_test(
        make,  # type: ignore[arg-type]  # whatever makes a machine will do
        settings=settings(
            max_examples=sequences,
            stateful_step_count=steps,
            derandomize=derandomize,
            database=None,
            deadline=None,
            print_blob=False,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_random_sequences(pure_db: Database) -> None:
    builders = Builders(pure_db)
    pure_db.call("set_setting", "public_url", PUBLIC_URL)
    endpoints = [builders.endpoint(environment=builders.environment(slug)) for slug in ("dev", "prod")]

    def make() -> Engine:
        return Engine(builders, endpoints)

    if not MINUTES and not SEED:
        walk(make, SEQUENCES, STEPS, derandomize=True)
        return
    ends_at = time.monotonic() + 60 * MINUTES
    while True:
        chosen = int(SEED) if SEED else random.SystemRandom().randrange(10**9)
        print(f"make test-sequences SEED={chosen}  # {SEQUENCES} sequences", flush=True)
        walk(seed(chosen)(make), SEQUENCES, LONG_STEPS)
        if SEED or time.monotonic() > ends_at:
            break
