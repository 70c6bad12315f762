"""What a dispatcher does with deliveries: claim them, and hand in what came of them."""

import json
from typing import Any

from tests.support.database import Database


def claim(db: Database, limit: int = 10, *, kind: str | None = None) -> list[Any]:
    """What is due; of it, what is of this kind. In production readings of the endpoint come every hour."""
    rows: list[Any] = db.call("claim_deliveries", "worker", limit)
    return [row for row in rows if kind in (None, row.kind)]


def result(claimed: Any, verdict: str, **members: Any) -> dict[str, Any]:
    """Something came of it."""
    identity = {"deliveryId": claimed.delivery_id, "leaseNumber": claimed.lease_number}
    return {**identity, "verdict": verdict, "durationMs": 5, **members}


def answer(claimed: Any, body: Any = None, status: int = 200, **members: Any) -> dict[str, Any]:
    """It was answered with JSON, or with a text as it is."""
    text = body if isinstance(body, str) else json.dumps({} if body is None else body)
    return result(claimed, "REPLY", httpStatus=status, body=text, **{"headers": {}, **members})


def failure(claimed: Any, message: str = "no connection", verdict: str = "UNREACHABLE") -> dict[str, Any]:
    """No answer came."""
    return result(claimed, verdict, message=message)


def apply(db: Database, *results: dict[str, Any]) -> list[str]:
    """Hand in; returns the outcomes in the order of delivery ids."""
    return [row.outcome for row in db.call("apply_delivery_results", list(results))]


def delivery(db: Database, delivery_id: str) -> Any:
    """The delivery's row."""
    (row,) = db.rows("select * from perdure.deliveries where id = %s", delivery_id)
    return row


def statuses(db: Database) -> list[tuple[str, str]]:
    """Kind and status of all deliveries, oldest first."""
    rows = db.rows("select kind, status from perdure.deliveries order by id")
    return [(row.kind, row.status) for row in rows]


def body_of(claimed: Any) -> Any:
    """The JSON that is to be sent."""
    return json.loads(bytes(claimed.body))
