"""Schedules, sources, webhooks, HTTP endpoints and deliveries in the dashboard."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from perdure_server.dashboard.pages.deliveries import body_text, is_text
from perdure_server.dashboard.pages.schedules import cron_words, interval_words
from tests.server.dashboard.browser import Browser, words
from tests.server.dashboard.conftest import Office
from tests.sql.deliveries.delivering import answer, apply, claim, failure
from tests.sql.schedules.schedule_app import attached, cron, interval, scheduled
from tests.sql.sources.source_app import REGISTER, source
from tests.sql.webhooks.test_webhooks import http_endpoint, webhook
from tests.support.builders import Builders, Endpoint, job
from tests.support.database import Database

HOSTILE = "</pre><script>alert('x')</script>\"><img src=x onerror=alert(1)> & {{ 7 * 7 }}"


@dataclass(frozen=True, slots=True)
class Place:
    """An app of acme with triggers of all kinds, and a browser of a member."""

    office: Office
    endpoint: Endpoint
    browser: Browser

    @property
    def db(self) -> Database:
        return self.office.db

    @property
    def environment_id(self) -> str:
        return self.endpoint.environment.id

    @property
    def path(self) -> str:
        environment = self.endpoint.environment
        return f"/dashboard/orgs/acme/projects/{environment.project}/{environment.slug}"

    async def read(self, path: str) -> str:
        page = await self.browser.open(self.path + path)
        assert page.status_code == 200, page.text
        return page.text

    async def send(self, page: str, action: str, **fields: str) -> str:
        """Send a form of a page; returns where it leads."""
        sent = await self.browser.send(self.path + page, self.path + action, **fields)
        assert sent.status_code == 303, sent.text
        return sent.headers["location"].removeprefix(self.path)

    def id_of(self, table: str, key: str) -> str:
        id: str = self.db.value(f"select id from perdure.{table} where key = %s", key)
        return id

    def actions(self) -> list[tuple[str, str]]:
        rows = self.db.rows("select action, object from perdure.audit_log where environment_id is not null")
        return [tuple(row) for row in rows]

    def receive(self, body: bytes = b'{"n": 1}', **headers: str) -> str:
        """A provider sends something to the source; returns the delivery."""
        self.db.execute("update perdure.sources set active = true")
        source_id = self.id_of("sources", "hook")
        received = self.db.call(
            "receive_source_request", source_id, "https://x/hook?token=hush", "POST", headers, body
        )
        delivery_id: str = received["id"]
        return delivery_id

    def claim(self) -> Any:
        (claimed,) = claim(self.db)
        return claimed


@pytest.fixture
async def place(office: Office, builders: Builders) -> Place:
    endpoint = builders.endpoint(
        scheduled("tick", interval(3600)),
        scheduled("nightly", cron("30 5 * * MON-FRI", "Europe/Berlin")),
        attached("report", "reports"),
        job("greet"),
        job("hooked", event="httpendpoint.raw", rule={"source": "shop.example"}),
        job("register", event=[REGISTER, "dev.trigger.webhook.register.pay"], internal=True),
        sources=[source("hook", "issues", "push")],
        webhooks=[webhook("pay", "paid")],
        httpEndpoints=[http_endpoint("pay"), {"id": "raw", "source": "shop.example", "title": "Raw"}],
        dynamicSchedules=[{"id": "reports", "jobs": []}],
    )
    return Place(office, endpoint, await office.visitor("member"))


async def test_schedules_are_switched_on_paused_resumed_and_run(place: Place) -> None:
    page = words(await place.read("/triggers"))
    assert "do not fire , as it is in development at first" in page
    assert "nightly Monday to Friday at 05:30 30 5 * * MON-FRI Europe/Berlin" in page
    assert await place.send("/triggers", "/triggers/switch", enabled="yes") == "/triggers"
    page = await place.read("/triggers")
    assert "The schedules of this environment fire" in words(page)
    assert page.count('<ol class="fires"') == 2

    base = f"/triggers/schedules/{place.id_of('schedules', 'tick')}"
    assert await place.send("/triggers", f"{base}/pause") == "/triggers"
    page = words(await place.read(base))
    assert "tick paused" in page
    assert "its interval is counted from when it is resumed" in page
    assert await place.send(base, f"{base}/resume") == base
    assert "What it missed is not made up for" in await place.read(base)
    event = await place.send(base, f"{base}/run")
    assert "tick ○ Queued" in words(await place.read(event))
    page = words(await place.read(base))
    assert "The event of" in page
    assert "started 1 run." in page
    assert f'href="{place.path}{base}">the schedule</a>' in await place.read(event)
    assert place.actions() == [
        ("schedules.switch", "dev"),
        ("schedule.pause", "tick"),
        ("schedule.resume", "tick"),
        ("schedule.run_now", "tick"),
    ]


async def test_dynamic_schedules_are_found_by_their_keys(place: Place) -> None:
    for number in range(30):
        place.db.call(
            "register_schedule", place.environment_id, "reports", {"id": f"customer-{number}", **interval(90)}
        )
    first = await place.read("/triggers")
    assert ("customer-29" in first, "customer-4" in first, 'rel="next"' in first) == (True, False, True)
    page = words(await place.read("/triggers?text=MER-17"))
    assert "reports / customer-17 every 90 seconds" in page
    assert "customer-16" not in page
    base = f"/triggers/schedules/{place.id_of('schedules', 'customer-17')}"
    assert "Starts report" in words(await place.read(base))


async def test_a_source_shows_its_registration_and_what_came_in(place: Place, builders: Builders) -> None:
    page = words(await place.read("/triggers/sources"))
    assert "hook app being registered" in page
    assert "event: issues not registered yet" in page
    for claimed in builders.claims():
        claimed.reply("ERROR", error={"message": "GitHub says 401"})
    base = f"/triggers/sources/{place.id_of('sources', 'hook')}"
    page = words(await place.read(base))
    assert "hook not registered" in page
    assert "GitHub says 401" in page
    assert await place.send(base, f"{base}/register") == base
    assert "being registered" in words(await place.read(base))
    assert place.actions() == [("source.register", "hook")]

    place.receive()
    apply(place.db, answer(place.claim(), {"events": [{"name": "greet", "id": "e-1"}]}))
    place.receive()
    apply(place.db, answer(place.claim(), {"response": {"status": 401, "body": "bad signature"}}))
    page = words(await place.read(base))
    assert "Refused by the app It answered 401 to the provider's request 200 1 –" in page
    assert "Delivered 200 1 greet" in page


async def test_a_delivery_is_shown_without_what_lets_somebody_in_and_made_again(place: Place) -> None:
    old = place.receive(authorization="Bearer hush", cookie="hush", **{"x-event": "issues"})
    apply(place.db, failure(place.claim(), "no connection"))
    path = f"/triggers/deliveries/{old}"
    page = await place.read(path)
    assert "hush" not in page
    text = words(page)
    assert "Failed" in text
    assert "no connection" in text
    assert "https://x/hook?token=…" in text
    assert "x-event issues" in text
    assert '"n": 1' in text
    again = await place.send(path, f"{path}/redeliver")
    assert again.startswith("/triggers/deliveries/")
    assert again != path
    assert f'href="{place.path}{path}">the first delivery</a>' in await place.read(again)
    claimed = place.claim()
    assert (bytes(claimed.body), "hush" in claimed.headers["x-ts-http-headers"]) == (b'{"n": 1}', True)
    apply(place.db, answer(claimed, {"events": [{"name": "greet", "id": "e-1"}]}))
    page = await place.read(again)
    assert "Events it brought greet e-1" in words(page)
    event = page.partition(f"{place.path}/events/")[2].partition('"')[0]
    assert "Brought by a delivery , made again by hand" in words(await place.read(f"/events/{event}"))
    assert place.actions() == [("delivery.redeliver", old)]


async def test_a_webhook_tells_what_was_not_verified(place: Place) -> None:
    (found,) = place.db.rows(
        "select h.id, e.slug, e.shortcode from perdure.http_endpoints as h"
        " join perdure.environments as e on e.id = h.environment_id where h.key = 'pay'"
    )
    for _ in range(2):
        request = {"url": "https://x/", "method": "POST", "headers": {}, "rawBody": "{}"}
        place.db.call("receive_http_endpoint_request", *found, request, b"\x00\xffraw")
    first, second = claim(place.db)
    apply(place.db, answer(first, {"verified": True}))
    apply(place.db, answer(second, {"verified": False, "error": "the signature is another"}))
    base = f"/triggers/webhooks/{place.id_of('webhooks', 'pay')}"
    page = words(await place.read(base))
    assert "Not verified the signature is another" in page
    assert "Verified 200 1" in page
    delivery = words(await place.read(f"/triggers/deliveries/{first.delivery_id}"))
    assert "000000 00 ff 72 61 77 ..raw" in delivery
    assert await place.send(base, f"{base}/register") == base


async def test_http_endpoints_have_urls_and_requests(place: Place) -> None:
    urls = {one["id"]: one["url"] for one in place.db.call("list_http_endpoints", place.environment_id)}
    page = words(await place.read("/triggers/http-endpoints"))
    assert f"Raw raw start hooked {urls['raw']}" in page
    assert "go to the webhook pay" in page
    raw = place.id_of("http_endpoints", "raw")
    event = {"name": "httpendpoint.raw", "id": "r", "source": "shop.example", "payloadType": "REQUEST"}
    place.db.call("send_events", place.environment_id, [event])
    page = await place.read(f"/triggers/http-endpoints/{raw}")
    assert f'id="url" value="{urls["raw"]}"' in page
    assert "1 run ○ Queued r" in words(page)
    place.db.execute("delete from perdure.settings where name = 'public_url'")
    assert "set PERDURE_PUBLIC_URL" in words(await place.read("/triggers/http-endpoints"))


async def test_a_viewer_changes_nothing_and_other_environments_are_not_shown(
    place: Place, builders: Builders
) -> None:
    delivery = place.receive()
    apply(place.db, failure(place.claim()))
    bases = {
        f"/triggers/schedules/{place.id_of('schedules', 'tick')}": ("pause", "resume", "run"),
        f"/triggers/sources/{place.id_of('sources', 'hook')}": ("register",),
        f"/triggers/webhooks/{place.id_of('webhooks', 'pay')}": ("register",),
        f"/triggers/http-endpoints/{place.id_of('http_endpoints', 'raw')}": (),
        f"/triggers/deliveries/{delivery}": ("redeliver",),
    }
    viewer = await place.office.visitor("viewer")
    elsewhere = f"/dashboard/orgs/acme/projects/{builders.environment().project}/dev"
    for base, actions in bases.items():
        page = (await viewer.open(place.path + base)).text
        assert "<form" not in page.partition("<main")[2], base
        token = page.partition('name="csrf" value="')[2].partition('"')[0]
        own = (await place.browser.open(place.path + base)).text
        own_token = own.partition('name="csrf" value="')[2].partition('"')[0]
        assert (await place.browser.open(elsewhere + base)).status_code == 404
        for action in actions:
            assert (await viewer.post(f"{place.path}{base}/{action}", csrf=token)).status_code == 403
            refused = await place.browser.post(f"{elsewhere}{base}/{action}", csrf=own_token)
            assert refused.status_code == 404
    assert place.actions() == []


async def test_hostile_requests_are_shown_as_text(place: Place) -> None:
    delivery = place.receive(HOSTILE.encode(), **{"x-hostile": HOSTILE, HOSTILE: "x"})
    apply(place.db, answer(place.claim(), {"message": HOSTILE}, 500))
    place.db.execute("update perdure.sources set params = %s", json.dumps({HOSTILE: HOSTILE}))
    place.db.execute("update perdure.source_options set value = value || %s", HOSTILE)
    place.db.call(
        "register_schedule", place.environment_id, "reports",
        {"id": HOSTILE, **interval(metadata={"x": HOSTILE}, accountId=HOSTILE)},
    )  # fmt: skip
    for path in (
        f"/triggers/deliveries/{delivery}",
        f"/triggers/sources/{place.id_of('sources', 'hook')}",
        "/triggers/sources",
        "/triggers",
        f"/triggers/schedules/{place.id_of('schedules', HOSTILE)}",
    ):
        page = await place.read(path)
        assert "&lt;script&gt;" in page, path
        assert "{{ 7 * 7 }}" in page, path
        for forbidden in ("<script>alert", "<img src=x"):
            assert forbidden not in page, path


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("*/7 * * * *", ""),
        ("5 * * * *", "every hour at minute 5"),
        ("30 9 * * *", "every day at 09:30"),
        ("0 9 * * mon", "every Monday at 09:00"),
        ("0 9 * * 7", "every Sunday at 09:00"),
        ("0 9 1 * *", "on day 1 of every month at 09:00"),
        ("@Daily", "every day at 00:00"),
        ("0 9 1 1 *", ""),
        ("0 9,18 * * *", ""),
    ],
)
def test_common_expressions_have_words(cron: str, expected: str) -> None:
    assert cron_words(cron) == expected


def test_intervals_have_words() -> None:
    found = [interval_words(seconds) for seconds in (60, 90, 3600, 86400, 21600)]
    assert found == ["every minute", "every 90 seconds", "every hour", "every day", "every 6 hours"]


def test_a_body_that_is_no_text_is_shown_in_hexadecimal() -> None:
    assert [is_text(body) for body in (b"", "Größe\n".encode(), b"a\x00b", b"\xff\xfe")] == [
        True,
        True,
        False,
        False,
    ]
    assert is_text("Größe".encode()[:4])  # cut within a letter
    lines = body_text(bytes(range(256)) * 20).splitlines()
    assert lines[2] == ("000020  20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f   !\"#$%&'()*+,-./")
    assert (len(lines), lines[-1]) == (257, "…")
