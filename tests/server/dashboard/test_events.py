"""Events in the dashboard: found, explained, replayed, canceled."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.server.dashboard.browser import Browser, words
from tests.server.dashboard.conftest import Office
from tests.support.builders import Builders, Endpoint, job

HOSTILE = "</pre><script>alert('x')</script>\"><img src=x onerror=alert(1)> & {{ 7 * 7 }}"


@dataclass(frozen=True, slots=True)
class Place:
    """An app of acme in development, and a browser of a member."""

    office: Office
    endpoint: Endpoint
    browser: Browser

    @property
    def path(self) -> str:
        environment = self.endpoint.environment
        return f"/dashboard/orgs/acme/projects/{environment.project}/{environment.slug}"

    def send(self, *events: dict[str, Any], **options: Any) -> None:
        self.office.db.call("send_events", self.endpoint.environment.id, list(events), options)

    def key(self, event_id: str) -> str:
        key: str = self.office.db.value("select id from perdure.events where event_id = %s", event_id)
        return key

    async def read(self, path: str, status: int = 200) -> str:
        page = await self.browser.open(self.path + path)
        assert page.status_code == status, page.text
        return page.text


@pytest.fixture
async def place(office: Office, builders: Builders) -> Place:
    jobs = (job("takes"), job("filters", rule={"payload": {"n": [{"$gt": 5}]}}), job("other", event="other"))
    return Place(office, builders.endpoint(*jobs), await office.visitor("member"))


async def test_events_are_found_by_what_the_url_says(place: Place) -> None:
    place.send({"name": "order.paid", "id": "paid", "payload": {"note": "needle"}})
    place.send({"name": "order.sent", "id": "sent"}, {"name": "greet", "id": "hello"})
    place.send({"name": "order.sent", "id": "later"}, deliverAfter=3600)
    page = words(await place.read("/events"))
    assert page.index("later") < page.index("hello") < page.index("paid")
    assert "1 run ○ Queued" in page
    assert "Waits until" in page
    for query, expected in (
        ("name=order.*", {"paid", "sent", "later"}),
        ("text=NEEDLE", {"paid"}),
        ("state=PENDING", {"later"}),
        ("name=order.sent&state=DELIVERED", {"sent"}),
        ("name=nothing", set()),
    ):
        page = words(await place.read(f"/events?{query}"))
        assert {id for id in ("paid", "sent", "later", "hello") if f" {id} " in page} == expected, query
    assert 'value="order.*"' in await place.read("/events?name=order.*")
    assert "No such events" in await place.read("/events?name=nothing")
    assert "from of the filter must be an instant" in await place.read("/events?from=soon", 400)
    found = await place.browser.open(f"{place.path}/events?id=paid")
    assert found.headers["location"] == f"{place.path}/events/{place.key('paid')}"
    assert 'id="text" name="text" value="lost"' in await place.read("/events?id=lost")


async def test_an_event_says_what_it_started_and_why_other_jobs_did_not(place: Place) -> None:
    place.send({"name": "greet", "id": "e", "payload": {"n": 3}, "context": {"who": "ada"}}, accountId="u-7")
    page = words(await place.read(f"/events/{place.key('e')}"))
    assert "takes ○ Queued" in page
    assert "filters payload.n must be greater than 5 ; it is 3" in page
    assert "1 other job of this environment listens to events of other names" in page
    assert "End user u-7" in page
    assert '"who": "ada"' in page
    assert words(await place.read("/events/e")) == page  # by the sender's id, too


async def test_a_replay_leads_to_the_new_event_and_is_written_down(place: Place) -> None:
    place.send({"name": "greet", "id": "e", "payload": {"n": 9}})
    old = f"{place.path}/events/{place.key('e')}"
    answer = await place.browser.send(old, f"{old}/replay")
    new = answer.headers["location"]
    assert (answer.status_code, new != old) == (303, True)
    page = (await place.browser.open(new)).text
    assert f'href="{old}">the original</a>' in page
    assert "This is the new event." in page
    assert '"n": 9' in words(page)
    assert "Replayed as e:retry:" in words((await place.browser.open(old)).text)
    assert place.office.db.value("select count(*) from perdure.runs") == 4
    (audited,) = place.office.db.rows("select * from perdure.audit_log where action = 'event.replay'")
    assert (audited.object, audited.after["event"][:8]) == ("e", "e:retry:")


async def test_a_delayed_event_is_canceled_and_so_are_the_runs_of_another(place: Place) -> None:
    place.send({"name": "greet", "id": "later"}, deliverAfter=3600)
    place.send({"name": "greet", "id": "now"})
    later, now = (f"{place.path}/events/{place.key(id)}" for id in ("later", "now"))
    assert (await place.browser.send(later, f"{later}/cancel")).status_code == 303
    assert "it was canceled before it was delivered" in (await place.browser.open(later)).text
    await place.browser.send(now, f"{now}/cancel-runs")
    page = words((await place.browser.open(now)).text)
    assert "1 run is canceled." in page
    assert "takes ⊘ Canceled" in page
    assert "Cancel its runs" not in page
    too_late = await place.browser.post(f"{now}/cancel", csrf=await csrf(place, now))
    assert (too_late.status_code, "was delivered at" in too_late.text) == (409, True)


async def csrf(place: Place, path: str) -> str:
    page = (await place.browser.open(path)).text
    return page.partition('name="csrf" value="')[2].partition('"')[0]


async def test_a_viewer_changes_nothing_and_other_environments_are_not_shown(
    place: Place, builders: Builders
) -> None:
    place.send({"name": "greet", "id": "e"})
    viewer = await place.office.visitor("viewer")
    path = f"{place.path}/events/{place.key('e')}"
    page = (await viewer.open(path)).text
    assert "/replay" not in page
    token = page.partition('name="csrf" value="')[2].partition('"')[0]
    assert (await viewer.post(f"{path}/replay", csrf=token)).status_code == 403
    other = builders.environment().project
    for event in (place.key("e"), "e"):
        elsewhere = f"/dashboard/orgs/acme/projects/{other}/dev/events/{event}"
        assert (await place.browser.open(elsewhere)).status_code == 404
        answer = await place.browser.post(f"{elsewhere}/replay", csrf=await csrf(place, path))
        assert answer.status_code == 404
    assert place.office.db.value("select count(*) from perdure.events") == 1


async def test_hostile_events_are_shown_as_text(place: Place) -> None:
    event = {"name": HOSTILE, "id": HOSTILE, "source": HOSTILE, "payload": {HOSTILE: HOSTILE}}
    place.send({**event, "context": {"x": HOSTILE}}, accountId=HOSTILE)
    hostile = job("hostile", event=HOSTILE, rule={"source": HOSTILE, "payload": {HOSTILE: [{"$gt": 5}]}})
    place.office.db.call("index_endpoint", place.endpoint.id, {"jobs": [hostile]})
    for path in ("/events", f"/events/{place.key(HOSTILE)}"):
        page = await place.read(path)
        assert "&lt;script&gt;" in page
        assert "{{ 7 * 7 }}" in page
        for forbidden in ("<script>alert", "<img src=x"):
            assert forbidden not in page, path
