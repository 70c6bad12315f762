"""A link of ``perdure dev`` logs the first owner in, and leads to a page."""

from tests.server.dashboard.browser import words
from tests.server.dashboard.conftest import Office


async def test_a_link_logs_in_once(office: Office) -> None:
    secret = office.db.call("create_login_link", "/dashboard/orgs/acme")
    browser = office.browser()
    answer = await browser.open("/dashboard/enter", params={"link": secret})
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/orgs/acme")
    assert (await browser.open("/dashboard/orgs/acme")).status_code == 200
    again = await office.browser().open("/dashboard/enter", params={"link": secret})
    assert again.status_code == 404
    assert "perdure dashboard" in words(again.text)


async def test_a_link_leads_nowhere_else(office: Office) -> None:
    secret = office.db.call("create_login_link", "/evil")
    answer = await office.browser().open("/dashboard/enter", params={"link": secret})
    assert answer.headers["location"] == "/dashboard/"
