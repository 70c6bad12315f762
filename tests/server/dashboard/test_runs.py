"""The list of runs: what it shows, how it is filtered, and filters that are kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.server.dashboard.browser import words
from tests.server.dashboard.conftest import Office
from tests.support.builders import Builders, Endpoint, Run, job

HERE = "/dashboard/orgs/acme/projects/shop/dev"


@pytest.fixture
def endpoint(office: Office) -> Endpoint:
    """An app with two jobs in acme's project shop."""
    build = Builders(office.db)
    return build.endpoint(
        job("ship", event="ship"),
        job("bill", event="bill"),
        environment=build.environment("dev", project="shop"),
    )


@pytest.fixture
def start(office: Office, endpoint: Endpoint) -> Callable[..., Run]:
    """Starts a run of ``ship``, or of another job by its event."""

    def start(event: str = "ship", payload: object = None) -> Run:
        return Builders(office.db).run(endpoint, event=event, payload=payload)

    return start


def fail(office: Office, run: Run, message: str = "no stock") -> None:
    for claim in Builders(office.db).claims(100):
        if claim.run_id == run.id:
            claim.reply("ERROR", error={"message": message})


def shown(page: str) -> list[str]:
    """The runs in the table."""
    return re.findall(r'<tr id="run-([0-9a-f-]{36})"', page)


async def test_runs_are_listed_with_what_became_of_them(office: Office, start: Callable[..., Run]) -> None:
    failed = start(payload={"order": 7})
    fail(office, failed, "no <b>stock</b>")
    waiting = start("bill")
    browser = await office.visitor("viewer")
    page = (await browser.open(f"{HERE}/runs")).text
    assert shown(page) == [waiting.id, failed.id]
    assert "no &lt;b&gt;stock&lt;/b&gt;" in page
    text = words(page)
    for word in ("Failed", "Queued", "ship 1.0.0", "bill 1.0.0", "1 not ended, 1 failed."):
        assert word in text
    assert f'href="{HERE}/runs/{failed.id}"' in page
    assert 'name="run.' not in page  # a viewer has nothing to choose for
    assert 'data-live="rows"' in page


async def test_the_filter_is_in_the_address_and_in_the_form(
    office: Office, start: Callable[..., Run]
) -> None:
    failed = start(payload={"email": "ann@x.org"})
    fail(office, failed)
    other = start("bill", payload={"email": "bob@x.org"})
    browser = await office.visitor("member")
    for query, runs in {
        "status=failed": [failed],
        "status=FAILURE": [failed],
        "status=failed&status=queued": [other, failed],
        "job=bill": [other],
        "text=ANN%40x": [failed],
        f"text={other.id}": [other],
        "tag=vip": [],
        "test=yes": [],
        "test=no&job=ship&version=1.0.0": [failed],
        "time=hour": [other, failed],
        "from=2020-01-01T00:00&to=2020-01-02T00:00": [],
        f"fingerprint={office.db.value('select fingerprint from perdure.run_failures')}": [failed],
    }.items():
        page = (await browser.open(f"{HERE}/runs?{query}")).text
        assert shown(page) == [run.id for run in runs], query
        if not runs:
            assert "No run matches" in page
    page = (await browser.open(f"{HERE}/runs?status=failed&job=ship&tag=a,+b&from=2026-01-31T12:00Z")).text
    assert re.search(r'value="failed" checked', page)
    assert 'value="ship"' in page
    assert 'value="a, b"' in page
    assert 'value="2026-01-31T12:00"' in page


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("status=BROKEN", "status: BROKEN is none."),
        ("from=soon", "from: must be a time, such as"),
        ("from=2026-01-02&to=2026-01-01", "to: must be later than from."),
        ("from=0001-01-01", "from: must be a time"),
        ("fingerprint=7", "fingerprint: must be an id"),
        ("test=perhaps", "test: must be yes or no."),
        (f"text={'x' * 1001}", "text: must be at most 1000"),
        ("text=%00", "form could not be read"),
    ],
)
async def test_a_filter_that_cannot_be_is_explained(
    office: Office, endpoint: Endpoint, query: str, problem: str
) -> None:
    browser = await office.visitor("viewer")
    answer = await browser.open(f"{HERE}/runs?{query}")
    assert (answer.status_code, problem in words(answer.text)) == (400, True), words(answer.text)


async def test_without_runs_the_page_says_how_to_begin(office: Office, endpoint: Endpoint) -> None:
    page = words((await (await office.visitor("viewer")).open(f"{HERE}/runs")).text)
    assert "No runs yet" in page
    assert "perdure trigger bill" in page


async def test_pages_go_on_where_the_one_before_ended(office: Office, endpoint: Endpoint) -> None:
    office.db.call("send_events", endpoint.environment.id, [{"name": "ship"}] * 120)
    browser = await office.visitor("member")
    path, seen = f"{HERE}/runs?job=ship", []
    for count in (50, 50, 20):
        page = (await browser.open(path)).text
        assert len(shown(page)) == count
        seen += shown(page)
        older = re.search(r'href="([^"]*)" rel="next"', page)
        path = unescape(older[1]) if older else ""
    assert path == ""
    assert len(set(seen)) == 120
    assert 'data-live="rows"' not in page


async def test_a_search_that_is_not_done_says_how_far_it_is_and_goes_on(
    office: Office, start: Callable[..., Run]
) -> None:
    wanted = start(payload={"note": "needle"})
    for _ in range(3):
        office.db.call("send_events", wanted.environment.id, [{"name": "ship"}] * 900)
    browser = await office.visitor("viewer")
    page = (await browser.open(f"{HERE}/runs?text=needle")).text
    assert shown(page) == []
    assert "Looked at 2,500 runs, back to" in words(page)
    further = re.search(r'href="([^"]*)" data-further', page)
    assert further
    page = (await browser.open(unescape(further[1]))).text
    assert shown(page) == [wanted.id]
    assert "data-further" not in page


async def test_bars_lead_to_the_runs_of_their_time(office: Office, start: Callable[..., Run]) -> None:
    run = start()
    browser = await office.visitor("viewer")
    page = (await browser.open(f"{HERE}/runs?job=ship")).text
    bars = [
        unescape(href)
        for href in re.findall(r'<a href="([^"]*)" tabindex="-1" aria-label="[^"]*1 not ended', page)
    ]
    assert len(bars) == 1
    assert parse_qs(urlsplit(bars[0]).query)["job"] == ["ship"]
    assert shown((await browser.open(bars[0])).text) == [run.id]
    start("bill")
    assert "1 not ended." in words((await browser.open(f"{HERE}/runs?job=ship")).text)


async def test_filters_are_saved_by_each_for_themselves(office: Office, start: Callable[..., Run]) -> None:
    fail(office, start())
    browser, other = await office.visitor("viewer"), await office.visitor("member")
    page = f"{HERE}/runs?status=failed&job=ship"
    answer = await browser.send(page, f"{HERE}/runs/filters", name="Failed <ships>")
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    text = (await browser.open(f"{HERE}/runs")).text
    assert 'href="' + page.replace("&", "&amp;") + '"' in text
    assert "Failed &lt;ships&gt;" in text
    assert "Failed &lt;ships&gt;" not in (await other.open(f"{HERE}/runs")).text
    (delete,) = re.findall(rf'action="({HERE}/runs/filters/[^"]*/delete)"', text)
    assert (await other.post(delete, csrf="")).status_code == 403
    assert (await browser.send(f"{HERE}/runs", delete)).status_code == 303
    assert (
        "ships" not in (await browser.open(f"{HERE}/runs")).text.partition("saved")[2].partition("subtabs")[0]
    )
    log = [(entry[1], entry[2]) for entry in office.people.log()]
    assert [action for action, _ in log[:2]] == ["saved_filter.delete", "saved_filter.save"]
    nameless = await browser.send(page, f"{HERE}/runs/filters", name=" ")
    assert (nameless.status_code, "a filter needs a name" in nameless.text) == (400, True)
