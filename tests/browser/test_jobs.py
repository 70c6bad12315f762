"""Jobs as a person meets them: tested from a form, paused, and seen to wait."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.system import Environment, System


def test_a_job_is_tested_from_its_form(system: System, works: Environment, owner: Page) -> None:
    owner.goto(f"{works.path}/jobs")
    owner.get_by_role("link", name="pack", exact=True).click()
    owner.get_by_role("link", name="Test", exact=True).click()
    document = owner.get_by_label("The same as JSON")
    order = owner.get_by_label(re.compile("^order"))
    order.fill("8001")
    owner.get_by_label("size").select_option('"large"')
    expect(document).to_have_value(re.compile(r'"order": 8001,\s+"size": "large"'))
    document.fill('{"order": "many", "gift": true, "more": 1}')
    expect(owner.get_by_label("gift")).to_have_value("true")
    owner.get_by_role("button", name="Run the test").click()
    expect(owner.get_by_role("alert")).to_contain_text("The payload is not what the job declares")
    expect(owner.locator(".wrong").filter(has_text="order must be an integer")).to_be_visible()
    order.fill("8002")
    expect(document).to_have_value(re.compile(r'"more": 1'))  # what the form does not know is kept
    owner.get_by_role("button", name="Run the test").click()
    expect(owner.get_by_role("status").filter(has_text="The test has started.")).to_be_visible()
    expect(owner.locator(".title .status").first).to_contain_text("Completed")
    payload = "select payload from perdure.events where is_test order by id desc limit 1"
    assert system.db.value(payload) == {"order": 8002, "gift": True, "more": 1}


def test_a_form_is_filled_in_without_a_script(system: System, works: Environment, new_page: NewPage) -> None:
    page = new_page(logged_in=True, java_script_enabled=False)
    page.goto(f"{works.path}/jobs/pack/test")
    page.get_by_label(re.compile("^order")).fill("8003")
    page.get_by_role("button", name="Run the test").click()
    run_id = page.url.rpartition("/")[2]
    system.wait(run_id, "SUCCESS")
    payload = "select payload::text from perdure.events where is_test order by id desc limit 1"
    assert json.loads(system.db.value(payload)) == {"order": 8003}


def test_a_paused_job_says_why_its_runs_wait(system: System, works: Environment, owner: Page) -> None:
    owner.goto(f"{works.path}/jobs/steps")
    owner.get_by_label("Why").fill("stocktaking")
    owner.get_by_role("button", name="Pause", exact=True).click()
    expect(owner.get_by_text("This job is paused by")).to_contain_text("ann@example.com")
    run_id = system.start(works, "steps.wanted", {})
    owner.goto(f"{works.path}/runs/{run_id}")
    expect(owner.get_by_text("Its job is paused by ann@example.com: stocktaking.")).to_be_visible()
    with owner.context.new_page() as other:
        other.goto(f"{works.path}/jobs/steps")
        other.get_by_role("button", name="Resume").click()
        expect(other.get_by_text("1 run was waiting.")).to_be_visible()
    expect(owner.locator(".title .status").first).to_contain_text("Completed")
