"""Whatever data says, pages show it as text; they show no secret; an id opens one environment only."""

import re
from collections import Counter
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlsplit

import httpx

from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page
from perdure_server.dashboard.app import PAGES
from perdure_server.dashboard.csrf import token_of
from tests.server.dashboard.browser import PASSWORD, Browser, words
from tests.server.dashboard.conftest import Office, give_password
from tests.server.dashboard.hostile import Planted, hostile, plant
from tests.server.dashboard.markup import Form, Markup
from tests.server.dashboard.walks import PLACE, names_something
from tests.sql.rows import task_row

LOGIN = "/dashboard/login"

SHOWN = """
account attempt-message audit-name audit-object audit-value browser context dead-letter delivered
endpoint-url event-id event-name example-name example-payload filter filter-value http-title index-error
integration-name invitation job-name log-description log-params member-name metadata organization-title
output output-connection output-key output-label output-name output-params output-text pause-reason
payload payload-name queue request-body request-header request-url response-body run-message run-name
run-stack schedule-key schedule-metadata schema-text schema-title source-key source-params status-data
status-label tag task-message task-stack webhook-config webhook-key
"""
# Where at least what is planted is seen: the walk has looked.
ODD = "\u202e\uffff'\"<\x01"
LEAVES = {
    "/logout",
    "/account/sessions/end-others",
    "/account/sessions/{session_id}/end",
    "/orgs/{organization}/members/leave",
}
"""Forms after which a browser is somewhere else."""


def path_with(page: Page, planted: Planted, **place: str) -> str:
    """The path of a page about what is there."""
    segments = page.path.split("/")
    found = []
    for before, segment in zip(["", *segments], segments, strict=False):
        name = segment.strip("{}")
        if name == segment or name in PLACE:
            found.append(segment if name == segment else {**PLACE, **place}[name])
        else:
            key = f"{before}/{name}"
            assert key in planted.values, f"{page.path}: say in hostile.py what {key} is, in Planted.values"
            found.append(quote(planted.values[key], safe=""))
    return "/dashboard" + "/".join(found)


def check(answer: httpx.Response, planted: Planted) -> Markup:
    """An answer that runs nothing and tells nothing."""
    case = f"{answer.request.method} {answer.request.url}: {answer.status_code}"
    assert answer.status_code < 500, (case, words(answer.text))
    told = [what for what, secret in planted.secrets.items() if secret in answer.text]
    assert told == [], case
    assert "49" not in re.findall(r"alert\(2\)</script>(\d+)", answer.text), case
    markup = Markup(answer.text)
    assert markup.dangers == [], case
    return markup


@dataclass(frozen=True, slots=True)
class Seen:
    """A page that was opened."""

    address: str
    markup: Markup

    def forms(self, method: str) -> list[Form]:
        """Its forms that can be sent."""
        return [form for form in self.markup.forms if form.method == method and form.has_button]


async def walk(browser: Browser, planted: Planted) -> list[Seen]:
    """Every page, and where its links lead: two of each sort."""
    ahead = [path_with(page, planted) for page in PAGES if page.method == "GET" and page.path != "/enter"]
    listed = set(ahead)
    known: set[str] = set()
    sorts: Counter[str] = Counter()
    found = []
    while ahead:
        address = ahead.pop(0)
        sort = _sort(address)
        if address in known or (sorts[sort] >= 2 and address not in listed):
            continue
        known.add(address)
        sorts[sort] += 1
        answer = await browser.open(address)
        assert address in listed or answer.status_code != 404, address  # a link leads somewhere
        found.append(Seen(address, check(answer, planted)))
        if answer.status_code in (303, 307):
            ahead.append(answer.headers["location"])
        links = [link.partition("#")[0] for link in found[-1].markup.links]
        ahead += [link for link in links if link.startswith("/dashboard")]
        ahead += [address.partition("?")[0] + link for link in links if link.startswith("?")]
    return found


def _sort(address: str) -> str:
    """What pages of a sort have in common: their Page, and the query's names with what is a plain word."""
    parts = urlsplit(address)
    page = next((page.path for page in PAGES if page.method == "GET" and is_of(parts.path, page)), parts.path)
    query = sorted(
        (name, value if value.isalpha() and value.islower() else "")
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    return f"{page} {query}"


async def test_data_is_shown_as_text_and_secrets_are_not_shown(office: Office):
    planted = plant(office)
    pages = await walk(await office.visitor("first owner"), planted)
    text = "\n".join(page.markup.text for page in pages)
    assert set(SHOWN.split()) - set(re.findall(r"in-([a-z-]+)\.", text)) == set()


async def test_what_queries_and_forms_say_is_text_at_most(office: Office):
    planted = plant(office)
    browser = await office.visitor("first owner")
    names: dict[str, set[str]] = {}
    forms: dict[str, Form] = {}
    for page in await walk(browser, planted):
        path, query = urlsplit(page.address).path, urlsplit(page.address).query
        found = names.setdefault(path, {"next", "link", "below"})
        found |= {name for name, _ in parse_qsl(query, keep_blank_values=True)}
        found |= {name for form in page.forms("get") for name in form.fields}
        forms |= {form.action: form for form in page.forms("post")}
    asked: Counter[tuple[str, str]] = Counter()
    for path, found in names.items():
        for name in sorted(found):
            asked[_sort(path), name] += 1
            if asked[_sort(path), name] == 1:
                for value in (hostile("query"), ODD):
                    check(await browser.open(path, params={name: value}), planted)
    sent: Counter[str] = Counter()
    for action, form in forms.items():
        meant = meant_by(form)
        sent[meant.path] += 1
        if meant.path in LEAVES or sent[meant.path] > 2:
            continue
        for value in (hostile("form"), ODD, ""):
            given = {name: kept if name == "csrf" else value for name, kept in form.fields.items()}
            answer = await browser.post(action, **given)
            check(answer, planted)
            if answer.status_code == 303:  # what it says there, once, too
                check(await browser.open(answer.headers["location"]), planted)
    assert {"/account/password", "/orgs/{organization}/members/invite"} <= set(sent)


async def test_what_a_task_keeps_secret_is_not_shown_where_it_is_changed(office: Office):
    planted = plant(office)
    browser = await office.visitor("first owner")
    run_id = planted.values["runs/run_id"]
    task_id = task_row(office.db, run_id, hostile("secret-key")).id
    run = f"/dashboard/orgs/acme/projects/project-1/dev/runs/{run_id}"
    for page in (f"{run}?task={task_id}", f"{run}/tasks/{task_id}/output"):
        assert "in-secret-key" in check(await browser.open(page), planted).text
    action = f"{run}/tasks/{task_id}/output"
    changed = await browser.send(action, action, output='{"token": "another"}')
    assert changed.status_code in (303, 400, 409)
    log = check(await browser.open("/dashboard/orgs/acme/audit"), planted)
    assert "another" not in log.text


async def test_a_key_is_shown_once(office: Office):
    planted = plant(office)
    browser = await office.visitor("member")
    keys = "/dashboard/orgs/acme/projects/project-1/dev/settings/keys"
    key_id = planted.values["keys/key_id"]
    made = []
    for action in (keys, f"{keys}/{key_id}/rotate"):
        answer = await browser.send(keys, action, kind="SECRET", overlap="24")
        assert answer.headers["cache-control"] == "no-store"
        found = set(re.findall(r"tr_dev_[0-9a-f]{20,}", answer.text))
        assert len(found) == 1, words(answer.text)
        made += found
    assert len(set(made)) == 2
    planted.secrets.update({f"key {number}": key for number, key in enumerate(made)})
    for address in (keys, "/dashboard/orgs/acme/audit", "/dashboard/orgs/acme"):
        check(await browser.open(address), planted)


async def test_an_id_opens_nothing_in_another_environment(office: Office):
    planted = plant(office)
    browser = await office.visitor("first owner")
    token = token_of(browser.client.cookies["perdure_session"])
    forms = {form.action: form for page in await walk(browser, planted) for form in page.forms("post")}
    before = office.people.log()
    for page in PAGES:
        if not page.path.startswith(ENVIRONMENT) or not names_something(page):
            continue
        here, there = path_with(page, planted), path_with(page, planted, environment="prod")
        if page.method == "GET":
            answer = await browser.open(there)
        else:
            answer = await browser.post(there, **(forms[here].fields if here in forms else {"csrf": token}))
        allowed = (404,) if page.method == "GET" else (400, 404)
        assert answer.status_code in allowed, (page.method, there, words(answer.text))
    assert office.people.log() == before


def is_of(action: str, page: Page) -> bool:
    """Whether a form is one of this page's."""
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(f"/dashboard{page.path}"))
    return re.fullmatch(pattern, urlsplit(action).path) is not None


def meant_by(form: Form) -> Page:
    """What a form that posts is for."""
    found = [page for page in PAGES if page.method == "POST" and is_of(form.action, page)]
    assert found, f"nothing is there for the form {form.action}"
    return found[0]


async def test_who_may_only_look_finds_no_form_that_is_not_for_them(office: Office):
    planted = plant(office)
    hook = office.db.value("select indexing_hook_id from perdure.endpoints")
    for page in await walk(await office.visitor("viewer"), planted):
        assert hook not in page.markup.text, page.address  # whoever has it may have jobs read
        for form in page.forms("post"):
            assert meant_by(form).needs <= Needs.VIEWER, (page.address, form.action)


async def test_no_page_is_for_scripts_of_other_sites(office: Office):
    browser = await office.visitor("viewer")
    for address in ("/dashboard/login", "/dashboard/account", "/dashboard/orgs/acme", "/dashboard/missing"):
        answer = await browser.open(address, headers={"origin": "https://evil.test"})
        assert [name for name in answer.headers if name.startswith("access-control-")] == []


async def test_a_notice_is_of_its_own_session_and_cannot_be_changed(office: Office):
    account = "/dashboard/account"
    browser, other = await office.visitor("viewer"), await office.visitor("member")
    await office.visitor("viewer")
    await browser.send(account, f"{account}/sessions/end-others")
    cookie = browser.client.cookies["perdure_notice"]
    signature, _, content = cookie.partition(".")
    for planted in (cookie, f"{signature}.{content[:-4]}AAAA", f".{content}", content):
        other.client.cookies.set("perdure_notice", planted, domain="perdure.test")
        assert "logged out" not in words((await other.open(account)).text)
    shown = await browser.open(account)
    assert "Everywhere else this account is logged out" in words(shown.text)
    assert "Everywhere else this account is logged out" not in words((await browser.open(account)).text)


async def test_logging_in_by_a_form_leads_nowhere_else(office: Office):
    await give_password(office)
    for wanted in ("https://evil.test/dashboard/", "//evil.test", "/\\evil.test", "/healthz"):
        let_in = await office.browser().send(LOGIN, LOGIN, email="ann@x.org", password=PASSWORD, next=wanted)
        assert (let_in.status_code, let_in.headers["location"]) == (303, "/dashboard/")
