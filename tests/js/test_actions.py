"""What the platform asks the app besides executions, and the app the platform (protocol 2.4, 2.6, 11)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import psycopg

from .outcome import Outcome
from .system import JsApp


def enter(app: JsApp, room: str) -> str:
    """Register a room with the dynamic trigger by its params alone, and enter it; returns the run."""
    answer = app.api.put(
        "/api/v2/js-app/triggers/gaps.rooms/registrations/a%20key",
        json={"params": {"room": room}, "accountId": "acme", "metadata": {"plan": "pro"}},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["source"]["params"] == {"room": room}
    return app.start("gaps.entered", {"room": room, "who": "ann"}, source="rooms.example")


def test_a_dynamic_trigger_is_registered_by_its_params(app: JsApp) -> None:
    """The app is asked for the rule and the source that they stand for."""
    room = f"room-{uuid4().hex[:6]}"
    run_id = enter(app, room)
    assert app.job_of(run_id) == "gaps.entered"
    outcome = app.finished(run_id)
    assert (outcome.status, outcome.output["payload"]) == ("SUCCESS", {"room": room, "who": "ann"})
    other = app.send("gaps.entered", {"room": "another", "who": "ann"}, source="rooms.example")
    app.finished(app.start("gaps.entered", {"room": room, "who": "bob"}, source="rooms.example"))
    assert app.get(f"/api/v2/events/{other}")["runs"] == []


def test_a_run_is_preprocessed(app: JsApp) -> None:
    """The app is asked for the properties that people see before it gets the run."""
    room = f"room-{uuid4().hex[:6]}"
    run_id = enter(app, room)
    assert app.finished(run_id).calls == {"run": 1}
    shown = [{"label": "Room", "text": room}, {"label": "Who", "text": "ann"}]
    with psycopg.connect(app.platform.database_url) as connection:
        query = "select properties from perdure_views.runs where id = %s"
        [row] = connection.execute(query, [run_id]).fetchall()
    assert row == (shown,)


def test_the_app_reads_the_developers_own_connection(own_app: JsApp) -> None:
    app = own_app
    given: dict[str, Any] = {
        "type": "oauth2",
        "accessToken": "the developer's token",
        "scopes": ["read", "write"],
        "additionalFields": {"shop": "one"},
    }
    assert app.call("client.getAuth", "hosted-provider") == {}
    answer = app.api.post("/api/v1/integrations/hosted-provider/connections", json=given)
    assert answer.status_code == 200, answer.text
    assert app.call("client.getAuth", "hosted-provider") == {"value": given}

    outcome = app.finished(app.start("connections.hosted"))
    assert outcome == Outcome("SUCCESS", {"auth": given})

    answer = app.api.delete(f"/api/v1/integrations/hosted-provider/connections/{answer.json()['id']}")
    assert answer.status_code == 200, answer.text
    assert app.call("client.getAuth", "hosted-provider") == {}
