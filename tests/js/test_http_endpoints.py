"""HTTP endpoints: raw requests start jobs, or are answered by the app (protocol 10.1, 8.2)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from tests.support.waiting import eventually

from .outcome import Outcome
from .system import JsApp

OPEN = {"x-password": "open"}


def url_of(app: JsApp, key: str) -> str:
    """The public URL of one of the app's HTTP endpoints."""
    [url] = [entry["url"] for entry in app.get("/api/v1/http-endpoints") if entry["id"] == key]
    return str(url)


def send(app: JsApp, key: str, method: str = "POST", suffix: str = "", **request: Any) -> httpx.Response:
    """What a third party does."""
    with httpx.Client(trust_env=False) as client:
        return client.request(method, url_of(app, key) + suffix, **request)


def runs_of_request(app: JsApp, key: str, request_id: str, count: int) -> dict[str, Outcome]:
    """The ends of the runs that a request with this id has started, by their jobs."""

    def look() -> list[Any]:
        return app.platform.views.rows(
            "select r.id, r.job from perdure_views.runs as r"
            " where r.environment_id = %s and r.event_name = %s and r.event like %s",
            app.project.environment_id,
            f"httpendpoint.{key}",
            f"%.{request_id}",
        )

    rows = (
        eventually(lambda: rows if len(rows := look()) >= count else None, what="the runs")
        if count
        else look()
    )
    return {row["job"]: app.finished(row["id"]) for row in rows or []}


def test_a_request_starts_the_jobs_whose_filters_match(app: JsApp) -> None:
    request_id = uuid4().hex
    headers = {**OPEN, "x-request-id": request_id, "x-extra": "more"}
    answer = send(app, "http.plain", suffix="?a=1&a=2", headers=headers, content=b"raw \xc3\xa9 text")
    assert (answer.status_code, answer.content) == (200, b"")
    found = runs_of_request(app, "http.plain", request_id, 1)
    assert list(found) == ["http.every"]
    output = found["http.every"].output
    assert (output["method"], output["query"], output["header"]) == ("POST", "?a=1&a=2", "more")
    assert output["body"] == "raw é text"

    request_id = uuid4().hex
    answer = send(
        app,
        "http.plain",
        "PUT",
        "?page=21",
        headers={**OPEN, "x-request-id": request_id, "x-kind": "important"},
        json={"action": "created", "size": 2},
    )
    assert answer.status_code == 200
    found = runs_of_request(app, "http.plain", request_id, 2)
    assert {job: outcome.status for job, outcome in found.items()} == {
        "http.every": "SUCCESS",
        "http.filtered": "SUCCESS",
    }


def test_each_part_of_a_request_filter_must_match(app: JsApp) -> None:
    matching = {
        "method": "PUT",
        "suffix": "?page=21",
        "headers": {"x-kind": "important"},
        "json": {"action": "created", "size": 2},
    }
    others: list[dict[str, Any]] = [
        {"method": "POST"},
        {"suffix": "?page=12"},
        {"suffix": ""},
        {"headers": {"x-kind": "trivial"}},
        {"headers": {}},
        {"json": {"action": "created", "size": 1}},
        {"json": None, "content": b"no json"},
    ]
    sent = []
    for other in others:
        request = {**matching, **other}
        request_id = uuid4().hex
        request["headers"] = {**request["headers"], **OPEN, "x-request-id": request_id}
        assert send(app, "http.plain", **request).status_code == 200
        sent.append(request_id)
    for request_id, other in zip(sent, others, strict=True):
        assert list(runs_of_request(app, "http.plain", request_id, 1)) == ["http.every"], other


def test_a_request_that_the_app_does_not_trust_fails_the_run(app: JsApp) -> None:
    request_id = uuid4().hex
    assert send(app, "http.plain", headers={"x-request-id": request_id}).status_code == 200
    outcome = runs_of_request(app, "http.plain", request_id, 1)["http.every"]
    assert (outcome.status, outcome.calls) == ("FAILURE", {})
    assert outcome.output == {"message": "Payload verification failed. wrong password"}


def test_a_request_with_the_same_id_counts_once(app: JsApp) -> None:
    key = uuid4().hex
    for _ in range(2):
        assert send(app, "http.plain", headers={**OPEN, "idempotency-key": key}).status_code == 200
    assert len(runs_of_request(app, "http.plain", key, 1)) == 1
    rows = app.platform.views.rows(
        "select r.id from perdure_views.runs as r where r.event like %s", f"%.{key}"
    )
    assert len(rows) == 1


def test_the_app_answers_what_its_filter_matches(app: JsApp) -> None:
    request_id = uuid4().hex
    headers = {"x-request-id": request_id}
    answer = send(app, "http.answering", suffix="?challenge=xyz", headers=headers)
    assert (answer.status_code, answer.text, answer.headers["x-answered"]) == (200, "echo xyz", "by the app")
    assert runs_of_request(app, "http.answering", request_id, 1)["http.answered"].status == "SUCCESS"


def test_an_answer_other_than_200_starts_no_run(app: JsApp) -> None:
    refused, accepted = uuid4().hex, uuid4().hex
    answer = send(app, "http.answering", "GET", "?challenge=x&status=403", headers={"x-request-id": refused})
    assert (answer.status_code, answer.text) == (403, "echo x")
    answer = send(app, "http.answering", "POST", headers={"x-request-id": accepted}, content=b"")
    assert (answer.status_code, answer.content) == (200, b"")
    assert len(runs_of_request(app, "http.answering", accepted, 1)) == 1
    assert runs_of_request(app, "http.answering", refused, 0) == {}


def test_an_endpoint_may_only_answer(app: JsApp) -> None:
    skipped, other = uuid4().hex, uuid4().hex
    answer = send(app, "http.silent", headers={"x-request-id": skipped})
    assert (answer.status_code, answer.json()) == (200, {"handled": True})
    send(app, "http.plain", headers={**OPEN, "x-request-id": other})
    assert len(runs_of_request(app, "http.plain", other, 1)) == 1
    assert runs_of_request(app, "http.silent", skipped, 0) == {}


def test_an_unknown_endpoint_is_not_found(app: JsApp) -> None:
    known = url_of(app, "http.plain")
    row_id = known.split("/http-endpoints/")[1].split("/")[0]
    assert httpx.post(known.replace(row_id, str(uuid4())), trust_env=False).status_code == 404
