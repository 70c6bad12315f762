"""Links by which a member chooses another password, as people make and use them."""

from dataclasses import replace
from urllib.parse import urlsplit

from perdure_server.dashboard.csrf import token_of
from tests.server.dashboard.browser import Browser, words
from tests.server.dashboard.conftest import Office

MEMBERS = "/dashboard/orgs/acme/members"
FORM = "/dashboard/password-reset"
NEW = "another long password"


async def make_link(browser: Browser, user: str) -> str:
    page = await browser.send(MEMBERS, f"{MEMBERS}/{user}/password-reset")
    assert page.status_code == 200
    link = page.text.partition('id="link" value="')[2].partition('"')[0]
    assert link not in (await browser.open(MEMBERS)).text  # shown this once
    return link.removeprefix("http://perdure.test")


async def test_an_admin_makes_a_link_and_its_owner_chooses_a_password(office: Office):
    bob, thief = await office.visitor("member"), await office.visitor("member")
    user = office.db.value("select id from perdure.users where email = 'member@x.org'")
    link = await make_link(await office.visitor("admin"), user)
    assert urlsplit(link).path == FORM
    browser = office.browser()
    assert "password of member@x.org" in words((await browser.open(link)).text)
    short = await browser.send(link, FORM, password="short")
    assert (short.status_code, "10 to 200" in words(short.text)) == (400, True)
    chosen = await browser.send(link, FORM, password=NEW)
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/dashboard/")
    assert (await browser.open(MEMBERS)).status_code == 200
    for other in (bob, thief):
        assert (await other.open(MEMBERS)).status_code == 303
    assert (await office.browser().log_in("member@x.org", NEW)).status_code == 303
    assert (await browser.open(link)).status_code == 404
    used = await office.browser().post(FORM, link=link.partition("=")[2], password=NEW)
    assert (used.status_code, "Ask for a new one" in words(used.text)) == (404, True)


async def test_nobody_resets_who_is_above_them(office: Office):
    browser = await office.visitor("admin")
    await office.visitor("owner")
    page = (await browser.open(MEMBERS)).text
    owners = office.db.rows("select id from perdure.users where email in ('ann@x.org', 'owner@x.org')")
    assert len(owners) == 2
    for (owner,) in owners:
        assert f"{owner}/password-reset" not in page
        token = token_of(browser.client.cookies["perdure_session"])
        refused = await browser.post(f"{MEMBERS}/{owner}/password-reset", csrf=token)
        assert refused.status_code == 409


async def test_where_passwords_are_off_nothing_is_done_with_them(office: Office):
    services = office.app.services
    browser = await office.visitor("admin")
    bob = office.people.join("member", "bob@x.org")
    link = await make_link(browser, bob)
    invitation = office.db.call("invite_member", office.people.owner, office.people.organization, "eve@x.org")
    token = token_of(browser.client.cookies["perdure_session"])
    office.app.services = replace(services, settings=replace(services.settings, password_login=False))
    assert 'type="password"' not in (await office.browser().open("/dashboard/login")).text
    assert 'type="password"' not in (await browser.open("/dashboard/account")).text
    page = await office.browser().open(f"/dashboard/invitation?link={invitation}")
    assert (page.status_code, 'type="password"' in page.text) == (200, False)
    assert "password-reset" not in (await browser.open(MEMBERS)).text
    nobody = office.browser()
    for refused in (
        await nobody.post("/dashboard/login", email="bob@x.org", password=NEW),
        await nobody.open(link),
        await nobody.post(FORM, link=link.partition("=")[2], password=NEW),
        await nobody.post("/dashboard/invitation", link=invitation, name="Eve", password=NEW),
        await browser.post("/dashboard/account/password", csrf=token, old=NEW, new=NEW),
        await browser.post(f"{MEMBERS}/{bob}/password-reset", csrf=token),
    ):
        assert refused.status_code == 403
        assert "Nobody logs in with a password here" in words(refused.text)
