"""The SDK's other calls to the platform, from inside a run and from outside (protocol 7)."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from uuid import uuid4

import httpx

from tests.support.waiting import eventually

from .outcome import ABSENT, Outcome
from .system import JsApp, Runs

RUNS: Runs = {
    "send event": ("calls.send-event", {"prefix": "{version}"}),
    "statuses": ("calls.statuses", {}),
    "store": ("calls.store", {"prefix": "{version}"}),
    "wait for event": ("calls.wait-for-event", {"user": "ann"}),
    "wait for event elsewhere": ("calls.wait-for-event", {"user": "ann", "source": "elsewhere"}),
    "wait for event timeout": ("calls.wait-for-event-timeout", {}),
    "invoke": ("calls.invoke", {}),
    "invoke and wait": ("calls.invoke-and-wait", {"child": {"n": 21, "wait": 1}}),
    "invoke and wait failure": ("calls.invoke-and-wait", {"child": {"n": 1, "fail": "the child failed"}}),
    "invoke and wait timeout": ("calls.invoke-and-wait", {"child": {"n": 1, "wait": 3600}, "timeout": 3}),
    "invoke and wait cancel": ("calls.invoke-and-wait", {"child": {"n": 1, "wait": 3600}}),
    "batch": ("calls.batch", {"count": 4}),
    "batch too large": ("calls.batch", {"count": 26}),
    "random": ("calls.random", {}),
    "cancel": ("calls.slow", {}),
    "cancel busy": ("calls.busy", {}),
}


def value(answer: dict[str, Any]) -> Any:
    """What a call of the SDK returned."""
    assert "error" not in answer, answer
    return answer.get("value", ABSENT)


# Events


def test_events_from_inside_a_run(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["send event"]) == Outcome(
        "SUCCESS",
        {
            "more": [[f"{app.version}-2", 2], [f"{app.version}-3", 3]],
            "canceled": True,
            "read": "calls.sent",
        },
        [f"{key} COMPLETED" for key in ("one", "more", "later", "cancel", "read")],
        {"run": 2, "end": 1},
    )
    for n in (2, 3):
        [run_id] = app.runs_of(f"{app.version}-{n}", count=1)
        assert app.finished(run_id) == Outcome("SUCCESS", n)


def test_events_from_outside(app: JsApp) -> None:
    event = value(
        app.call("client.sendEvent", {"name": "calls.nothing", "payload": {"n": 1}, "context": {"a": [1]}})
    )
    assert (event["name"], event["payload"], event["context"]) == ("calls.nothing", {"n": 1}, {"a": [1]})
    [run_id] = app.runs_of(event["id"], count=1)
    assert app.finished(run_id) == Outcome("SUCCESS", {"n": 1})
    read = value(app.call("client.getEvent", event["id"]))
    assert (read["id"], [run["id"] for run in read["runs"]]) == (event["id"], [run_id])
    assert app.get(f"/api/v1/events/{event['id']}")["runs"][0]["status"] == "SUCCESS"

    several = value(
        app.call("client.sendEvents", [{"name": "calls.nothing", "payload": n} for n in range(3)])
    )
    assert [event["payload"] for event in several] == [0, 1, 2]


def test_an_event_is_cancelled_before_it_is_delivered(app: JsApp) -> None:
    event = value(app.call("client.sendEvent", {"name": "calls.nothing"}, {"deliverAfter": 2}))
    assert value(app.call("client.cancelEvent", event["id"]))["cancelledAt"]
    later = value(app.call("client.sendEvent", {"name": "calls.nothing"}, {"deliverAfter": 3}))
    app.runs_of(later["id"], count=1)
    assert app.get(f"/api/v2/events/{event['id']}")["runs"] == []
    assert app.api.post("/api/v1/events/unknown/cancel").status_code == 404


def test_the_runs_of_an_event_are_cancelled(app: JsApp) -> None:
    event_id = app.send("calls.slow")
    [run_id] = app.runs_of(event_id, count=1)
    app.wait_for(run_id, "WAITING_TO_CONTINUE")
    assert value(app.call("client.cancelRunsForEvent", event_id)) == {
        "cancelledRunIds": [run_id],
        "failedToCancelRunIds": [],
    }
    assert app.finished(run_id) == Outcome(
        "CANCELED", ABSENT, ["before COMPLETED", "an hour CANCELED"], {"run": 1, "before": 1}
    )


# Runs


def test_a_run_is_read_by_pages(app: JsApp, runs: dict[str, str]) -> None:
    run_id = runs["send event"]
    app.finished(run_id)
    first = value(app.call("client.getRun", run_id, {"take": 2}))
    assert [task["displayKey"] for task in first["tasks"]] == ["one", "more"]
    assert all("params" not in task for task in first["tasks"])
    page = {"take": 2, "cursor": first["nextCursor"]}
    second = value(app.call("client.getRun", run_id, page))
    assert [task["displayKey"] for task in second["tasks"]] == ["later", "cancel"]
    later = app.get(f"/api/v2/runs/{run_id}", **page, taskdetails="true")["tasks"][
        0
    ]  # the SDK drops the details
    assert (later["params"]["event"]["name"], later["output"]["name"]) == ("calls.sent", "calls.sent")
    assert app.api.get(f"/api/v2/runs/{uuid4()}").status_code == 404


def test_v1_paths_tell_the_older_statuses(app: JsApp, runs: dict[str, str]) -> None:
    app.wait_for(runs["wait for event elsewhere"], "WAITING_TO_CONTINUE")
    assert app.get(f"/api/v1/runs/{runs['wait for event elsewhere']}")["status"] == "STARTED"


def test_a_run_is_cancelled(app: JsApp, runs: dict[str, str]) -> None:
    app.wait_for(runs["cancel"], "WAITING_TO_CONTINUE")
    assert value(app.call("client.cancelRun", runs["cancel"]))["status"] == "CANCELED"
    assert value(app.call("client.cancelRun", runs["cancel"]))["status"] == "CANCELED"
    assert app.finished(runs["cancel"]) == Outcome(
        "CANCELED", ABSENT, ["before COMPLETED", "an hour CANCELED"], {"run": 1, "before": 1}
    )


def test_all_runs_of_a_job_are_cancelled(app: JsApp) -> None:
    run_ids = [app.start("calls.slow") for _ in range(2)]
    for run_id in run_ids:
        app.wait_for(run_id, "WAITING_TO_CONTINUE")
    canceled = value(app.call("client.cancelRunsForJob", "calls.slow"))
    assert set(run_ids) <= set(canceled["cancelledRunIds"])
    assert canceled["failedToCancelRunIds"] == []
    assert {app.finished(run_id).status for run_id in run_ids} == {"CANCELED"}


def test_the_runs_of_a_job_are_listed_newest_first(app: JsApp) -> None:
    run_ids = [app.start("calls.nothing", n) for n in range(3)]
    first = value(app.call("client.getRuns", "calls.nothing", {"take": 2}))
    assert [run["id"] for run in first["runs"]] == run_ids[:0:-1]
    second = value(app.call("client.getRuns", "calls.nothing", {"take": 1, "cursor": first["nextCursor"]}))
    assert [run["id"] for run in second["runs"]] == run_ids[:1]


def test_runs_of_another_environment_are_unknown(
    app: JsApp, apps: dict[str, JsApp], runs: dict[str, str]
) -> None:
    stranger = app.platform.create_project(f"stranger-{uuid4().hex[:6]}", "prod")
    headers = {"authorization": f"Bearer {stranger.key}"}
    for method, path in [
        ("GET", f"/api/v2/runs/{runs['random']}"),
        ("POST", f"/api/v1/runs/{runs['random']}/cancel"),
        ("GET", f"/api/v2/runs/{runs['random']}/statuses"),
        ("PUT", f"/api/v1/runs/{runs['random']}/statuses/x"),
    ]:
        answer = app.api.request(
            method, path, headers=headers, json={"label": "x"} if method == "PUT" else None
        )
        assert (answer.status_code, "error" in answer.json()) == (404, True), path


# Statuses


def test_statuses_keep_their_history(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["statuses"]) == Outcome(
        "SUCCESS", "told", ["progress COMPLETED", "half COMPLETED", "end COMPLETED"], {"run": 1}
    )
    read = value(app.call("client.getRunStatuses", runs["statuses"]))
    assert (read["run"]["status"], read["run"]["output"]) == ("SUCCESS", "told")
    assert read["statuses"] == [
        {
            "key": "progress",
            "label": "Finished",
            "state": "success",
            "data": {"done": 0.5},
            "history": [
                {"label": "Starting", "state": "loading", "data": {"done": 0}},
                {"label": "Starting", "state": "loading", "data": {"done": 0.5}},
            ],
        }
    ]
    assert value(app.call("client.getRun", runs["statuses"]))["statuses"] == read["statuses"]


def test_a_status_is_set_from_outside(app: JsApp, runs: dict[str, str]) -> None:
    path = f"/api/v1/runs/{runs['random']}/statuses/made%2Fup"
    answer = app.api.put(path, json={"state": "loading"})
    assert (answer.status_code, answer.json()) == (
        200,
        {"key": "made/up", "label": "made/up", "state": "loading", "history": []},
    )


# Store


def test_the_store_inside_a_run(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["store"])
    written = {"n": 1, "text": "ä\u0000"}
    results = {
        "before": False,
        "missing": "undefined",
        "written": written,
        "read": written,
        "has": True,
        "gone": True,
        "again": False,
    }
    steps = ["has not", "get nothing", "set", "get", "has", "delete", "delete again"]
    assert outcome == Outcome(
        "SUCCESS",
        dict.fromkeys(["env", "job", "run"], results),
        [f"{store} {step} COMPLETED" for store in ("env", "job", "run") for step in steps],
        {"run": 1, "end": 1},
    )


def test_the_store_outside_of_a_run(app: JsApp) -> None:
    key = "a/b c:ü"
    assert value(app.call("client.store.env.get", key)) == ABSENT
    assert value(app.call("client.store.env.has", key)) is False
    assert value(app.call("client.store.env.set", key, {"z": None, "a": 1})) == {"z": None, "a": 1}
    assert value(app.call("client.store.env.get", key)) == {"z": None, "a": 1}
    assert value(app.call("client.store.env.has", key)) is True
    assert value(app.call("client.store.env.delete", key)) is True
    assert value(app.call("client.store.env.delete", key)) is False


# Ephemeral dispatchers


def test_wait_for_event(app: JsApp, runs: dict[str, str]) -> None:
    app.wait_for(runs["wait for event"], "WAITING_TO_CONTINUE")
    app.wait_for(runs["wait for event elsewhere"], "WAITING_TO_CONTINUE")
    app.send("calls.awaited", {"user": "bob"})
    app.send("calls.awaited", {"user": "ann", "n": 1})
    app.send("calls.awaited", {"user": "ann", "n": 2})
    assert app.finished(runs["wait for event"]) == Outcome(
        "SUCCESS",
        {"payload": {"user": "ann", "n": 1}, "source": "trigger.dev"},
        ["an event COMPLETED"],
        {"run": 2},
    )
    assert app.get(f"/api/v2/runs/{runs['wait for event elsewhere']}")["status"] == "WAITING_TO_CONTINUE"
    app.send("calls.awaited", {"user": "ann", "n": 3}, source="elsewhere")
    assert app.finished(runs["wait for event elsewhere"]) == Outcome(
        "SUCCESS",
        {"payload": {"user": "ann", "n": 3}, "source": "elsewhere"},
        ["an event COMPLETED"],
        {"run": 2},
    )


def test_wait_for_event_times_out(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["wait for event timeout"]) == Outcome(
        "SUCCESS",
        '"Remote callback timeout - no requests received"',
        ["never ERRORED"],
        {"run": 2, "timeout": 1},
    )


# Invoke


def test_a_job_is_invoked_from_inside_a_run(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["invoke"])
    assert (outcome.status, outcome.tasks, outcome.calls) == (
        "SUCCESS",
        ["start COMPLETED"],
        {"run": 2, "invoked": 2},
    )
    assert app.finished(outcome.output["id"]) == Outcome(
        "SUCCESS", {"answer": 8, "context": {"from": "parent"}}
    )


def test_a_job_is_invoked_once_for_an_idempotency_key(app: JsApp) -> None:
    key = uuid4().hex
    first = value(app.call("child.invoke", {"n": 1}, {"idempotencyKey": key}))
    second = value(app.call("child.invoke", {"n": 1}, {"idempotencyKey": key}))
    assert first == second
    assert app.finished(first["id"]).output["answer"] == 2
    answer = app.api.post(
        "/api/v1/jobs/calls.unknown/invoke", json={"payload": {}, "context": {}, "options": {}}
    )
    assert (answer.status_code, "calls.unknown" in answer.json()["error"]) == (404, True)


def test_any_job_can_be_invoked(app: JsApp) -> None:
    answer = app.api.post(
        "/api/v1/jobs/calls.nothing/invoke", json={"payload": {"n": 3}, "context": {}, "options": {}}
    )
    assert app.finished(answer.json()["id"]) == Outcome("SUCCESS", {"n": 3})


def test_an_invoker_is_told_by_a_signed_request(app: JsApp) -> None:
    url = f"{app.provider.url}/told/{app.version}"
    options = {"callbackUrl": url, "accountId": "acme"}
    run_id = value(app.call("child.invoke", {"n": 5}, options))["id"]
    app.finished(run_id)
    [request] = eventually(lambda: app.provider.received(f"/told/{app.version}"), what="the notification")
    assert (request.body["id"], request.body["ok"], request.body["output"]["answer"]) == (run_id, True, 10)
    assert request.body["account"]["id"] == "acme"
    signature = hmac.new(app.project.key.encode(), request.raw, hashlib.sha256).hexdigest()
    assert request.headers["x-trigger-signature-256"] == signature


def test_invoke_and_wait_gives_the_end_of_the_child(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["invoke and wait"]) == Outcome(
        "SUCCESS",
        {"ok": True, "status": "SUCCESS", "output": {"answer": 42, "context": {}}, "job": "calls.child"},
        ["child COMPLETED"],
        {"run": 2},
    )
    assert app.finished(runs["invoke and wait failure"]) == Outcome(
        "SUCCESS",
        {"ok": False, "status": "FAILURE", "error": "the child failed", "job": "calls.child"},
        ["child COMPLETED"],
        {"run": 2},
    )


def test_invoke_and_wait_times_out(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["invoke and wait timeout"]) == Outcome(
        "SUCCESS",
        {"thrown": '"Remote callback timeout - no requests received"'},
        ["child ERRORED"],
        {"run": 2},
    )


def test_invoke_and_wait_is_told_when_the_child_is_cancelled(app: JsApp, runs: dict[str, str]) -> None:
    parent = app.wait_for(runs["invoke and wait cancel"], "WAITING_TO_CONTINUE")
    [row] = app.platform.views.rows(
        "select t.output_properties -> 0 ->> 'text' as child from perdure_views.tasks as t where t.id = %s",
        parent["tasks"][0]["id"],
    )
    app.wait_for(row["child"], "WAITING_TO_CONTINUE")
    app.call("client.cancelRun", row["child"])
    outcome = app.finished(runs["invoke and wait cancel"])
    assert (outcome.output["ok"], outcome.output["status"]) == (False, "CANCELED")


def test_batch_invoke(app: JsApp, runs: dict[str, str]) -> None:
    outcome = app.finished(runs["batch"]).in_any_order()
    assert outcome.output == [[True, 0], [False, None], [True, 4], [True, 6]]
    assert outcome.tasks == [*(f"  {n} COMPLETED" for n in range(4)), "children COMPLETED"]
    assert outcome.status == "SUCCESS"
    too_large = app.finished(runs["batch too large"])
    assert "Cannot batch invoke more than 25 items" in too_large.output["thrown"]
    assert too_large == Outcome("SUCCESS", too_large.output)


def test_random_is_the_same_in_every_execution(app: JsApp, runs: dict[str, str]) -> None:
    assert app.finished(runs["random"]) == Outcome("SUCCESS", True, ["dice COMPLETED"], {"run": 2})


# Keys


def test_public_keys_read_and_nothing_else(app: JsApp, runs: dict[str, str]) -> None:
    public = httpx.Client(
        base_url=app.platform.url,
        headers={"authorization": f"Bearer {app.project.public_key}", "origin": "https://shop.example"},
        trust_env=False,
    )
    with public:
        run_id = runs["random"]
        for path in (
            f"/api/v2/runs/{run_id}",
            f"/api/v2/runs/{run_id}/statuses",
            "/api/v1/jobs/calls.random/runs",
        ):
            answer = public.get(path, params={"taskdetails": "true"})
            assert answer.status_code == 200, path
            assert answer.headers["access-control-allow-origin"] in ("*", "https://shop.example")
            preflight = public.options(
                path,
                headers={
                    "access-control-request-method": "GET",
                    "access-control-request-headers": "authorization",
                },
            )
            assert preflight.status_code in (200, 204), path
            assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
        run = public.get(f"/api/v2/runs/{run_id}", params={"taskdetails": "true"}).json()
        assert all("params" not in task for task in run["tasks"])
        refused = public.post("/api/v1/events", json={"event": {"name": "calls.nothing"}, "options": {}})
        assert refused.status_code in (401, 403)
        assert public.post(f"/api/v1/runs/{run_id}/cancel").status_code in (401, 403)


def test_unknown_keys_are_refused(app: JsApp) -> None:
    for headers in ({"authorization": "Bearer tr_prod_wrong"}, {"authorization": ""}):
        answer = app.api.post("/api/v1/events", json={"event": {"name": "x"}, "options": {}}, headers=headers)
        assert (answer.status_code, "error" in answer.json()) == (401, True)
