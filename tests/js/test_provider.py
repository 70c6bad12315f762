"""Sources, webhooks and dynamic triggers at a fake provider (protocol 10.2 to 10.4)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from tests.support.waiting import eventually

from .outcome import Outcome
from .provider import Received
from .system import JsApp


def hook(app: JsApp, topic: str) -> dict[str, Any]:
    """What this app has registered at the provider for a topic, as soon as it has."""

    def look() -> list[Received]:
        return [request for request in app.provider.hooks(topic) if app.owns(request.body["url"])]

    body: dict[str, Any] = eventually(look, timeout_s=30, what=f"the webhook for {topic}")[0].body
    return body


def runs_of_delivery(app: JsApp, delivery: str, count: int = 1) -> dict[str, Outcome]:
    """The ends of the runs that a delivery has started, by their jobs."""
    run_ids = app.runs_of(delivery, count=count)
    return {app.job_of(run_id): app.finished(run_id) for run_id in run_ids}


def test_a_source_is_registered_by_the_apps_own_job(app: JsApp) -> None:
    body = hook(app, "alpha")
    assert sorted(body["events"]) == ["closed", "opened"]
    assert len(body["secret"]) == 64

    def active() -> list[dict[str, Any]]:
        return app.platform.views.rows(
            "select s.key from perdure_views.sources as s where s.environment_id = %s and s.active"
            " and s.key like 'provider.source%%alpha%%'",
            app.project.environment_id,
        )

    assert [row["key"] for row in eventually(active, what="the source")] == [
        "provider.source-http-alpha-provider"
    ]


def test_a_sources_delivery_starts_the_job_for_its_event(app: JsApp) -> None:
    body = hook(app, "alpha")
    seen = []
    for event in ("opened", "closed"):
        delivery = f"{event}-{uuid4().hex}"
        answer = app.provider.deliver(body, {"name": event, "topic": "alpha", "n": 1}, delivery)
        assert answer.status_code == 200
        outcome = runs_of_delivery(app, delivery)[f"sources.{event}"]
        assert outcome == Outcome("SUCCESS", {"payload": {"topic": "alpha", "n": 1}, "event": event})
        rows = app.platform.views.rows(
            "select e.context from perdure_views.events as e where e.event_id = %s", delivery
        )
        seen.append(rows[0]["context"]["seen"])
    assert seen[1] == seen[0] + 1  # the metadata of one delivery reaches the next one


def test_a_sources_events_are_filtered(app: JsApp) -> None:
    body = hook(app, "alpha")
    other, matching = f"other-{uuid4().hex}", f"matching-{uuid4().hex}"
    app.provider.deliver(body, {"name": "opened", "topic": "beta"}, other)
    app.provider.deliver(body, {"name": "opened", "topic": "alpha"}, matching)
    runs_of_delivery(app, matching)
    assert app.get(f"/api/v2/events/{other}")["runs"] == []


def test_a_delivery_with_a_wrong_signature_is_dropped_by_the_app(app: JsApp) -> None:
    body = hook(app, "alpha")
    forged, real = f"forged-{uuid4().hex}", f"real-{uuid4().hex}"
    assert (
        app.provider.deliver(body, {"name": "opened", "topic": "alpha"}, forged, secret="wrong").status_code
        == 200
    )
    app.provider.deliver(body, {"name": "opened", "topic": "alpha"}, real)
    runs_of_delivery(app, real)
    assert app.api.get(f"/api/v2/events/{forged}").status_code == 404


def test_an_unknown_source_is_not_found(app: JsApp) -> None:
    answer = httpx.post(f"{app.platform.url}/api/v1/sources/http/{uuid4()}", trust_env=False)
    assert answer.status_code == 404


# Webhooks


def test_a_webhook_is_registered_and_its_deliveries_start_jobs(app: JsApp) -> None:
    body = hook(app, "hook")
    assert body["events"] == ["paid"]
    delivery = f"paid-{uuid4().hex}"
    assert app.provider.deliver(body, {"name": "paid", "amount": 3}, delivery).status_code == 200
    assert runs_of_delivery(app, delivery) == {
        "webhooks.paid": Outcome("SUCCESS", {"payload": {"amount": 3}, "event": "paid"})
    }


def test_a_webhook_with_a_wrong_signature_is_dropped_by_the_app(app: JsApp) -> None:
    body = hook(app, "hook")
    forged, real = f"forged-{uuid4().hex}", f"real-{uuid4().hex}"
    assert app.provider.deliver(body, {"name": "paid"}, forged, secret="wrong").status_code == 200
    app.provider.deliver(body, {"name": "paid"}, real)
    runs_of_delivery(app, real)
    assert app.api.get(f"/api/v2/events/{forged}").status_code == 404


# Dynamic triggers


def test_a_dynamic_trigger_is_registered_at_run_time(app: JsApp) -> None:
    topic, account = f"topic-{uuid4().hex[:6]}", "acme"
    params = {"topic": topic}
    answer = app.call("dynamicTrigger.register", "a registration", params, {"accountId": account})["value"]
    assert (answer["source"]["active"], answer["source"]["params"]) == (False, params)
    body = hook(app, topic)
    assert body["events"] == ["opened"]
    delivery = f"dynamic-{uuid4().hex}"

    def delivered() -> bool:
        """Until the registration job has told the platform, deliveries are ignored."""
        app.provider.deliver(body, {"name": "opened", "topic": topic}, delivery)
        return app.api.get(f"/api/v2/events/{delivery}").status_code == 200

    eventually(delivered, what="the first delivery")
    found = runs_of_delivery(app, delivery, count=2)
    assert sorted(found) == ["dynamic.attached", "dynamic.attached-too"]
    for outcome in found.values():
        assert outcome.status == "SUCCESS"
        assert outcome.output["payload"] == {"topic": topic}
        assert outcome.output["source"]["id"] == "a registration"
        assert outcome.output["account"] == account


def test_a_dynamic_trigger_is_registered_inside_a_run(app: JsApp) -> None:
    topic = f"inside-{uuid4().hex[:6]}"
    run_id = app.start("dynamic.register", {"key": "made inside", "params": {"topic": topic}})
    outcome = app.finished(run_id)
    assert (outcome.status, outcome.tasks) == ("SUCCESS", ["Register Dynamic Trigger COMPLETED"])
    assert hook(app, topic)["topic"] == topic
