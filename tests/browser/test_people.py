"""Who gets into the dashboard and what they may do there, as people find out."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.people import EMAIL, PASSWORD, log_in
from tests.browser.system import Environment, System


def test_the_owner_who_came_by_the_link_sees_the_projects(owner: Page, works: Environment) -> None:
    owner.goto("/dashboard/")
    expect(owner.get_by_role("heading", level=1)).to_have_text("Projects")
    owner.get_by_role("region", name=works.project).get_by_role("link", name="Development").click()
    expect(owner).to_have_url(re.compile(works.path + "$"))


def test_a_wrong_password_and_the_right_one(page: Page, works: Environment) -> None:
    page.goto(works.path)
    log_in(page, password="correct horse batteries")
    expect(page.get_by_role("alert")).to_contain_text("password")
    expect(page.get_by_label("Email")).to_have_value(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page).to_have_url(re.compile(works.path + "$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def test_a_viewer_who_is_invited_sees_everything_and_changes_nothing(
    system: System, works: Environment, owner: Page, page: Page
) -> None:
    run_id = system.start(works, "reminder.wanted", {})
    owner.goto("/dashboard/orgs/acme/members")
    owner.get_by_label("Email").fill("vera@example.com")
    owner.get_by_label("Role", exact=True).select_option("viewer")
    owner.get_by_role("button", name="Make a link").click()
    link = owner.get_by_label("The link").input_value()

    page.goto(link)
    page.get_by_label("Your name").fill("Vera")
    page.get_by_label("Password").fill("another long password")
    page.get_by_role("button", name="Accept the invitation").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Projects")
    for path in (
        "",
        "/runs",
        f"/runs/{run_id}",
        "/jobs/remind",
        "/triggers",
        "/settings/keys",
        "/dead-letters",
    ):
        answer = page.goto(works.path + path)
        assert answer is not None
        assert answer.status == 200
        forms = page.locator("main form[method=post]:not([action*='/runs/filters'])")  # filters are one's own
        assert [form for form in forms.all() if form.get_by_role("button").count()] == [], path
    assert page.goto(f"{works.path}/runs/{run_id}/rerun").status == 403  # type: ignore[union-attr]
    expect(page.get_by_text("As a viewer of this organization you cannot do this.")).to_be_visible()


def test_a_key_is_rotated_and_the_audit_log_tells_of_it(
    system: System, owner: Page, new_page: NewPage
) -> None:
    environment = system.environment("keys", "prod")
    hint = environment.key[:12]
    owner.goto(f"{environment.path}/settings/keys")
    owner.get_by_role("button", name=f"Rotate {hint}…").click()
    new_key = owner.get_by_role("textbox", name="The new key").input_value()
    assert new_key.startswith("tr_prod_")
    for key in (environment.key, new_key):  # the old one works on for a while
        environment.key = key
        with system.api(environment) as api:
            assert api.get("/api/v1/runs").status_code == 200
    owner.goto(f"{environment.path}/settings/keys")
    assert new_key not in owner.content()

    owner.get_by_role("link", name="acme").first.click()
    owner.get_by_role("link", name="Audit log").click()
    entry = owner.get_by_role("row").or_(owner.get_by_role("listitem")).filter(has_text="rotate").first
    expect(entry).to_contain_text(EMAIL)
    expect(entry).to_contain_text(hint)
    assert new_key not in owner.content()
