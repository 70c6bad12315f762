"""Connections of accounts: hosted ones are waited for, the app's own are resolved by it (protocol 11)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.support.waiting import eventually

from .outcome import Outcome
from .system import JsApp


def outputs(app: JsApp, job: str) -> list[Any]:
    """What the runs of a job have returned."""
    runs = app.get(f"/api/v1/jobs/{job}/runs", take=50)["runs"]
    return [app.run(run["id"]).get("output") for run in runs if run["status"] == "SUCCESS"]


def test_a_run_waits_for_the_connection_of_its_account(app: JsApp) -> None:
    account = f"account-{uuid4().hex[:6]}"
    run_id = app.start("connections.hosted", options={"accountId": account})
    app.wait_for(run_id, "WAITING_ON_CONNECTIONS")
    missing = {"type": "EXTERNAL", "account": account, "title": "Provider hosted-provider"}
    eventually(lambda: missing in outputs(app, "connections.missing"), what="the notification")
    assert app.calls(run_id) == {}

    answer = app.api.post(
        f"/api/v1/accounts/{account}/connections/hosted-provider",
        json={"accessToken": "token-1", "type": "oauth2", "scopes": ["read"], "metadata": {"plan": "pro"}},
    )
    assert answer.status_code == 200, answer.text
    outcome = app.finished(run_id)
    auth = outcome.output["auth"]
    assert (outcome.status, outcome.calls, outcome.output["account"]) == ("SUCCESS", {"run": 1}, account)
    assert (auth["type"], auth["accessToken"], auth["scopes"]) == ("oauth2", "token-1", ["read"])
    resolved = {"type": "EXTERNAL", "account": account}
    eventually(lambda: resolved in outputs(app, "connections.resolved"), what="the second notification")

    again = app.finished(app.start("connections.hosted", options={"accountId": account}))
    assert again.output["auth"]["accessToken"] == "token-1"


def test_the_developers_own_connection_may_be_missing(app: JsApp) -> None:
    run_id = app.start("connections.hosted")
    app.wait_for(run_id, "WAITING_ON_CONNECTIONS")
    missing = {"type": "DEVELOPER", "title": "Provider hosted-provider"}
    eventually(lambda: missing in outputs(app, "connections.missing"), what="the notification")
    assert app.call("client.getAuth", "hosted-provider") == {}
    app.call("client.cancelRun", run_id)
    assert app.finished(run_id).status == "CANCELED"


def test_the_app_resolves_its_own_connections(app: JsApp) -> None:
    run_id = app.start("connections.resolver", options={"accountId": "acme"})
    outcome = app.finished(run_id)
    assert (outcome.status, outcome.output["accessToken"]) == ("SUCCESS", "token of acme")
    assert outcome == Outcome("SUCCESS", outcome.output)
