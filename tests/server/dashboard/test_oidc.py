"""Logging in by an OpenID provider: over real HTTP, with real signatures."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import OctKey

from perdure_server.app import create_app
from perdure_server.dashboard.csrf import token_of
from perdure_server.settings import OidcSettings, Settings
from tests.server.dashboard.browser import Browser, words
from tests.server.dashboard.conftest import Office, browsers
from tests.sql.accounts.people import found
from tests.support.database import Database
from tests.support.fakes.faults import Fault
from tests.support.fakes.oidc import CLIENT_ID, CLIENT_SECRET, FakeProvider

START = "/dashboard/oidc/start"
ACME = "/dashboard/orgs/acme"
ANN = {"sub": "a1", "email": "Ann@X.org", "email_verified": True, "name": "Ann Smith"}
STRANGER = {"sub": "e1", "email": "eve@x.org", "email_verified": True, "name": "Eve"}


@dataclass(frozen=True, slots=True)
class Reception:
    """An office whose people log in by a provider."""

    office: Office
    provider: FakeProvider

    async def come_back(self, browser: Browser, path: str = START) -> httpx.Response:
        """Go to the provider and come back with what it says."""
        return await browser.open(await self.way_back(browser, path))

    async def way_back(self, browser: Browser, path: str = START) -> str:
        """Go to the provider; returns where it sends the browser."""
        sent = await browser.open(path)
        assert sent.status_code == 303, words(sent.text)
        async with httpx.AsyncClient() as elsewhere:
            back = urlsplit((await elsewhere.get(sent.headers["location"])).headers["location"])
        assert back.netloc == "perdure.test"
        return f"{back.path}?{back.query}"


@pytest.fixture
async def receive(db: Database) -> AsyncIterator[Callable[..., Any]]:
    """Opens a reception with these settings."""
    people = found(db)
    async with AsyncExitStack() as stack:
        provider = stack.enter_context(FakeProvider())
        provider.person = ANN

        async def open_reception(**options: Any) -> Reception:
            password_login = options.pop("password_login", True)
            oidc = OidcSettings(provider.url, CLIENT_ID, CLIENT_SECRET, name="Acme ID", **options)
            app = create_app(Settings(db.url, access_log=False, oidc=oidc, password_login=password_login))
            await stack.enter_async_context(app.router.lifespan_context(app))
            return Reception(Office(app, people, browsers(app, stack)), provider)

        yield open_reception


async def test_who_has_an_account_logs_in_and_goes_on(receive: Callable[..., Any]):
    reception = await receive()
    browser = reception.office.browser()
    asked = await browser.open(f"{ACME}/audit?below=x")
    login = (await browser.open(asked.headers["location"])).text
    link = login.partition(f'href="{START}')[2].partition('"')[0]
    let_in = await reception.come_back(browser, START + link.replace("&amp;", "&"))
    assert (let_in.status_code, let_in.headers["location"]) == (303, f"{ACME}/audit?below=x")
    assert (await browser.open(ACME)).status_code == 200
    cookies = let_in.headers.get_list("set-cookie")
    assert any("HttpOnly" in cookie and cookie.startswith("perdure_session=") for cookie in cookies)
    assert "perdure_oidc" not in browser.client.cookies  # used up
    for member in ("state", "nonce", "code_challenge"):
        asked = parse_qs(urlsplit((await browser.open(START)).headers["location"]).query)
        assert len(asked[member][0]) >= 43


async def test_the_session_is_a_new_one_and_the_old_one_ends(receive: Callable[..., Any]):
    reception = await receive()
    browser = await reception.office.visitor("viewer")
    old = browser.client.cookies["perdure_session"]
    await reception.come_back(browser)
    assert "ann@x.org" in words((await browser.open("/dashboard/account")).text)
    assert reception.office.db.call("touch_session", old) == []


async def test_nobody_else_gets_in_until_they_are_invited(receive: Callable[..., Any]):
    reception = await receive()
    reception.provider.person = STRANGER
    browser, people = reception.office.browser(), reception.office.people
    refused = await reception.come_back(browser)
    assert (refused.status_code, "perdure_session" in browser.client.cookies) == (403, False)
    assert "Nobody has invited eve@x.org" in words(refused.text)
    people.db.call("invite_member", people.owner, people.organization, "eve@x.org", "viewer")
    assert (await reception.come_back(browser)).status_code == 303
    assert people.roles()["eve@x.org"] == "viewer"
    people.db.call("set_user_disabled", "eve@x.org")
    disabled = await reception.come_back(browser)
    assert (disabled.status_code, "is disabled" in words(disabled.text)) == (403, True)


async def test_new_people_of_the_domain_join_where_the_settings_say_so(receive: Callable[..., Any]):
    reception = await receive(domains=("x.org",), organization="acme", role="viewer")
    reception.provider.person = STRANGER | {"email": "eve@evil.x.org.test"}
    browser = reception.office.browser()
    refused = await reception.come_back(browser)
    assert (refused.status_code, "another domain than x.org" in words(refused.text)) == (403, True)
    reception.provider.person = STRANGER
    assert (await reception.come_back(browser)).status_code == 303
    assert reception.office.people.roles() == {"ann@x.org": "owner", "eve@x.org": "viewer"}


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"nonce": "of another login"}, "cannot be believed"),
        ({"nonce": None}, "cannot be believed"),
        ({"aud": "another client"}, "cannot be believed"),
        ({"aud": [CLIENT_ID, "another"], "azp": "another"}, "cannot be believed"),
        ({"iss": "https://evil.test"}, "cannot be believed"),
        ({"exp": 1_000_000}, "cannot be believed"),
        ({"sub": None}, "cannot be believed"),
        ({"email_verified": False}, "has not verified your email"),
        ({"email_verified": None}, "has not verified your email"),
    ],
)
async def test_what_the_provider_says_has_to_be_for_this_login(
    receive: Callable[..., Any], claims: dict[str, Any], why: str
):
    reception = await receive()
    reception.provider.claims = claims
    browser = reception.office.browser()
    refused = await reception.come_back(browser)
    assert (refused.status_code, "perdure_session" in browser.client.cookies) == (403, False)
    assert why in words(refused.text)


async def test_what_somebody_else_signs_is_not_believed(receive: Callable[..., Any]):
    reception = await receive()
    browser = reception.office.browser()
    assert (await reception.come_back(browser)).status_code == 303
    real = reception.provider.key
    reception.provider.header = {"kid": real.kid}  # it is known already
    reception.provider.sign_anew()
    assert (await reception.come_back(reception.office.browser())).status_code == 403
    reception.provider.header = {"alg": "HS256", "kid": real.kid}
    reception.provider.key = OctKey.import_key(CLIENT_SECRET * 2)
    assert (await reception.come_back(reception.office.browser())).status_code == 403


async def test_the_provider_may_change_its_key(receive: Callable[..., Any]):
    reception = await receive()
    assert (await reception.come_back(reception.office.browser())).status_code == 303
    reception.provider.sign_anew()
    assert (await reception.come_back(reception.office.browser())).status_code == 303


async def test_an_email_may_come_from_the_user_info(receive: Callable[..., Any]):
    reception = await receive()
    reception.provider.person = {"sub": "a1"}
    reception.provider.userinfo = {**ANN, "sub": "somebody else"}
    assert (await reception.come_back(reception.office.browser())).status_code == 403
    reception.provider.userinfo = ANN
    assert (await reception.come_back(reception.office.browser())).status_code == 303


async def test_a_way_back_works_once_and_in_one_browser(receive: Callable[..., Any]):
    reception = await receive()
    browser, other = reception.office.browser(), reception.office.browser()
    back = await reception.way_back(browser)
    await other.open(START)
    planted = await other.open(back)
    assert planted.status_code == 400
    assert "was not begun in this browser" in words(planted.text)
    secret = browser.client.cookies["perdure_oidc"]
    assert (await browser.open(back)).status_code == 303
    browser.client.cookies.set("perdure_oidc", secret, domain="perdure.test")
    again = await browser.open(back)
    assert (again.status_code, "not begun in this browser" in words(again.text)) == (400, True)
    # With the code of a login, and the state of another.
    first, second = await reception.way_back(other), await reception.way_back(other)
    code = parse_qs(urlsplit(first).query)["code"][0]
    mixed = parse_qs(urlsplit(second).query)
    answer = await other.open(
        f"/dashboard/oidc/callback?code={code}&state={mixed['state'][0]}&iss={mixed['iss'][0]}"
    )
    assert (answer.status_code, "does not know of this login" in words(answer.text)) == (403, True)


async def test_what_the_provider_refuses_is_said(receive: Callable[..., Any]):
    reception = await receive()
    for error, text in (("access_denied", "it says access_denied"), ("<script>", "something failed")):
        browser = reception.office.browser()
        state = parse_qs(urlsplit(await reception.way_back(browser)).query)["state"][0]
        refused = await browser.open("/dashboard/oidc/callback", params={"error": error, "state": state})
        assert (refused.status_code, text in words(refused.text)) == (403, True)


async def test_a_provider_that_is_away_is_said_and_comes_back(receive: Callable[..., Any]):
    reception = await receive()
    browser, provider = reception.office.browser(), reception.provider
    provider.faults.add(Fault(status=503))
    away = await browser.open(START)
    assert (away.status_code, "Acme ID does not answer" in words(away.text)) == (503, True)
    back = await reception.way_back(browser)
    provider.faults.add(Fault(status=502))
    away = await browser.open(back)
    assert (away.status_code, "Acme ID does not answer" in words(away.text)) == (503, True)
    assert (await reception.come_back(browser)).status_code == 303


async def test_a_server_starts_without_its_provider(db: Database):
    found(db)
    oidc = OidcSettings("http://127.0.0.1:9", CLIENT_ID, CLIENT_SECRET)
    async with AsyncExitStack() as stack:
        app = create_app(Settings(db.url, access_log=False, oidc=oidc))
        await stack.enter_async_context(app.router.lifespan_context(app))
        browser = browsers(app, stack)()
        assert "Log in with single sign-on" in words((await browser.open("/dashboard/login")).text)
        assert (await browser.open(START)).status_code == 503


async def test_without_a_provider_there_is_no_way_there(office: Office):
    browser = office.browser()
    assert "oidc" not in (await browser.open("/dashboard/login")).text
    for path in (START, "/dashboard/oidc/callback?code=x&state=x"):
        assert (await browser.open(path)).status_code == 404


async def test_where_passwords_are_off_an_invitation_leads_to_the_provider(receive: Callable[..., Any]):
    reception = await receive(password_login=False)
    people = reception.office.people
    reception.provider.person = STRANGER
    secret = people.db.call("invite_member", people.owner, people.organization, "eve@x.org", "member")
    browser = reception.office.browser()
    page = (await browser.open(f"/dashboard/invitation?link={secret}")).text
    login = page.partition('class="button primary" href="')[2].partition('"')[0]
    shown = (await browser.open(login)).text
    assert 'type="password"' not in shown
    start = shown.partition('class="button primary" href="')[2].partition('"')[0]
    let_in = await reception.come_back(browser, start)
    assert let_in.status_code == 303
    assert people.roles()["eve@x.org"] == "member"
    refused = await browser.post(
        "/dashboard/account/password",
        csrf=token_of(browser.client.cookies["perdure_session"]),
        old="x" * 12,
        new="a long password",
    )
    assert refused.status_code == 403
