"""An app is registered again after it has changed: jobs, sources and webhooks follow (protocol 10, 14)."""

from __future__ import annotations

from typing import Any

import httpx

from tests.support.waiting import eventually

from .outcome import Outcome
from .provider import Received
from .system import JsApp


def hooks(app: JsApp, topic: str, count: int) -> list[Received]:
    """Wait until the app has told the provider so often what it wants to hear of."""

    def look() -> list[Received]:
        found = [request for request in app.provider.hooks(topic) if app.owns(request.body["url"])]
        return found if len(found) >= count else []

    return eventually(look, timeout_s=30, what=f"{count} registrations for {topic}")


def webhook_config(app: JsApp) -> dict[str, Any] | None:
    """What the platform knows to be registered for the app's webhook; None: nothing yet."""
    rows = app.platform.views.rows(
        "select w.current_config as config from perdure_views.webhooks as w"
        " where w.environment_id = %s and w.active",
        app.project.environment_id,
    )
    return rows[0]["config"] if rows else None


def test_what_has_changed_is_registered_again(own_app: JsApp) -> None:
    app = own_app
    assert app.finished(app.start("releases.changed")).output == {"release": 1, "version": "1.9.0"}
    assert app.finished(app.start("releases.disabled")) == Outcome("SUCCESS", "enabled")
    removed = app.start("releases.removed")
    task_id = app.wait_for(removed, "WAITING_TO_CONTINUE")["tasks"][0]["id"]
    assert sorted(hooks(app, "alpha", 1)[0].body["events"]) == ["closed", "opened"]
    eventually(lambda: webhook_config(app) == {"event": ["paid"]}, timeout_s=30, what="the webhook")

    app.restart(RELEASE="2")

    assert app.finished(app.start("releases.changed")).output == {"release": 2, "version": "1.10.0"}
    ignored = [app.send("releases.disabled"), app.send("releases.removed")]
    httpx.post(app.provider.callback(task_id), json={}, trust_env=False)
    outcome = app.finished(removed)
    assert (outcome.status, outcome.calls) == ("ABORTED", {"run": 1})
    assert [app.get(f"/api/v2/events/{event_id}")["runs"] for event_id in ignored] == [[], []]
    assert sorted(hooks(app, "alpha", 2)[1].body["events"]) == ["closed", "opened", "renamed"]
    both = {"event": ["paid", "refunded"]}
    eventually(lambda: webhook_config(app) == both, timeout_s=30, what="the webhook's new config")
    updates = [request.body for request in app.provider.received("/updates")]
    assert {"current": {"event": ["paid"]}, "desired": both} in updates
