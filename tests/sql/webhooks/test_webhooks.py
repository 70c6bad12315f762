"""Webhooks register themselves, and hand what comes in to the app (protocol 10.3)."""

from typing import Any

import pytest

from tests.sql.rows import snapshot
from tests.support.builders import SDK, Builders, Endpoint, Environment, job, manifest
from tests.support.database import Database
from tests.support.refusals import refused

PUBLIC_URL = "https://perdure.example"
REGISTER = "dev.trigger.webhook.register."
BODY = b"\x00\xff raw"


def webhook(key: str = "pay", *events: str, **members: Any) -> dict[str, Any]:
    """A webhook as INDEX_ENDPOINT describes it, wanting these events."""
    return {
        "key": key,
        "params": {"shop": 7},
        "config": {"events": list(events)},
        "integration": {
            "id": "stripe",
            "metadata": {"id": "stripe", "name": "Stripe"},
            "authSource": "LOCAL",
        },
        "httpEndpoint": {"id": key},
        **members,
    }


def http_endpoint(key: str = "pay") -> dict[str, Any]:
    return {"id": key, "version": "1", "enabled": True, "event": {"title": "Pay"}, "source": "stripe.com"}


class App:
    """An app with webhooks, each with an HTTP endpoint of its key."""

    def __init__(self, db: Database, endpoint: Endpoint) -> None:
        self.db = db
        self.endpoint = endpoint

    def index(
        self, *webhooks: dict[str, Any], http_endpoints: list[dict[str, Any]] | None = None
    ) -> list[Any]:
        """Index with these; returns the registration events that this sent."""
        before = self.db.value("select count(*) from perdure.events")
        register = job("register", event=[f"{REGISTER}pay", f"{REGISTER}b"], internal=True)
        found = (
            [http_endpoint(each["key"]) for each in webhooks] if http_endpoints is None else http_endpoints
        )
        members = {"webhooks": list(webhooks), "httpEndpoints": found}
        self.db.call("index_endpoint", self.endpoint.id, manifest(job(), register, **members), SDK)
        return self.db.rows(f"select name, payload from perdure.events order by id offset {before}")

    def update(self, key: str = "pay", **update: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.db.call("update_webhook", self.endpoint.environment.id, key, update)
        return found

    def row(self, key: str = "pay") -> Any:
        (row,) = self.db.rows("select * from perdure.webhooks where key = %s", key)
        return row

    def place(self, key: str = "pay") -> list[str]:
        (found,) = self.db.rows(
            """
            select h.id, e.slug, e.shortcode from perdure.http_endpoints as h
            join perdure.environments as e on e.id = h.environment_id where h.key = %s
            """,
            key,
        )
        return list(found)

    def receive(self, key: str = "pay", *, body: bytes | None = None, raw_body: str = "{}") -> None:
        request = {"url": f"{PUBLIC_URL}/x", "method": "POST", "headers": {"x": "1"}, "rawBody": raw_body}
        outcome = self.db.call("receive_http_endpoint_request", *self.place(key), request, body)
        assert outcome == {"outcome": "ACCEPTED"}

    def deliveries(self) -> list[Any]:
        return self.db.rows("select * from perdure.deliveries where kind = 'WEBHOOK_REQUEST' order by id")


@pytest.fixture
def app(db: Database, builders: Builders) -> App:
    db.call("set_setting", "public_url", PUBLIC_URL)
    return App(db, builders.endpoint())


@pytest.fixture
def registered(app: App) -> App:
    """An app whose webhook ``pay`` is registered for ``paid``."""
    app.index(webhook("pay", "paid"))
    app.update(active=True, config={"events": ["paid"]})
    return app


def test_a_new_one_asks_to_be_registered(app: App, db: Database, builders: Builders) -> None:
    (event,) = app.index(webhook("pay", "paid", "lost"))
    id_, slug, shortcode = app.place()
    assert event.name == f"{REGISTER}pay"
    assert event.payload == {
        "active": False,
        "url": f"{PUBLIC_URL}/api/v1/http-endpoints/{id_}/env/{slug}/{shortcode}",
        "secret": app.row().secret,
        "params": {"shop": 7},
        "config": {"current": {}, "desired": {"events": ["paid", "lost"]}},
    }
    assert len(app.row().secret) == 64
    (claim,) = builders.claims()
    assert (claim.body["job"]["id"], claim.body["event"]["payload"]) == ("register", event.payload)


def test_it_asks_until_it_is_registered_and_then_when_the_config_differs(app: App) -> None:
    assert len(app.index(webhook("pay", "paid"))) == 1
    secret = app.row().secret
    assert len(app.index(webhook("pay", "paid"))) == 1
    assert app.update(active=True, config={"events": ["paid"]}) == {"id": app.row().id, "key": "pay"}
    assert app.index(webhook("pay", "paid")) == []
    (event,) = app.index(webhook("pay", "lost"))
    assert (event.payload["active"], event.payload["secret"]) == (True, secret)
    assert event.payload["config"] == {"current": {"events": ["paid"]}, "desired": {"events": ["lost"]}}


def test_a_registration_that_failed_is_asked_for_again(registered: App) -> None:
    registered.update(active=False)
    (event,) = registered.index(webhook("pay", "paid"))
    assert event.payload["active"] is False
    assert event.payload["config"]["current"] == {"events": ["paid"]}


def test_a_request_is_a_delivery_and_no_event(registered: App, db: Database, builders: Builders) -> None:
    before = db.value("select count(*) from perdure.events")
    registered.receive(body=BODY, raw_body="\x00\ufffd raw")
    registered.receive(raw_body="körper")
    first, second = registered.deliveries()
    assert (first.status, first.subject_id, first.endpoint_id) == (
        "PENDING",
        registered.row().id,
        registered.endpoint.id,
    )
    assert first.request == {"url": f"{PUBLIC_URL}/x", "method": "POST", "headers": {"x": "1"}}
    assert (bytes(first.body), bytes(second.body)) == (BODY, "körper".encode())
    assert first.due_at is not None
    assert db.value("select count(*) from perdure.events") == before


def test_sleeping_dispatchers_are_told(registered: App, db_url: str) -> None:
    with Database(db_url) as listener:
        listener.execute("listen perdure_ready")
        registered.receive()
        (heard,) = listener.connection.notifies(timeout=10, stop_after=1)
    assert heard.payload == "deliveries"


def test_one_that_is_no_longer_named_stops_and_may_come_back(registered: App, db: Database) -> None:
    assert registered.index() == []
    assert registered.row().active is False
    with refused("JQ001", "HTTP endpoint"):
        registered.receive()
    (event,) = registered.index(webhook("pay", "paid"))
    assert event.payload["active"] is False


def test_its_http_endpoint_may_live_on(registered: App, db: Database) -> None:
    registered.index(http_endpoints=[http_endpoint()])
    registered.receive()
    assert registered.deliveries() == []
    assert db.value("select count(*) from perdure.events where name = 'httpendpoint.pay'") == 1


def test_webhooks_may_swap_their_http_endpoints(app: App) -> None:
    app.index(webhook("pay", "x"), webhook("b", "x"))
    pay, b = app.row("pay").http_endpoint_id, app.row("b").http_endpoint_id
    swapped = webhook("pay", "x", httpEndpoint={"id": "b"}), webhook("b", "x", httpEndpoint={"id": "pay"})
    app.index(*swapped)
    assert (app.row("pay").http_endpoint_id, app.row("b").http_endpoint_id) == (b, pay)


def test_another_app_may_take_over(registered: App, db: Database, builders: Builders) -> None:
    environment = registered.endpoint.environment
    other = builders.endpoint(
        job("x"),
        environment=environment,
        slug="other",
        httpEndpoints=[http_endpoint()],
        webhooks=[webhook("new", "a", httpEndpoint={"id": "pay"})],
    )
    registered.receive()
    (delivery,) = registered.deliveries()
    assert (delivery.subject_id, delivery.endpoint_id) == (registered.row("new").id, other.id)


def test_without_a_public_url_no_provider_could_be_told(db: Database, builders: Builders) -> None:
    app = App(db, builders.endpoint())
    before = snapshot(db)
    with refused("JQ002", "public URL"):
        app.index(webhook("pay", "a"))
    assert snapshot(db) == before


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"key": ""}, "key"),
        ({"key": None}, "key"),
        ({"config": ["paid"]}, "config"),
        ({"config": {"events": "paid"}}, "config"),
        ({"config": {"events": [1]}}, "config"),
        ({"httpEndpoint": {}}, "httpEndpoint.id"),
        ({"httpEndpoint": "pay"}, "httpEndpoint.id"),
        ({"httpEndpoint": {"id": "unheard-of"}}, "httpEndpoint.id"),
        ({"httpEndpoint": {"id": "pay"}}, "httpEndpoint.id"),
        ({"key": "pay"}, "key"),
    ],
)
def test_a_malformed_one_is_refused(app: App, db: Database, members: dict[str, Any], words: str) -> None:
    before = snapshot(db)
    with refused("JQ010", f"webhooks[1].{words}"):
        app.index(
            webhook("pay", "a"),
            {**webhook("b", "a"), **members},
            http_endpoints=[http_endpoint(), http_endpoint("b")],
        )
    assert snapshot(db) == before


@pytest.mark.parametrize(
    ("update", "word"),
    [
        ({}, "active"),
        ({"active": "true"}, "active"),
        ({"active": True}, "config"),
        ({"active": True, "config": {"events": "paid"}}, "config"),
    ],
)
def test_a_malformed_update_is_refused(
    registered: App, db: Database, update: dict[str, Any], word: str
) -> None:
    before = snapshot(db)
    with refused("JQ010", f"p_update.{word}"):
        registered.update(**update)
    assert snapshot(db) == before


def test_another_environments_webhook_is_not_found(
    registered: App, db: Database, make_environment: Any
) -> None:
    other: Environment = make_environment("prod", project=registered.endpoint.environment.project)
    for environment_id, key in ((other.id, "pay"), (registered.endpoint.environment.id, "x"), (None, "pay")):
        with refused("JQ001", "webhook"):
            db.call("update_webhook", environment_id, key, {"active": False})
