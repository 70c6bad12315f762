"""What the tests of effects share: tasks with effects, and a dispatcher's round."""

from typing import Any

from tests.sql.rows import task_row
from tests.support.builders import Builders, Claim, Endpoint, Run, job, task
from tests.support.database import Database


def endpoint_with(builders: Builders, *more: dict[str, Any]) -> Endpoint:
    """An endpoint with the job ``greet``, a job ``child`` that the event ``begin`` starts, and ``more``."""
    return builders.endpoint(job(), job("child", event="begin"), *more)


def sending(key: str, *events: dict[str, Any], **options: Any) -> dict[str, Any]:
    """A task that sends events."""
    effect = {"type": "sendEvents", "events": list(events), **({"options": options} if options else {})}
    return task(key, effect=effect)


def invoking(key: str, job_id: str = "child", *, wait: bool = False, **members: Any) -> dict[str, Any]:
    """A task that starts a run of a job."""
    return task(key, effect={"type": "invoke", "jobId": job_id, "wait": wait, **members})


def awaiting(key: str, name: Any = "paid", **members: Any) -> dict[str, Any]:
    """A task that waits for an event."""
    return task(key, effect={"type": "waitForEvent", "name": name, "timeoutInSeconds": 3600, **members})


def send(db: Database, run: Run | Claim, *events: dict[str, Any]) -> list[Any]:
    """Send events in a run's environment; the name is ``paid`` unless given."""
    environment_id = run.body["environment"]["id"] if isinstance(run, Claim) else run.environment.id
    sent: list[Any] = db.call("send_events", environment_id, [{"name": "paid", **event} for event in events])
    return sent


def go_round(db: Database) -> None:
    """What a dispatcher does between executions: what time brings, and what needs no request."""
    db.call("promote_due")
    db.call("claim_deliveries", "test", 100)


def output_of(db: Database, claim: Claim, key: str) -> Any:
    """A task's status and output."""
    row = task_row(db, claim.run_id, key)
    return row.status, row.output


def payload_of(db: Database, claim: Claim, key: str) -> Any:
    """The payload of the event that ended a wait; None: it waits."""
    row = task_row(db, claim.run_id, key)
    if row.status == "WAITING":
        return None
    assert row.status == "COMPLETED", row.output
    return row.output["payload"]
