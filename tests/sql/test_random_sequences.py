"""Random sequences of calls over real Postgres, with several leases alive and old ones remembered.

Hypothesis calls the public functions in any order: events (sent twice, delayed, cancelled), claims, tasks and
results under current and stale leases, alone and in batches, promotions, leaps of the clock, cancellations,
jobs that go and come back. What each call must answer stands in its rule; what must hold after it, in
``Engine.look``; that everything ends, in ``Engine.teardown``. A failure prints the shortest sequence found.

In CI the same ``SEQUENCES`` are walked each time. For a long walk over others, give their number; each has up
to 60 steps, and a core does some 100 of them a minute::

    PERDURE_TEST_SEQUENCES=10000 make test TESTS=tests/sql/test_random_sequences.py \\
        PYTEST_FLAGS="-o faulthandler_timeout=0"

(without that flag pytest takes what lasts more than four minutes for a test that hangs).
"""

import os
from collections import Counter
from datetime import timedelta
from typing import Any

import psycopg
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.sql.sequence_draws import counts, environments, indexes, results, tasks, waits_s
from tests.sql.sequence_model import FINAL, RUN_MOVES, TASK_MOVES, WAITING, possible_statuses
from tests.support.builders import SDK, Builders, Claim, Endpoint, job, manifest
from tests.support.database import Database

SEQUENCES = 60
LONG = os.environ.get("PERDURE_TEST_SEQUENCES")

JOBS = {"greet": ["greet"], "also": ["greet", "hello"]}
"""Job -> the events that start it; nothing listens to the event ``unheard``."""

OVERDUE = {"due long ago", "lease expired long ago"}
"""Findings of the doctor that only say that time has passed without a dispatcher, as it does in a leap."""

RUNTIME_TABLES = ["events", "runs", "tasks", "task_attempts", "leases", "executions", "dead_letters"]

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
        self.turns = 0
        self.enabled = [set(JOBS) for _ in endpoints]
        for table in RUNTIME_TABLES:
            self.db.execute(f"delete from perdure.{table}")
        self.db.execute("delete from pgmq.q_perdure_ready_runs")
        self.db.execute("update perdure_test.clock set offset_by = '0'")
        for index in range(len(endpoints)):
            self._index(index, dict.fromkeys(JOBS, True))
        self.state = self._read()

    # what may be called

    @initialize()
    def start(self) -> None:
        for environment in range(len(self.endpoints)):
            self.send_events(environment, [(None, "greet"), (None, "greet")], None)
        self.claim_runs(3)

    @invariant()
    def count(self) -> None:
        self.turns += 1

    @sometimes
    @rule(
        environment=environments,
        sent=st.lists(
            st.tuples(
                st.sampled_from(["1", "2", "3", "4", None]),
                st.sampled_from(["greet", "greet", "hello", "unheard"]),
            ),
            min_size=1,
            max_size=4,
        ),
        delay_s=st.none() | st.none() | waits_s,
    )  # fmt: skip
    def send_events(self, environment: int, sent: list[tuple[str | None, str]], delay_s: int | None) -> None:
        events = [{"name": name, **({"id": id} if id else {})} for id, name in sent]
        options = {"deliverAfter": delay_s} if delay_s else {}
        stored = self.db.call("send_events", self._environment_id(environment), events, options)
        assert [event["id"] for event in stored if event["id"] in "1234"] == [id for id, _ in sent if id]
        self.look()

    @rarely
    @rule(index=indexes)
    def cancel_event(self, index: int) -> None:
        event = pick(list(self.state["events"].values()), index)
        code = self._try("cancel_event", event["environment_id"], event["event_id"])
        assert code == ("JQ003" if event["delivered_at"] else None)
        after = self.look()["events"][event["id"]]
        assert after == event if event["delivered_at"] or event["cancelled_at"] else after["cancelled_at"]

    @rarely
    @rule(index=indexes)
    def cancel_event_runs(self, index: int) -> None:
        event = pick(list(self.state["events"].values()), index)
        open_ids = {
            r["id"] for r in self._runs() if r["event_id"] == event["id"] and r["status"] not in FINAL
        }
        answer = self.db.call("cancel_event_runs", event["environment_id"], event["event_id"])
        assert set(answer["cancelledRunIds"]) == open_ids
        assert {self.look()["runs"][id]["status"] for id in open_ids} <= {"CANCELED"}

    @rarely
    @rule(index=indexes)
    def cancel_run(self, index: int) -> None:
        run = pick(self._runs(), index)
        code = self._try("cancel_run", run["environment_id"], run["id"])
        assert code == ("JQ003" if run["status"] in FINAL - {"CANCELED"} else None)
        assert self.look()["runs"][run["id"]]["status"] in FINAL

    @rule(limit=counts)
    def claim_runs(self, limit: int) -> None:
        before = self.state["runs"]
        ready = set(self.state["queue"])
        claims = sorted(self.builders.claims(limit), key=lambda claim: claim.run_id)
        assert len(claims) <= limit
        for claim in claims:
            assert claim.run_id in ready
            assert before[claim.run_id]["status"] in {"QUEUED", "WAITING_TO_EXECUTE"}
            assert claim.lease_number == before[claim.run_id]["lease_number"] + 1
            told = {t["id"]: t.get("output") for t in claim.body["tasks"] if t["status"] == "COMPLETED"}
            done = {t["id"]: t["output"] for t in self._tasks(claim.run_id) if t["status"] == "COMPLETED"}
            assert told == done
        self.claims = claims[::-1] + self.claims
        self.look(claimed={claim.run_id for claim in claims})

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

    @sometimes
    @rule(seconds=st.sampled_from([0, 1, 3, 40, 80, 4000]), limit=st.sampled_from([None, 1, 2, 1000]))
    def pass_time(self, seconds: int, limit: int | None) -> None:
        self._advance(timedelta(seconds=seconds))
        self.look()
        if limit:
            self._promote(limit)

    @rarely
    @rule(environment=environments, switches=st.fixed_dictionaries(dict.fromkeys(JOBS, st.sampled_from([True, True, False, None]))))  # fmt: skip # noqa: E501
    def index_endpoint(self, environment: int, switches: dict[str, bool | None]) -> None:
        self._index(environment, switches)
        self.look()

    def teardown(self) -> None:
        """The drain: with a dispatcher and an app that works, everything ends."""
        if not hasattr(self, "state"):
            return
        for _ in range(15):
            self._advance(timedelta(hours=2))
            self._promote(1000)
            claims = self.builders.claims(1000)
            self.look(claimed={claim.run_id for claim in claims})
            for claim in claims:
                assert claim.reply("SUCCESS") == "SUCCESS"
            state = self.look()
            if not claims and all(run["status"] in FINAL for run in self._runs()):
                break
        assert {run["status"] for run in self._runs()} <= FINAL
        assert (state["leases"], state["queue"]) == ({}, [])
        assert all(event["due_at"] is None for event in state["events"].values())
        assert self.db.call("promote_due")[0].next_due_ms is None
        assert self.db.call("doctor") == []

    # what must hold after each of them

    def look(self, claimed: frozenset[str] | set[str] = frozenset()) -> dict[str, Any]:
        """Compare what is stored with what was before the last call; returns it."""
        before, after = self.state, self._read()
        self.state = after
        ill = [row for row in self.db.call("doctor") if row.problem not in OVERDUE]
        assert ill == []

        for id, run in after["runs"].items():
            old = before["runs"].get(id)
            if old is None:
                assert run["status"] == "QUEUED"
                continue
            if old["status"] in FINAL:
                assert run == old, "a final run stays as it is"
            else:
                assert run["status"] == old["status"] or run["status"] in RUN_MOVES[old["status"]]
            assert run["lease_number"] == old["lease_number"] + (id in claimed)
        assert before["runs"].keys() <= after["runs"].keys(), "no run is lost"

        executing = {
            id: run["lease_number"] for id, run in after["runs"].items() if run["status"] == "EXECUTING"
        }
        assert executing == {id: lease["lease_number"] for id, lease in after["leases"].items()}
        messages = Counter(after["queue"])
        assert max(messages.values(), default=1) == 1, "a run is queued once"
        ready = {
            id for id, run in after["runs"].items()
            if run["status"] == "QUEUED" or (run["status"] == "WAITING_TO_EXECUTE" and run["due_at"] is None)
        }  # fmt: skip
        assert {id for id in messages if after["runs"][id]["status"] not in FINAL} == ready
        for id, number in Counter(run_id for run_id, _ in after["executions"]).items():
            assert number == after["runs"][id]["execution_count"], "an execution is recorded once"

        for id, found in after["tasks"].items():
            old = before["tasks"].get(id)
            if old is not None and old["status"] in {"COMPLETED", "ERRORED", "CANCELED"}:
                assert found == old, "a finished task stays as it is"
            elif old is not None:
                assert found["status"] == old["status"] or found["status"] in TASK_MOVES[old["status"]]
        assert before["tasks"].keys() <= after["tasks"].keys(), "no task is lost"

        started = Counter(run["event_id"] for run in after["runs"].values())
        for id, event in after["events"].items():
            old = before["events"].get(id)
            if old is None or (event["delivered_at"] and not old["delivered_at"]):
                environment = [e.environment.id for e in self.endpoints].index(event["environment_id"])
                listening = [name for name in self.enabled[environment] if event["name"] in JOBS[name]]
                assert started[id] == (len(listening) if event["delivered_at"] else 0)
            else:
                assert started[id] == sum(run["event_id"] == id for run in before["runs"].values())
        return after

    # helpers

    def _claim(self, index: int) -> Claim:
        """Mostly one that holds its lease; at times one whose run waits, or any."""
        live = [claim for claim in self.claims if self._holds(claim)]
        waiting = [claim for claim in self.claims if self.state["runs"][claim.run_id]["status"] in WAITING]
        wanted = [self.claims, waiting, live, live][index % 4]
        claim: Claim = pick(wanted or self.claims, index // 4)
        return claim

    def _task_calls(self, function: str, named: list[tuple[Claim, bool, dict[str, Any]]]) -> None:
        before = self.state
        rows = self.db.call(function, [call for *_, call in named])
        note(f"answers: {[(row.error_code, row.error_message) for row in rows]}")
        after = self.look()
        expected: list[str | None] = []
        for claim, leased, _ in named:
            run = before["runs"][claim.run_id]
            if run["status"] in FINAL and (leased or run["status"] != "CANCELED"):
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

    def _identity(self, claim: Claim, leased: bool) -> dict[str, Any]:
        identity = {"environmentId": claim.body["environment"]["id"], "runId": claim.run_id}
        return {**identity, "leaseNumber": claim.lease_number} if leased else identity

    def _holds(self, claim: Claim, state: dict[str, Any] | None = None) -> bool:
        run = (state or self.state)["runs"][claim.run_id]
        return bool(run["status"] == "EXECUTING" and run["lease_number"] == claim.lease_number)

    def _promote(self, limit: int) -> None:
        (row,) = self.db.call("promote_due", limit)
        state = self.look()
        assert row.reaped_leases <= limit
        assert row.delivered_events <= limit
        nothing = not state["leases"] and not any(
            found["due_at"] for kind in ("runs", "tasks", "events") for found in state[kind].values()
        )
        assert (row.next_due_ms is None) == nothing

    def _advance(self, by: timedelta) -> None:
        self.db.value("select perdure_test.advance(%s)", by)

    def _index(self, environment: int, switches: dict[str, bool | None]) -> None:
        """What the endpoint says now: job -> enabled, disabled or (None) not named."""
        jobs = [job(id, event=JOBS[id], enabled=on) for id, on in switches.items() if on is not None]
        self.db.call("index_endpoint", self.endpoints[environment].id, manifest(*jobs), SDK)
        self.enabled[environment] = {id for id, on in switches.items() if on}

    def _environment_id(self, index: int) -> str:
        return self.endpoints[index].environment.id

    def _runs(self) -> list[dict[str, Any]]:
        return list(self.state["runs"].values())

    def _tasks(self, run_id: str) -> list[dict[str, Any]]:
        return [found for found in self.state["tasks"].values() if found["run_id"] == run_id]

    def _try(self, function: str, *arguments: Any) -> str | None:
        """Call; returns the SQLSTATE of a refusal."""
        try:
            self.db.call(function, *arguments)
        except psycopg.DatabaseError as error:
            return error.sqlstate
        return None

    def _read(self) -> dict[str, Any]:
        """Everything that is stored: rows by id, in the order of their ids."""
        (row,) = self.db.rows(
            """
            select
                (select json_agg(r order by r.id) from perdure.runs as r) as runs,
                (select json_agg(t order by t.id) from perdure.tasks as t) as tasks,
                (select json_agg(e order by e.id) from perdure.events as e) as events,
                (select json_agg(l order by l.run_id) from perdure.leases as l) as leases,
                (select json_agg(json_build_array(x.run_id, x.lease_number)) from perdure.executions as x)
                    as executions,
                (
                    select json_agg(q.message ->> 'run_id' order by q.msg_id)
                    from pgmq.q_perdure_ready_runs as q
                ) as queue
            """
        )
        return {
            **{
                name: {found["id"]: found for found in getattr(row, name) or []}
                for name in ("runs", "tasks", "events")
            },
            "leases": {lease["run_id"]: lease for lease in row.leases or []},
            "executions": sorted(row.executions or []),
            "queue": row.queue or [],
        }


def pick(found: list[Any], index: int) -> Any:
    """One of them; a small index finds something in every list."""
    return found[index % len(found)]


def test_random_sequences(pure_db: Database) -> None:
    builders = Builders(pure_db)
    endpoints = [builders.endpoint(environment=builders.environment(slug)) for slug in ("dev", "prod")]
    run_state_machine_as_test(
        lambda: Engine(builders, endpoints),  # type: ignore[arg-type]  # whatever makes a machine will do
        settings=settings(
            max_examples=int(LONG or SEQUENCES),
            stateful_step_count=60 if LONG else 40,
            derandomize=not LONG,
            database=None,
            deadline=None,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
