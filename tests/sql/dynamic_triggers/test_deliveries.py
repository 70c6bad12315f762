"""What comes in at a source of a dynamic trigger, up to the run that it starts."""

import json
from typing import Any

from tests.sql.dynamic_triggers.trigger_app import TriggerApp, registration, source
from tests.support.builders import Builders
from tests.support.database import Database


def deliver(app: TriggerApp, registered: dict[str, Any], *events: dict[str, Any]) -> dict[str, Any]:
    """A provider's request, of which the handler makes these events; returns the headers it gets."""
    source_id = registered["source"]["channel"]["url"].rpartition("/")[2]
    receipt = app.db.call("receive_source_request", source_id, "https://x/", "POST", {"x": "1"}, b"{}")
    assert receipt["accepted"]
    (claimed,) = app.db.call("claim_deliveries", "test", 10)
    reply = {"events": list(events), "response": {"status": 200, "body": {}}}
    result = {"deliveryId": claimed.delivery_id, "leaseNumber": 1, "verdict": "REPLY", "httpStatus": 200}
    (outcome,) = app.db.call(
        "apply_delivery_results", [{**result, "body": json.dumps(reply), "durationMs": 1}]
    )
    assert outcome.outcome == "DELIVERED"
    headers: dict[str, Any] = claimed.headers
    return headers


def test_a_delivery_starts_the_triggers_jobs_and_tells_them_of_the_registration(
    app: TriggerApp, db: Database, builders: Builders
) -> None:
    one = app.register("one", registration(source("a"), accountId="user-1", metadata={"why": "asked"}))
    two = app.register("two", registration(source("b")))
    for registered in (one, two):
        app.activate(registered)
    db.execute("delete from pgmq.q_perdure_ready_runs")  # of the internal job
    headers = deliver(app, one, {"name": "push", "source": "github.com", "payload": {"n": 1}})
    assert (headers["x-ts-dynamic-id"], headers["x-ts-key"]) == ("repo", one["source"]["key"])
    (claim,) = builders.claims()
    assert (claim.body["job"]["id"], claim.body["event"]["payload"]) == ("greet", {"n": 1})
    assert claim.body["source"] == {"id": "one", "metadata": {"why": "asked"}}
    assert claim.body["account"]["id"] == "user-1"
    deliver(app, two, {"name": "push", "source": "github.com"})
    assert app.started() == ["greet", "greet"]
