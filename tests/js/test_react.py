"""The official React hooks follow a run with a public key (protocol 15)."""

from __future__ import annotations

import json
from typing import Any

import httpx

from .packages import TOOLS, install
from .system import JsApp

EVENT = "react.progress"


def test_hooks_follow_a_run(app: JsApp) -> None:
    install(TOOLS)
    family = app.platform.family
    event_id = app.send(EVENT)
    [run_id] = app.runs_of(event_id, count=1)
    task_id = app.wait_for(run_id, "WAITING_TO_CONTINUE")["tasks"][-1]["id"]
    url = app.provider.callback(task_id)

    arguments = [app.platform.url, app.project.public_key, run_id, event_id]
    browser = family.start("browser", ["node", str(TOOLS / "hooks.mjs"), *arguments], variables=app.variables)

    def rendered() -> list[dict[str, Any]]:
        return [json.loads(line) for line in browser.lines if line.startswith("{")]

    def shown(details: dict[str, Any], status: dict[str, Any]) -> bool:
        statuses = {"statuses": {"run": [status], "event": [status]}}
        return {"details": {"event": EVENT, "errors": [], **details}} in rendered() and statuses in rendered()

    waiting = "WAITING_TO_CONTINUE"
    details = {"run": {"status": waiting, "tasks": ["COMPLETED", "WAITING"]}, "eventRun": waiting}
    loading = {"key": "upload", "label": "Uploading", "state": "loading", "data": {"percent": 10}}
    family.wait_until(lambda: shown(details, loading), timeout_s=30, what="the waiting run in the browser")
    httpx.post(url, json={}, trust_env=False)
    browser.wait(timeout_s=30)
    family.stop(browser)
    run = {"status": "SUCCESS", "output": {"uploaded": True}, "tasks": ["COMPLETED"] * 3}
    done = {"key": "upload", "label": "Uploaded", "state": "success", "data": {"percent": 100}}
    assert shown({"run": run, "eventRun": "SUCCESS"}, done), browser.lines
    assert browser.exit_status == 0
