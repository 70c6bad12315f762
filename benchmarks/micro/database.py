"""A migrated database with one endpoint and one job, for benchmarks."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from benchmarks.measure import Connection
from perdure_engine.embedded import EmbeddedPostgres
from perdure_engine.migrator import migrate

_MANIFEST = {
    "jobs": [
        {
            "id": "job",
            "name": "Job",
            "version": "1.0.0",
            "trigger": {"type": "static", "rule": {"event": "happened", "source": "trigger.dev"}},
        }
    ]
}
_PARK = {
    "status": "RESUME_WITH_TASK",
    "task": {"idempotencyKey": "wait", "name": "wait", "noop": True, "delaySeconds": 86400},
}
_LARGEST_CLAIM = 1000


def make_database(server: EmbeddedPostgres, name: str) -> "BenchDatabase":
    """Create and migrate database ``name`` with an endpoint and a job on event ``happened``."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    migrate(server.url(name), echo=lambda _: None)
    with psycopg.connect(server.url(name), autocommit=True) as connection:
        connection.execute("select perdure.create_project('bench', 'bench')")
    database = BenchDatabase(server.url(name), environment="prod", event="happened")
    database.value("select perdure.create_api_key(%s)", database.environment_id)
    endpoint = database.value(
        "select perdure.register_endpoint(%s, 'app', 'http://127.0.0.1/')", database.environment_id
    )
    database.value(
        "select perdure.index_endpoint(%s, %s, %s)",
        endpoint["id"],
        json.dumps(_MANIFEST),
        json.dumps({"name": "perdure", "version": "0"}),
    )
    return database


class Step(NamedTuple):
    """A step of a run that is executed, as arguments of the functions that store it."""

    environment_id: str
    run_id: str
    lease_number: int

    def parts(self, key: int) -> list[str]:
        """Of store_task."""
        run = self.environment_id, self.run_id, str(self.lease_number)
        return [*run, f"{key:064x}", "step", "step", "1", "2026-01-01T00:00:00Z"]

    def document(self, key: int) -> str:
        """Of upsert_tasks."""
        environment_id, run_id, _, idempotency_key, name, display_key, _, started_at = self.parts(key)
        task = {
            "output": 1,
            "idempotencyKey": idempotency_key,
            "name": name,
            "displayKey": display_key,
            "status": "COMPLETED",
            "startedAt": started_at,
        }
        call = {
            "environmentId": environment_id,
            "runId": run_id,
            "leaseNumber": self.lease_number,
            "task": task,
        }
        return json.dumps([call])


class BenchDatabase:
    """One autocommit connection to the database of project ``bench``: the life of a run as statements.

    Args:
        environment: its slug.
        event: name of the events that are sent.
        payload: of these, beside a number ``n``.
    """

    def __init__(
        self, url: str, *, environment: str, event: str, payload: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        self.connection: Connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)
        self.environment_id = self.value("select perdure.get_environment('bench', %s)", environment)
        self._event = event
        self._payload = dict(payload)

    def rows(self, query: str, *arguments: object) -> list[Any]:
        """All rows of a statement."""
        return self.connection.execute(query, arguments).fetchall()

    def value(self, query: str, *arguments: object) -> Any:
        """The first column of a statement's first row."""
        return self.rows(query, *arguments)[0][0]

    def send(self, count: int) -> None:
        """Send ``count`` events in one call; each starts a run."""
        events = json.dumps(
            [{"name": self._event, "payload": {"n": n, **self._payload}} for n in range(1, count + 1)]
        )
        self.rows("select perdure.send_events(%s, %s)", self.environment_id, events)

    def claim(self, count: int) -> list[Any]:
        """Claim ``count`` runs: rows of (run id, lease number)."""
        return self.rows("select run_id, lease_number, body from perdure.claim_runs('bench', %s)", count)

    def store_tasks(self, claimed: list[Any], key: str) -> None:
        """Store one finished task for each claimed run, in one call."""
        calls = [
            {
                "environmentId": str(self.environment_id),
                "runId": str(run_id),
                "leaseNumber": lease,
                "task": {
                    "idempotencyKey": key,
                    "name": "task",
                    "status": "COMPLETED",
                    "output": {"ok": True},
                },
            }
            for run_id, lease, _ in claimed
        ]
        self.rows("select * from perdure.upsert_tasks(%s)", json.dumps(calls))

    def begin_step(self) -> "Step":
        """Begin a run, for steps of it."""
        self.send(1)
        ((run_id, lease_number, _),) = self.claim(1)
        return Step(str(self.environment_id), str(run_id), lease_number)

    def reply(self, claimed: list[Any], reply: dict[str, Any]) -> None:
        """Hand in the same reply for each claimed run, in one call."""
        self.rows("select * from perdure.apply_results(%s)", self.results(claimed, reply))

    @staticmethod
    def results(claimed: list[Any], reply: dict[str, Any]) -> str:
        """The argument of apply_results for the same reply to each claimed run."""
        return json.dumps(
            [
                {
                    "runId": str(run_id),
                    "leaseNumber": lease,
                    "verdict": "REPLY",
                    "durationMs": 5,
                    "reply": reply,
                }
                for run_id, lease, _ in claimed
            ]
        )

    def park(self, count: int) -> None:
        """Send ``count`` events, and end the execution of what runs are claimed with a wait of a day."""
        for start in range(0, count, _LARGEST_CLAIM):
            self.send(min(_LARGEST_CLAIM, count - start))
            self.reply(self.claim(_LARGEST_CLAIM), _PARK)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()
