"""Everything that is stored, and what must hold of it after every call, whatever was called."""

from collections import Counter
from collections.abc import Set as AbstractSet
from typing import Any

from tests.sql.sequence_model import (
    AFRESH,
    ENDED,
    FINAL,
    RUN_MOVES,
    TASK_MOVES,
    Limits,
    is_waited_for,
    reopened,
)
from tests.support.builders import Endpoint
from tests.support.database import Database

JOBS = {"greet": ["greet"], "also": ["greet", "hello"], "prepared": ["hello"]}
"""Job -> the events that start it; nothing listens to ``unheard``; ``prepared`` wants preprocessing."""

OVERDUE = {"due long ago", "lease expired long ago", "delivery is overdue"}
"""Findings of the doctor that only say that time has passed without a dispatcher, as it does in a leap."""

RUNTIME_TABLES = [
    "events", "runs", "tasks", "task_attempts", "leases", "executions", "dead_letters", "blocked_runs",
    "pauses", "run_failures", "deliveries", "run_subscriptions", "event_dispatchers where url is not null",
    "endpoint_indexes",
]  # fmt: skip

State = dict[str, Any]


def read_state(db: Database) -> State:
    """Everything that is stored: rows by id, in the order of their ids."""
    (row,) = db.rows(
        """
        select
            (select json_agg(r order by r.id) from perdure.runs as r) as runs,
            (select json_agg(t order by t.id) from perdure.tasks as t) as tasks,
            (select json_agg(e order by e.id) from perdure.events as e) as events,
            (
                select json_agg(json_build_object(
                    'id', d.id, 'environment_id', d.environment_id, 'kind', d.kind,
                    'subject_id', d.subject_id, 'url', d.url, 'status', d.status,
                    'attempt_count', d.attempt_count, 'due_at', d.due_at,
                    'told', d.request ->> 'status'
                ) order by d.id)
                from perdure.deliveries as d
            ) as deliveries,
            (select json_agg(l order by l.run_id) from perdure.leases as l) as leases,
            (select json_agg(b.run_id order by b.run_id) from perdure.blocked_runs as b) as blocked,
            (
                select json_agg(json_build_array(x.run_id, x.lease_number))
                from perdure_views.executions as x
                where x.ended_at is not null
            ) as executions,
            (select json_agg(a.task_id) from perdure.task_attempts as a) as attempts,
            (select json_agg(s) from perdure.run_subscriptions as s) as subscriptions,
            (select json_agg(json_build_array(f.run_id, f.status)) from perdure.run_failures as f)
                as failures,
            (
                select json_agg(q.message ->> 'run_id' order by q.msg_id)
                from pgmq.q_perdure_ready_runs as q
            ) as queue,
            exists (select 1 from perdure.event_dispatchers as d where d.expires_at is not null) as listening
        """
    )
    return {
        **{
            name: {found["id"]: found for found in getattr(row, name) or []}
            for name in ("runs", "tasks", "events", "deliveries")
        },
        "leases": {lease["run_id"]: lease for lease in row.leases or []},
        "executions": sorted(row.executions or []),
        "attempts": Counter(row.attempts or []),
        **{name: getattr(row, name) or [] for name in ("blocked", "subscriptions", "queue", "failures")},
        "listening": row.listening,
    }


class Observer:
    """Sees everything, remembers what it saw last, and compares.

    Args:
        db: where the engine is, empty of events.
        endpoints: what runs jobs there, an environment each.
    """

    def __init__(self, db: Database, endpoints: list[Endpoint]) -> None:
        self._db = db
        self._environments = [endpoint.environment.id for endpoint in endpoints]
        self.enabled = [set(JOBS) for _ in endpoints]
        self.limits = [Limits() for _ in endpoints]
        self.paused: set[tuple[int | None, str]] = set()
        """An environment (None: all) and what of it: a job, the name of a limit, ``all`` of it."""
        self.jobs: dict[str, str] = dict(
            db.connection.execute("select id, slug from perdure.jobs").fetchall()
        )
        self.secrets: list[
            tuple[str, str]
        ] = []  # of callbacks, by task id; newest first, those changed since included
        self.awaited: Counter[str] = Counter()  # by URL: how often an event was to be sent there
        self._continued: Counter[str] = Counter()  # by run: how often
        self._forgotten: Counter[str] = Counter()  # by run: executions before it was continued
        self.state: State = {}

    def begin(self) -> None:
        """The jobs are there now: what is stored from here on is compared."""
        self.jobs = {row.id: row.slug for row in self._db.rows("select id, slug from perdure.jobs")}
        self.state = read_state(self._db)

    def environment(self, row: dict[str, Any]) -> int:
        """Whose run or event this is."""
        return self._environments.index(row["environment_id"])

    def job(self, run: dict[str, Any]) -> str:
        """The job of a run."""
        return self.jobs[run["job_id"]]

    def is_paused(self, run: dict[str, Any]) -> bool:
        """Whether something stops a run from being executed."""
        environment, job = self.environment(run), self.job(run)
        names = {job, "all", *self.limits[environment].of(job)}
        return (None, "all") in self.paused or any((environment, name) in self.paused for name in names)

    def look(
        self,
        *,
        claimed: AbstractSet[str] = frozenset(),
        continued: str | None = None,
        direct: bool = False,
        told_again: tuple[str, str] | None = None,
    ) -> State:
        """Compare what is stored with what was before the last call; returns it.

        Args:
            claimed: runs that were claimed.
            continued: the run that was continued.
            direct: new events are those of runs that were started without a subscription, one each.
            told_again: a run that had ended, and who is told so once more.
        """
        before, after = self.state, read_state(self._db)
        self.state = after
        ill = [row for row in self._db.call("doctor") if row.problem not in OVERDUE]
        assert not ill, f"the doctor finds {ill}"
        if continued:
            self._continued[continued] += 1
            self._forgotten[continued] = sum(run_id == continued for run_id, _ in after["executions"])
        self._look_at_runs(before, after, claimed, continued)
        self._look_at_queue(before, after, claimed)
        self._look_at_tasks(before, after, continued)
        self._look_at_events(before, after, direct)
        self._look_at_deliveries(before, after, told_again)
        return after

    def _look_at_runs(
        self, before: State, after: State, claimed: AbstractSet[str], continued: str | None
    ) -> None:
        for id, run in after["runs"].items():
            old = before["runs"].get(id)
            if old is None:
                assert run["status"] == ("PENDING" if self.job(run) == "prepared" else "QUEUED")
                continue
            if old["status"] in FINAL and id != continued:
                assert run == old, "a final run stays as it is"
            elif old["status"] in FINAL:
                assert (run["status"], run["output"], run["execution_count"]) == ("QUEUED", None, 0)
            else:
                assert run["status"] == old["status"] or run["status"] in RUN_MOVES[old["status"]]
            assert run["lease_number"] == old["lease_number"] + (id in claimed)
        assert before["runs"].keys() <= after["runs"].keys(), "no run is lost"

        failed = {
            (id, run["status"]) for id, run in after["runs"].items()
            if run["status"] in FINAL - {"SUCCESS", "CANCELED"}
        }  # fmt: skip
        assert {tuple(failure) for failure in after["failures"]} == failed, (
            "a failure is kept as its run stands"
        )
        executing = {
            id: run["lease_number"] for id, run in after["runs"].items() if run["status"] == "EXECUTING"
        }
        assert executing == {id: lease["lease_number"] for id, lease in after["leases"].items()}
        for id, number in Counter(run_id for run_id, _ in after["executions"]).items():
            assert number == after["runs"][id]["execution_count"] + self._forgotten[id], (
                "an execution is recorded once"
            )

    def _look_at_queue(self, before: State, after: State, claimed: AbstractSet[str]) -> None:
        runs = after["runs"]
        # One that was cancelled while it was queued, and continued, may have a message too many: no harm.
        messages = Counter(after["queue"])
        assert all(number <= 1 + self._continued[id] for id, number in messages.items()), (
            "a run is queued once"
        )
        ready = {
            id for id, run in runs.items()
            if run["status"] == "QUEUED" or (run["status"] == "WAITING_TO_EXECUTE" and run["due_at"] is None)
        }  # fmt: skip
        queued = {id for id in messages if runs[id]["status"] not in FINAL}
        assert queued | set(after["blocked"]) >= ready, "a ready run is queued, or a limit keeps it back"
        assert set(after["blocked"]) <= ready
        assert {id for id in queued if not self._continued[id]} <= ready - set(after["blocked"])

        for id in claimed:
            assert not self.is_paused(runs[id]), "what is paused is not executed"
            self.limits[self.environment(runs[id])].claimed(id, self.job(runs[id]))
        for id in claimed:
            limits = self.limits[self.environment(runs[id])]
            for name in limits.of(self.job(runs[id])):
                assert limits.free(name, after["leases"]) >= 0, f"{name}: too many executions"
        for id in set(after["blocked"]) - set(before["blocked"]):
            limits = self.limits[self.environment(runs[id])]
            assert self.is_paused(runs[id]) or any(
                limits.free(name, after["leases"]) <= 0 for name in limits.of(self.job(runs[id]))
            ), "a run is kept back only by a pause, or by a limit that is reached"

    def _look_at_tasks(self, before: State, after: State, continued: str | None) -> None:
        for id, found in after["tasks"].items():
            old = before["tasks"].get(id)
            if found["callback_url"] and (old is None or old["callback_url"] != found["callback_url"]):
                self.secrets.insert(0, (id, found["callback_url"].rpartition("/")[2]))
            assert after["attempts"][id] == found["attempt_count"] - 1, "a failed attempt is recorded once"
            if old is None:
                continue
            if is_waited_for(old) and not is_waited_for(found) and found["parent_id"] is None:
                waits = {state["runs"][found["run_id"]]["status"] for state in (before, after)}
                assert waits != {"WAITING_TO_CONTINUE"}, "a run goes on when a task of it does"
            if found["run_id"] == continued:
                assert found["status"] == reopened(old)
                assert found == old or old["status"] != "COMPLETED", "a result is kept"
            elif old["status"] == "CANCELED" and before["runs"][found["run_id"]]["status"] not in FINAL:
                assert found == old or found["status"] in AFRESH
            elif old["status"] in ENDED:
                assert found == old, "a finished task stays as it is"
            else:
                assert found["status"] == old["status"] or found["status"] in TASK_MOVES[old["status"]]
        assert before["tasks"].keys() <= after["tasks"].keys(), "no task is lost"

    def _look_at_events(self, before: State, after: State, direct: bool) -> None:
        started = Counter(run["event_id"] for run in after["runs"].values())
        had_started = Counter(run["event_id"] for run in before["runs"].values())
        for id, event in after["events"].items():
            old = before["events"].get(id)
            if old is None and direct:
                assert started[id] == 1
            elif old is None or (event["delivered_at"] and not old["delivered_at"]):
                enabled = self.enabled[self.environment(event)]
                listening = [name for name in enabled if event["name"] in JOBS[name]]
                assert started[id] == (len(listening) if event["delivered_at"] else 0)
            else:
                assert started[id] == had_started[id]
        assert before["events"].keys() <= after["events"].keys(), "no event is lost"

    def _look_at_deliveries(self, before: State, after: State, told_again: tuple[str, str] | None) -> None:
        owed = Counter([told_again] if told_again else [])
        for subscription in after["subscriptions"]:
            run = after["runs"][subscription["run_id"]]
            old = before["runs"].get(run["id"])
            if run["status"] in FINAL and (old is None or old["status"] not in FINAL):
                wanted = "on_success" if run["status"] == "SUCCESS" else "on_failure"
                owed[run["id"], subscription["url"]] += subscription[wanted]
        told = [
            found for id, found in after["deliveries"].items()
            if id not in before["deliveries"] and found["kind"] in {"RUN_NOTIFICATION", "RUN_WEBHOOK"}
        ]  # fmt: skip
        assert Counter((found["subject_id"], found["url"] or "") for found in told) == +owed, (
            "the end of a run is told once to each who wants to know"
        )
        assert all(found["told"] == after["runs"][found["subject_id"]]["status"] for found in told)

        events = Counter(found["url"] for found in after["deliveries"].values() if found["kind"] == "EVENT")
        assert events <= self.awaited, "who waits for an event is sent one"
        for id, found in after["deliveries"].items():
            old = before["deliveries"].get(id)
            if old and old["status"] != "PENDING":
                assert found == old, "a finished delivery stays as it is"
