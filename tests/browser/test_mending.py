"""What people do with one run when going on or beginning anew is not enough."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.system import Environment, System


@pytest.fixture
def carrier(system: System, works: Environment) -> str:
    """Where the app is told of its carrier, which takes nothing yet."""
    url: str = system.db.value("select url from perdure.endpoints where environment_id = %s", works.id)
    mend = f"{url.removesuffix('/api/perdure/')}/mend"
    httpx.post(f"{mend}?carrier=down", trust_env=False).raise_for_status()
    return mend


def test_a_result_is_given_by_hand_and_the_run_goes_on_with_it(
    system: System, works: Environment, owner: Page, carrier: str
) -> None:
    run_id = system.start(works, "order.paid", {"order": 8001})
    system.wait(run_id, "FAILURE")
    owner.goto(f"{works.path}/runs/{run_id}")
    owner.get_by_role("region", name="Task", exact=True).get_by_role("link", name="Edit the result").click()
    owner.get_by_label("Result").fill('"written by hand"')
    owner.get_by_role("button", name="Store the result").click()
    expect(owner.get_by_text("The result is changed.")).to_be_visible()
    owner.get_by_role("button", name="Continue").click()
    expect(owner.locator(".title .status").first).to_contain_text("Completed")
    expect(owner.get_by_role("region", name="Output of the run")).to_have_text('"written by hand"')


def test_a_run_is_done_again_from_a_task_on(
    system: System, works: Environment, owner: Page, carrier: str
) -> None:
    run_id = system.start(works, "order.paid", {"order": 8002})
    system.wait(run_id, "FAILURE")
    httpx.post(carrier, trust_env=False).raise_for_status()
    owner.goto(f"{works.path}/runs/{run_id}")
    first = owner.get_by_role("link", name="Completed look up the address")
    first.click()
    task = owner.get_by_role("region", name="Task", exact=True)
    expect(task.get_by_role("heading", level=2)).to_have_text("look up the address")
    expect(first).to_be_focused()
    owner.keyboard.press("ArrowDown")
    owner.keyboard.press("Enter")
    expect(task.get_by_role("heading", level=2)).to_have_text("call the carrier")
    owner.on("dialog", lambda dialog: dialog.accept())
    task.get_by_role("button", name="Rerun from here").click()
    expect(owner.get_by_text("label-8002")).to_be_visible()
    expect(owner).not_to_have_url(re.compile(run_id))
    expect(owner.get_by_role("row", name="look up the address")).to_contain_text("from the earlier run")
    owner.get_by_role("link", name="Compare").click()
    expect(owner.get_by_role("row", name="call the carrier")).to_contain_text("differs")
    expect(owner.get_by_role("row", name="look up the address")).to_contain_text("the same")
