"""The list of one's sessions on the account page."""

from perdure_server.dashboard.csrf import token_of
from tests.server.dashboard.browser import words
from tests.server.dashboard.conftest import Office, give_password

ACCOUNT = "/dashboard/account"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Safari/604.1"


async def test_somebody_sees_where_they_are_logged_in_and_ends_it(office: Office):
    await give_password(office)
    browsers = []
    for user_agent in (FIREFOX, EDGE, PHONE, "curl/8.0 <script>alert(1)</script>"):
        browser = office.browser()
        browser.client.headers["user-agent"] = user_agent
        assert (await browser.log_in("ann@x.org")).status_code == 303
        browsers.append(browser)
    own = browsers[0]
    page = await own.open(ACCOUNT)
    for name in ("Firefox on Linux this one 127.0.0.1", "Edge on Windows 127.0.0.1", "Safari on iPhone"):
        assert name in words(page.text)
    assert "&lt;script&gt;alert" in page.text
    assert "<script>alert" not in page.text
    other = office.db.value("select id from perdure.sessions where user_agent = %s", EDGE)
    ended = await own.send(ACCOUNT, f"{ACCOUNT}/sessions/{other}/end")
    assert (ended.status_code, ended.headers["location"]) == (303, ACCOUNT)
    assert "Edge on Windows" not in words((await own.open(ACCOUNT)).text)
    assert [(await browser.open(ACCOUNT)).status_code for browser in browsers] == [200, 303, 200, 200]
    await own.send(ACCOUNT, f"{ACCOUNT}/sessions/end-others")
    assert [(await browser.open(ACCOUNT)).status_code for browser in browsers] == [200, 303, 303, 303]


async def test_nobody_ends_the_session_of_somebody_else(office: Office):
    theirs, browser = await office.visitor("viewer"), await office.visitor("admin")
    session = office.db.value(
        "select s.id from perdure.sessions as s join perdure.users as u on u.id = s.user_id"
        " where u.email = 'viewer@x.org'"
    )
    token = token_of(browser.client.cookies["perdure_session"])
    await browser.post(f"{ACCOUNT}/sessions/{session}/end", csrf=token)
    assert (await theirs.open(ACCOUNT)).status_code == 200


async def test_an_account_without_a_password_is_told_so(office: Office):
    office.db.execute("update perdure.users set password_hash = null")
    page = await (await office.visitor("first owner")).open(ACCOUNT)
    assert 'type="password"' not in page.text
    assert "You log in with single sign-on" in words(page.text)
