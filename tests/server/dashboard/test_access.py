"""Every page and form: who may, where a form comes from, and the headers."""

import re
from uuid import uuid4

import httpx

from perdure_server.app import create_app
from perdure_server.dashboard.access import Needs
from perdure_server.dashboard.app import PAGES
from perdure_server.dashboard.csrf import token_of
from perdure_server.settings import Settings
from tests.server.dashboard.browser import words
from tests.server.dashboard.conftest import Office

OURS = "http://perdure.test"
RANK = {
    None: Needs.NOTHING,
    "stranger": Needs.LOGIN,
    "viewer": Needs.VIEWER,
    "member": Needs.MEMBER,
    "admin": Needs.ADMIN,
    "owner": Needs.OWNER,
    "first owner": Needs.OWNER,
}


def path_of(pattern: str) -> str:
    path = pattern.replace("{organization}", "acme")
    return "/dashboard" + re.sub(r"\{\w+\}", str(uuid4()), path)


async def test_a_page_is_for_whom_it_says_and_for_nobody_else(office: Office):
    for role, rank in RANK.items():
        for page in PAGES:
            browser = await office.visitor(role)  # a page may end the session, or the membership
            token = browser.client.cookies.get("perdure_session")
            path = path_of(page.path)
            if page.method == "GET":
                answer = await browser.open(path)
            else:
                answer = await browser.post(path, csrf=token_of(token) if token else "")
            case = (role, page.method, page.path, answer.status_code)
            sent_to_login = answer.headers.get("location", "").startswith("/dashboard/login")
            if rank >= page.needs:
                assert answer.status_code != 403, case
                assert sent_to_login == (page.path == "/logout"), case
            elif role is None:
                assert sent_to_login, case
            else:  # who has no role there does not learn that there is such an organization
                assert answer.status_code == (404 if role == "stranger" else 403), case


def test_what_changes_something_needs_a_role_or_a_secret():
    open_forms = {page.path for page in PAGES if page.method == "POST" and page.needs < Needs.VIEWER}
    assert open_forms == {"/login", "/logout", "/owner", "/invitation", "/account/password"}


async def test_another_organization_is_none_of_their_business(office: Office):
    office.db.call("create_project", "other", "theirs")
    browser = await office.visitor("owner")
    for page in PAGES:
        if page.needs >= Needs.VIEWER and page.method == "GET":
            path = path_of(page.path).replace("/acme", "/other")
            assert (await browser.open(path)).status_code == 404
    missing = await browser.open("/dashboard/orgs/missing")
    assert missing.status_code == 404


async def test_a_form_from_elsewhere_changes_nothing(office: Office):
    browser = await office.visitor("first owner")
    token = token_of(browser.client.cookies["perdure_session"])
    before = office.people.log()
    for page in PAGES:
        for headers, fields in (
            ({}, {"csrf": token}),
            ({"origin": "null"}, {"csrf": token}),
            ({"origin": "http://evil.test"}, {"csrf": token}),
            ({"origin": "http://perdure.test.evil.test"}, {"csrf": token}),
            ({"sec-fetch-site": "cross-site", "origin": OURS}, {"csrf": token}),
            ({"sec-fetch-site": "same-site", "origin": OURS}, {"csrf": token}),
            ({"origin": OURS}, {}),
            ({"origin": OURS}, {"csrf": "é"}),
            ({"sec-fetch-site": "same-origin"}, {"csrf": token_of("of another session")}),
        ):
            if page.method == "POST":
                data = {"role": "viewer", **fields}
                answer = await browser.client.post(path_of(page.path), data=data, headers=headers)
                assert answer.status_code == 403, (page.path, headers, fields)
                assert "did not come from this dashboard" in words(answer.text)
    assert office.people.log() == before
    assert (await browser.open("/dashboard/orgs/acme")).status_code == 200  # still logged in


async def test_every_answer_has_the_headers_that_protect_it(office: Office):
    browser = await office.visitor("viewer")
    answers = [await browser.open(path_of(page.path)) for page in PAGES if page.method == "GET"]
    answers += [
        await browser.open("/dashboard/missing"),
        await browser.post("/dashboard/logout", csrf=""),
        await browser.open("/dashboard/logout"),
        await browser.open("/dashboard/static/missing.css"),
    ]
    assert [answer.status_code for answer in answers[-4:]] == [404, 403, 405, 404]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        # What the policy forbids is not in any page.
        assert re.search(r"<script(?! src=)|<style|\sstyle=|\son\w+=|javascript:", answer.text) is None


async def test_static_files_are_kept_and_pages_ask_for_them_by_digest(office: Office):
    browser = office.browser()
    page = (await browser.open("/dashboard/login")).text
    paths = set(re.findall(r'(?:href|src)="(/dashboard/static/[^"]+)"', page))
    assert {path.partition("?")[0].rpartition("/")[2] for path in paths} == {
        "dashboard.css",
        "dashboard.js",
        "icon.svg",
    }
    for path in paths:
        answer = await browser.open(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert (await browser.open("/dashboard/static/..%2Fapp.py")).status_code == 404


async def test_behind_https_the_cookie_is_for_this_host_and_https_only(office: Office):
    app = create_app(Settings(office.db.url, public_url="https://jobs.example.com", access_log=False))
    user = office.people.join("viewer")
    secret = office.db.call("invite_member", office.people.owner, office.people.organization, "bob@x.org")
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="https://10.0.0.1") as client:
            made = await client.post(
                "/dashboard/invitation",
                data={"link": secret, "name": "Bob", "password": "a long enough one"},
                headers={"origin": "https://jobs.example.com"},
            )
            assert made.status_code == 303
            cookie = made.headers["set-cookie"]
            assert cookie.startswith("__Host-perdure_session=")
            assert "Secure" in cookie
            client.cookies.clear()
            # Without the prefix it could be planted by a neighbour, so it counts for nothing.
            client.cookies.set("perdure_session", office.db.call("open_session", user))
            assert (await client.get("/dashboard/orgs/acme")).status_code == 303


async def test_a_database_that_is_away_is_said_and_the_page_tries_again(office: Office):
    browser = await office.visitor("viewer")
    office.db.execute("reset role")
    office.db.execute("alter function perdure.touch_session(text) rename to away")
    away = await browser.open("/dashboard/orgs/acme")
    assert away.status_code == 503
    assert "tries again by itself" in words(away.text)
    assert away.headers["refresh"] == "5"
    office.db.execute("alter function perdure.away(text) rename to touch_session")
    assert (await browser.open("/dashboard/orgs/acme")).status_code == 200


async def test_a_failure_of_the_server_shows_a_request_id_and_nothing_else(office: Office, caplog):
    browser = await office.visitor("viewer")
    office.db.execute("reset role")
    office.db.execute("drop view perdure_views.jobs")
    failed = await browser.open("/dashboard/orgs/acme")
    assert failed.status_code == 500
    assert failed.headers["x-request-id"] in words(failed.text)
    assert "perdure_views" not in failed.text
    assert any(failed.headers["x-request-id"] in record.getMessage() for record in caplog.records)
