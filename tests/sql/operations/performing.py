"""A run that has the platform send a request, and what a dispatcher and the execution do about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Json

from tests.sql.deliveries.delivering import answer, apply, claim, failure
from tests.sql.rows import queued
from tests.support.builders import Builders, Claim, task
from tests.support.database import Database

URL = "https://api.example/things"


@dataclass(frozen=True)
class Operation:
    """A task that the platform performs."""

    db: Database
    execution: Claim
    opened: dict[str, Any]

    @property
    def row(self) -> Any:
        """The task as it is stored; its output as text besides."""
        (row,) = self.db.rows(
            "select t.*, t.output::text as output_text from perdure.tasks as t where t.id = %s",
            self.opened["id"],
        )
        return row

    @property
    def outcome(self) -> tuple[str, Any]:
        """Status and output."""
        row = self.row
        return row.status, row.output

    def request(self) -> Any:
        """The request that is due now; it must be the only one."""
        (claimed,) = claim(self.db, kind="FETCH")
        return claimed

    def answered(self, body: Any = None, status: int = 200, **members: Any) -> str:
        """Send what is due; it is answered like this. Returns the outcome."""
        (outcome,) = apply(self.db, answer(self.request(), body, status, **members))
        return outcome

    def failed(self, verdict: str = "UNREACHABLE", message: str = "no connection") -> str:
        """Send what is due; no answer comes."""
        (outcome,) = apply(self.db, failure(self.request(), message, verdict))
        return outcome

    def wait_s(self) -> float:
        """Seconds until the request is sent again, to the tenth."""
        seconds = self.db.value(
            """
            select extract(epoch from d.due_at - perdure.clock()) from perdure.deliveries as d
            where d.subject_id = %s order by d.id desc limit 1
            """,
            self.opened["id"],
        )
        return round(float(seconds), 1)

    def goes_on(self) -> bool:
        """Its run is queued."""
        return queued(self.db) == [self.execution.run_id]


def open_operation(
    execution: Claim, params: Any, *, kind: str = "fetch", key: str = "get", **members: Any
) -> Operation:
    """Have an operation performed for a run that is being executed; ``params`` may be JSON text as it is."""
    record = task(key, operation=kind, **members)
    identity = {
        "environmentId": execution.body["environment"]["id"],
        "runId": execution.run_id,
        "leaseNumber": execution.lease_number,
    }
    head = json.dumps({**identity, "task": {**record, "params": "PARAMS"}})
    text = params if isinstance(params, str) else json.dumps(params)
    calls = Json("[" + head.replace('"PARAMS"', text) + "]", dumps=str)
    (row,) = execution.db.call("upsert_tasks", calls)
    assert row.error_code is None, row
    return Operation(execution.db, execution, row.response)


def perform(builders: Builders, params: Any, *, kind: str = "fetch", **members: Any) -> Operation:
    """A run that waits for an operation."""
    operation = open_operation(builders.claim(), params, kind=kind, **members)
    reply = operation.execution.reply("RESUME_WITH_TASK", task=operation.opened)
    assert reply == "WAITING_TO_CONTINUE"
    return operation
