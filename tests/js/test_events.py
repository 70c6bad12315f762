"""Events: once for an id, delivered later, matched by name, source and every filter operator (protocol 8)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from .outcome import Outcome
from .packages import APP
from .system import JsApp

FILTERS = json.loads((APP / "filters.json").read_text())
ABSENT_VALUE = "<absent>"


@pytest.fixture(scope="module")
def sent_by_version() -> dict[str, dict[str, str]]:
    """The events of all cases, by the app's version; sent when the first of its tests needs them."""
    return {}


def cases(entry: dict[str, Any]) -> list[tuple[str, Any]]:
    """The values to try on a filter, each under a name of its own."""
    named = [("match", value) for value in entry["matches"]] + [("miss", value) for value in entry["misses"]]
    return [(f"{entry['name']} {kind} {n}", value) for n, (kind, value) in enumerate(named)]


def send_all(app: JsApp) -> dict[str, str]:
    """Send an event for each case of each filter; returns their ids by case."""
    sent: dict[str, str] = {}
    for entry in FILTERS:
        events = [
            {
                "name": f"events.filter.{entry['name']}",
                "payload": {"case": name} | ({} if value == ABSENT_VALUE else {"v": value}),
            }
            for name, value in cases(entry)
        ]
        answer = app.api.post("/api/v1/events/bulk", json={"events": events, "options": {}})
        assert answer.status_code == 200, answer.text
        sent |= {name: event["id"] for (name, _), event in zip(cases(entry), answer.json(), strict=True)}
    return sent


@pytest.mark.parametrize("entry", FILTERS, ids=[entry["name"] for entry in FILTERS])
def test_a_filter_lets_only_matching_events_start_the_job(
    app: JsApp, sent_by_version: dict[str, dict[str, str]], entry: dict[str, Any]
) -> None:
    if app.version not in sent_by_version:
        sent_by_version[app.version] = send_all(app)
    sent = sent_by_version[app.version]
    for name, value in cases(entry):
        if " match " in name:
            [run_id] = app.runs_of(sent[name], count=1)
            assert app.finished(run_id) == Outcome("SUCCESS", name), value
        else:
            event = app.get(f"/api/v2/events/{sent[name]}")
            assert event["runs"] == [], (value, entry["filter"])


def test_the_same_id_is_the_same_event(app: JsApp) -> None:
    event_id = f"once/{uuid4().hex}"
    body = {"event": {"id": event_id, "name": "events.plain", "payload": {"n": 1}}, "options": {}}
    first = app.api.post("/api/v1/events", json=body).json()
    [run_id] = app.runs_of(event_id, count=1)
    assert app.finished(run_id).output["payload"] == {"n": 1}
    body["event"]["payload"] = {"n": 2}
    again = app.api.post("/api/v1/events", json=body).json()
    assert (again["id"], again["payload"]) == (first["id"], {"n": 1})
    assert app.runs_of(event_id, count=1) == [run_id]


def test_defaults(app: JsApp) -> None:
    answer = app.api.post("/api/v1/events", json={"event": {"name": "events.plain"}})
    assert answer.status_code == 200
    event = answer.json()
    assert (event["payload"], event["context"]) == ({}, {})
    assert abs(datetime.fromisoformat(event["timestamp"]) - datetime.now(UTC)) < timedelta(seconds=30)
    [run_id] = app.runs_of(event["id"], count=1)
    assert app.finished(run_id) == Outcome("SUCCESS", {"payload": {}, "context": {}, "isTest": False})


def test_an_event_carries_context_and_account(app: JsApp) -> None:
    account = f"account-{uuid4().hex[:6]}"
    run_id = app.start("events.plain", [1, None], context={"by": "me"}, options={"accountId": account})
    assert app.finished(run_id) == Outcome(
        "SUCCESS", {"payload": [1, None], "context": {"by": "me"}, "account": account, "isTest": False}
    )


def test_a_delayed_event_is_delivered_then_and_changed_before(app: JsApp) -> None:
    event_id = uuid4().hex
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    app.send("events.plain", {"n": 1}, id=event_id, options={"deliverAt": later})
    soon = (datetime.now(UTC) + timedelta(seconds=6)).isoformat()
    app.send("events.plain", {"n": 2}, id=event_id, options={"deliverAt": soon})
    assert app.get(f"/api/v2/events/{event_id}")["runs"] == []
    [run_id] = app.runs_of(event_id, count=1)
    assert app.finished(run_id).output["payload"] == {"n": 2}
    delivered = app.platform.views.rows("select created_at from perdure_views.runs where id = %s", run_id)
    assert delivered[0]["created_at"] >= datetime.fromisoformat(soon) - timedelta(seconds=1)


def test_an_event_starts_all_jobs_that_listen(app: JsApp) -> None:
    run_ids = app.runs_of(app.send("events.also"), count=2)
    assert {app.finished(run_id).output for run_id in run_ids} == {"first", "second"}


def test_a_job_listens_to_several_names_of_one_source(app: JsApp) -> None:
    for name in ("events.first", "events.second"):
        run_id = app.start(name, source="elsewhere")
        assert app.finished(run_id) == Outcome("SUCCESS", name)
    ignored = app.send("events.first")
    app.finished(app.start("events.plain"))
    assert app.get(f"/api/v2/events/{ignored}")["runs"] == []


def test_a_disabled_job_is_not_started(app: JsApp) -> None:
    ignored = app.send("events.disabled")
    app.finished(app.start("events.plain"))
    assert app.get(f"/api/v2/events/{ignored}")["runs"] == []
