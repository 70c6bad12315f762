"""The first owner, logging in and out: what a person sees, and what a thief does not get."""

from datetime import timedelta

from tests.server.dashboard.browser import PASSWORD, words
from tests.server.dashboard.conftest import Office, give_password
from tests.support.database import Database
from tests.support.fix_clock import Clock

LOGIN = "/dashboard/login"
ACME = "/dashboard/orgs/acme"
OWNER = {"name": "Ann", "email": "ann@x.org", "password": PASSWORD, "organization": "acme"}


async def test_the_first_owner_is_made_by_a_link_once(bare, db: Database):
    link = f"/dashboard/owner?link={db.call('create_owner_link')}"
    browser = bare()
    made = await browser.send(link, "/dashboard/owner", **OWNER)
    assert (made.status_code, made.headers["location"]) == (303, "/dashboard/")
    home = await browser.open("/dashboard/")
    assert home.headers["location"] == ACME
    page = await browser.open(ACME)
    assert page.status_code == 200
    assert "No project yet" in words(page.text)

    other = bare()
    again = await other.open(link)
    assert again.status_code == 404
    assert "of no use any more" in words(again.text)
    forged = await other.post("/dashboard/owner", link=link.partition("=")[2], **OWNER)
    assert forged.status_code == 404
    assert len(db.rows("select id from perdure.users")) == 1


async def test_the_form_of_the_owner_says_what_is_wrong_and_keeps_the_rest(bare, db: Database):
    link = f"/dashboard/owner?link={db.call('create_owner_link')}"
    for field, value, word in (
        ("password", "2 shor!", "must have 10 to 200"),
        ("password", "aaaaaaaaaaaa", "too easy"),
        ("email", OWNER["password"], "too easy"),
        ("email", "ann", "email address"),
        ("name", "  ", "name"),
        ("organization", "a b", "organization"),
    ):
        refused = await bare().send(link, "/dashboard/owner", **(OWNER | {field: value}))
        assert refused.status_code == 400, field
        assert word in words(refused.text), field
        assert 'value="acme"' in refused.text or field == "organization"
        assert field == "email" or (OWNER | {field: value})["password"] not in refused.text
    assert db.rows("select id from perdure.users") == []


async def test_a_right_password_opens_the_page_that_was_wanted(office: Office):
    await give_password(office)
    browser = office.browser()
    asked = await browser.open(f"{ACME}/audit?below=x")
    assert (asked.status_code, asked.headers["location"].split("?")[0]) == (303, LOGIN)
    let_in = await browser.send(asked.headers["location"], LOGIN, email="Ann@X.org", password=PASSWORD)
    assert (let_in.status_code, let_in.headers["location"]) == (303, f"{ACME}/audit?below=x")
    assert (await browser.open(ACME)).status_code == 200
    assert (await browser.open(LOGIN)).headers["location"] == "/dashboard/"


async def test_a_wrong_password_and_an_unknown_email_look_the_same(office: Office):
    await give_password(office)
    browser = office.browser()
    answers = [await browser.log_in(email, "wrong password") for email in ("ann@x.org", "eve@x.org")]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].text == answers[1].text.replace("eve@x.org", "ann@x.org")
    assert "set-cookie" not in answers[0].headers
    assert (await browser.open(ACME)).status_code == 303


async def test_many_wrong_passwords_make_even_the_right_one_wait(office: Office, clock: Clock):
    await give_password(office)
    for _ in range(10):
        office.db.call("begin_login", "ann@x.org", "192.0.2.1")
    refused = await office.browser().log_in("ann@x.org")
    assert refused.status_code == 429
    assert "Try again in 15 minutes" in words(refused.text)
    clock.advance(timedelta(seconds=int(refused.headers["retry-after"])))
    assert (await office.browser().log_in("ann@x.org")).status_code == 303


async def test_a_login_takes_a_new_session_and_ends_the_one_that_was_there(office: Office):
    await give_password(office)
    planted = office.db.call("open_session", office.people.join("viewer"))
    browser = office.browser()
    page = await browser.open(LOGIN)
    browser.client.cookies.set("perdure_session", planted)
    assert page.status_code == 200
    # The form was opened before somebody planted a session: it lacks the token of that, and is refused.
    refused = await browser.post(LOGIN, email="ann@x.org", password=PASSWORD)
    assert refused.status_code == 403
    browser.client.cookies.clear()
    browser.client.cookies.set("perdure_session", "planted")
    let_in = await browser.log_in("ann@x.org")
    token = let_in.cookies["perdure_session"]
    assert token not in ("planted", planted)
    cookie = let_in.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=lax", "path=/"))
    assert "secure" not in cookie  # this server is reached by http


async def test_logging_out_ends_the_session(office: Office):
    browser = await office.visitor("viewer")
    token = browser.client.cookies["perdure_session"]
    left = await browser.send(ACME, "/dashboard/logout")
    assert (left.status_code, left.headers["location"]) == (303, LOGIN)
    assert "perdure_session" not in browser.client.cookies
    browser.client.cookies.set("perdure_session", token)
    assert (await browser.open(ACME)).status_code == 303


async def test_a_login_leads_nowhere_else(office: Office):
    browser = await office.visitor("viewer")
    for wanted in (
        "https://evil.test/dashboard/",
        "//evil.test/dashboard/",
        "/dashboard//evil.test",
        "/\\evil.test",
        "/dashboard/\\evil",
        "/dashboard/../healthz",
        "javascript:alert(1)",
        "/dashboard/\r\nlocation: //evil.test",
        "/healthz",
        "\t//evil.test",
    ):
        shown = await browser.open(LOGIN, params={"next": wanted})
        assert shown.headers["location"] == "/dashboard/", wanted


async def test_malformed_requests_are_refused_kindly(office: Office):
    browser = office.browser()
    browser.client.cookies.set("perdure_session", "x" * 5000)
    assert (await browser.open(ACME)).status_code == 303
    assert (await browser.open("/dashboard/owner?link=%00")).status_code == 400
    origin = {"origin": "http://perdure.test"}
    for body, kind in (
        (b"email=%00&password=x", "application/x-www-form-urlencoded"),
        (b"email=%ff", "application/x-www-form-urlencoded"),
        (b"\xff", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
    ):
        refused = await browser.client.post(LOGIN, content=body, headers=origin | {"content-type": kind})
        assert refused.status_code == 400, body
        assert "text/html" in refused.headers["content-type"]
    large = await browser.post(LOGIN, email="x" * 70_000)
    assert large.status_code == 413


async def test_a_new_password_needs_the_old_one_and_logs_out_everybody_else(office: Office):
    browser, thief = await office.visitor("viewer"), await office.visitor("viewer")
    await give_password(office)
    page, form, new = "/dashboard/account", "/dashboard/account/password", "another long password"
    wrong = await browser.send(page, form, old="not the password", new=new)
    assert (wrong.status_code, "old password is not right" in words(wrong.text)) == (400, True)
    short = await browser.send(page, form, old=PASSWORD, new="short")
    assert (short.status_code, "10 to 200" in words(short.text)) == (400, True)
    assert (await thief.open(ACME)).status_code == 200
    changed = await browser.send(page, form, old=PASSWORD, new=new)
    assert (changed.status_code, changed.headers["location"]) == (303, page)
    assert "The password is changed" in words((await browser.open(page)).text)
    assert (await browser.open(ACME)).status_code == 200
    assert (await thief.open(ACME)).status_code == 303
    assert (await office.browser().log_in("viewer@x.org")).status_code == 400
    assert (await office.browser().log_in("viewer@x.org", new)).status_code == 303
    assert office.people.log()[0][:3] == ("viewer@x.org", "user.change_password", "viewer@x.org")
