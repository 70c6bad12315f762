"""What people do with runs: watch one, find one that failed, mend it, end many."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.system import Environment, System


@pytest.fixture
def app(system: System, works: Environment) -> str:
    """The app's URL."""
    url: str = system.db.value("select url from perdure.endpoints where environment_id = %s", works.id)
    return url.removesuffix("/api/perdure/")


def test_a_run_is_seen_to_advance_without_a_reload(
    system: System, works: Environment, owner: Page, app: str
) -> None:
    run_id = system.start(works, "steps.wanted", {"waits": True})
    owner.goto(f"{works.path}/runs/{run_id}")
    owner.evaluate("window.isTheSamePage = true")
    facts = owner.get_by_role("region", name="Facts")
    status = owner.locator(".title .status").first
    expect(status).to_contain_text("Executing")
    for number in range(1, 5):
        httpx.post(f"{app}/go-on", trust_env=False).raise_for_status()
        expect(facts.get_by_text(f"Step {number} of 4 is done" if number < 4 else "All done")).to_be_visible()
    expect(status).to_contain_text("Completed")
    expect(owner.get_by_text("arrived")).to_be_visible()
    assert owner.evaluate("window.isTheSamePage")


@pytest.fixture
def broken_carrier(app: str) -> str:
    """The app's URL; its carrier takes nothing until it is mended."""
    httpx.post(f"{app}/mend?carrier=down", trust_env=False).raise_for_status()
    return app


def test_a_failed_run_is_found_read_and_continued(
    system: System, works: Environment, owner: Page, broken_carrier: str
) -> None:
    for order in (7001, 7002):
        run_id = system.start(works, "order.paid", {"order": order})
        system.wait(run_id, "FAILURE")
    owner.goto(f"{works.path}/runs")
    owner.get_by_label("Failed", exact=True).check()
    owner.get_by_label("Text in the payload, or an id").fill("7002")
    owner.get_by_role("button", name="Show", exact=True).click()
    expect(owner).to_have_url(re.compile(r"status=failed.*text=7002|text=7002.*status=failed"))
    rows = owner.locator("tbody[data-runs] tr")
    expect(rows).to_have_count(1)
    rows.get_by_role("link", name=run_id).click()
    error = owner.get_by_role("region", name="Error")
    expect(error).to_contain_text("carrier refused order 7002: its depot is closed")
    httpx.post(f"{broken_carrier}/mend", trust_env=False).raise_for_status()
    owner.get_by_role("button", name="Continue").click()
    expect(owner.locator(".title .status").first).to_contain_text("Completed")
    expect(error).to_be_hidden()
    expect(owner.get_by_text("label-7002")).to_be_visible()


def test_a_run_is_done_again_with_another_payload(
    system: System, works: Environment, owner: Page, broken_carrier: str
) -> None:
    run_id = system.start(works, "order.paid", {"order": 7003})
    system.wait(run_id, "FAILURE")
    httpx.post(f"{broken_carrier}/mend", trust_env=False).raise_for_status()
    owner.goto(f"{works.path}/runs/{run_id}")
    owner.get_by_role("link", name="Edit payload and rerun").click()
    payload = owner.get_by_label("Payload")
    payload.fill('{"order": 7004')
    owner.get_by_role("button", name="Start the run").click()
    expect(owner.get_by_text("JSON", exact=False).first).to_be_visible()
    expect(payload).to_have_value('{"order": 7004')  # what was typed is not lost
    payload.fill('{"order": 7004}')
    owner.get_by_role("button", name="Start the run").click()
    expect(owner.get_by_text("label-7004")).to_be_visible()
    expect(owner).not_to_have_url(re.compile(run_id))


def test_runs_are_canceled_together(system: System, works: Environment, owner: Page) -> None:
    ours = [system.start(works, "reminder.wanted", {"batch": "bulk-1"}) for _ in range(3)]
    for run_id in ours:
        system.wait(run_id, "WAITING_TO_CONTINUE")
    owner.goto(f"{works.path}/runs?text=bulk-1")
    for run_id in ours[:2]:
        owner.get_by_label(f"Choose run {run_id}").check()
    owner.get_by_role("button", name="Cancel", exact=True).click()
    for run_id in ours[:2]:
        system.wait(run_id, "CANCELED")
    assert system.db.value("select status from perdure.runs where id = %s", ours[2]) == "WAITING_TO_CONTINUE"
    expect(owner.get_by_role("main")).to_contain_text(re.compile("2 (of|done|runs)|canceled", re.IGNORECASE))
