"""Who visits the dashboard, and how they get in."""

from __future__ import annotations

from playwright.sync_api import Page, expect

EMAIL, PASSWORD = "ann@example.com", "correct horse battery"
LOGIN = "/dashboard/login"


def become_owner(page: Page, link: str) -> None:
    """Make the first account, by the link that the server has printed."""
    page.goto(link)
    page.get_by_label("Your name").fill("Ann")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Organization").fill("acme")
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("link", name="Audit log").or_(page.get_by_text("acme")).first).to_be_visible()


def log_in(page: Page, email: str = EMAIL, password: str = PASSWORD) -> None:
    """Fill the form of the login, which is shown."""
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()
