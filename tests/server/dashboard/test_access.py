"""Every page and form: who may, where a form comes from, and the headers."""

import re

import httpx
import pytest

from perdure_server.app import create_app
from perdure_server.dashboard.access import ENVIRONMENT, Needs
from perdure_server.dashboard.app import PAGES
from perdure_server.dashboard.csrf import token_of
from perdure_server.settings import Settings
from tests.server.dashboard.browser import words
from tests.server.dashboard.conftest import Office
from tests.server.dashboard.walks import PLACE, names_something, parameters, path_of, walk_place

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


FORMS_WITHOUT_A_ROLE = {
    "/login",
    "/logout",
    "/owner",
    "/invitation",
    "/password-reset",
    "/account/password",
    "/account/sessions/{session_id}/end",
    "/account/sessions/end-others",
    "/organizations",
}
"""They need a secret, change what is one's own, or are for the first owner only."""


FORMS_OF_VIEWERS = {
    "/orgs/{organization}/members/leave",
    f"{ENVIRONMENT}/runs/filters",
    f"{ENVIRONMENT}/runs/filters/{{filter_id}}/delete",
}
"""They change what is one's own."""


@pytest.mark.parametrize("role", RANK)
async def test_a_page_is_for_whom_it_says_and_for_nobody_else(office: Office, role: str | None):
    walk_place(office)
    for page in PAGES:
        browser = await office.visitor(role)  # a page may end the session, or the membership
        token = browser.client.cookies.get("perdure_session")
        if page.method == "GET":
            answer = await browser.open(path_of(page))
        else:
            answer = await browser.post(path_of(page), csrf=token_of(token) if token else "")
        case = (page.method, page.path, answer.status_code)
        sent_to_login = answer.headers.get("location", "").startswith("/dashboard/login")
        if RANK[role] >= page.needs:
            assert answer.status_code not in (403, 405), case
            assert answer.status_code < 500, (case, words(answer.text))
            assert sent_to_login == (page.path == "/logout"), case
            if page.method == "GET" and names_something(page):  # an id that nothing has
                assert answer.status_code == 404, case
        elif role is None:
            assert sent_to_login, case
        else:  # who has no role there does not learn that there is such an organization
            assert answer.status_code == (404 if role == "stranger" else 403), case


def test_what_changes_something_needs_a_role_or_a_secret():
    forms = [page for page in PAGES if page.method == "POST"]
    assert {page.path for page in forms if page.needs < Needs.VIEWER} == FORMS_WITHOUT_A_ROLE
    of_viewers = {page.path for page in forms if page.needs == Needs.VIEWER}
    assert of_viewers == FORMS_OF_VIEWERS  # nothing else: a viewer changes nothing


def test_an_environment_is_always_one_of_its_organization():
    for page in PAGES:
        if {"project", "environment"} & set(parameters(page)):
            assert page.path.startswith(ENVIRONMENT), page.path


async def test_another_organization_is_none_of_their_business(office: Office):
    walk_place(office)
    office.db.call("create_project", "other", "theirs")
    browser = await office.visitor("owner")
    token = token_of(browser.client.cookies["perdure_session"])
    for page in PAGES:
        if page.needs < Needs.VIEWER:
            continue
        for place in ({"organization": "other", "project": "theirs"}, {"organization": "missing"}):
            path = path_of(page, PLACE | place)
            answer = await (browser.open(path) if page.method == "GET" else browser.post(path, csrf=token))
            assert answer.status_code == 404, path
        if "environment" in parameters(page):  # of somebody else, by a path that begins with their own
            for foreign in ({"project": "theirs"}, {"environment": "missing"}):
                path = path_of(page, PLACE | foreign)
                answer = await (
                    browser.open(path) if page.method == "GET" else browser.post(path, csrf=token)
                )
                assert answer.status_code == 404, path


@pytest.mark.parametrize("role", [None, "stranger"])
async def test_nobody_else_gets_a_stream_of_a_page(office: Office, role: str | None):
    walk_place(office)
    browser = await office.visitor(role)
    for page in PAGES:
        if page.method == "GET" and page.needs > RANK[role]:
            answer = await browser.open(path_of(page), headers={"accept": "text/event-stream"})
            events = [line for line in answer.text.splitlines() if line.startswith(("event:", "data:"))]
            assert events == ["event: gone", "data: "], page.path
    page = await browser.open("/dashboard/login", headers={"accept": "text/event-stream"})
    assert not page.headers.get("content-type", "").startswith("text/event-stream")


async def test_a_form_from_elsewhere_changes_nothing(office: Office):
    walk_place(office)
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
                answer = await browser.client.post(path_of(page), data=data, headers=headers)
                assert answer.status_code == 403, (page.path, headers, fields)
                assert "did not come from this dashboard" in words(answer.text)
    assert office.people.log() == before
    assert (await browser.open("/dashboard/orgs/acme")).status_code == 200  # still logged in


async def test_every_answer_has_the_headers_that_protect_it(office: Office):
    walk_place(office)
    browser = await office.visitor("viewer")
    answers = [await browser.open(path_of(page)) for page in PAGES if page.method == "GET"]
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
    stream = await office.browser().open("/dashboard/account", headers={"accept": "text/event-stream"})
    assert stream.headers["cache-control"] == "no-store"
    assert stream.headers["x-frame-options"] == "DENY"


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
