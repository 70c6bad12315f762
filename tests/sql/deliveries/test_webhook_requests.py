"""Requests of providers that webhooks receive: handed to the app, which says what it found."""

from typing import Any

import pytest
from psycopg.types.json import Json

from tests.sql.deliveries.delivering import answer, apply, claim, delivery
from tests.sql.webhooks.test_webhooks import App, webhook
from tests.support.builders import PUBLIC_URL, Builders
from tests.support.database import Database

BODY = b"\x00\xff raw"


@pytest.fixture
def hooked(db: Database, builders: Builders) -> App:
    """An app whose webhook ``pay`` is registered and has received a request."""
    db.call("set_setting", "public_url", PUBLIC_URL)
    app = App(db, builders.endpoint())
    app.index(webhook("pay", "paid"))
    app.update(active=True, config={"events": ["paid"]})
    row = app.row()
    request = {"url": "https://x/pay", "method": "PUT", "headers": {"x-event": "paid"}}
    db.execute(
        """
        insert into perdure.deliveries (
            id, environment_id, kind, subject_id, endpoint_id, status, request, body, due_at, created_at
        )
        select perdure.new_id(), w.environment_id, 'WEBHOOK_REQUEST', w.id, w.endpoint_id, 'PENDING',
            %s::json, %s, perdure.clock(), perdure.clock()
        from perdure.webhooks as w where w.id = %s
        """,
        Json(request),
        BODY,
        row.id,
    )
    return app


def test_a_claim_brings_the_whole_request(hooked: App, db: Database) -> None:
    (claimed,) = claim(db)
    assert (claimed.kind, claimed.action) == ("WEBHOOK_REQUEST", "DELIVER_WEBHOOK_REQUEST")
    assert (claimed.method, claimed.url, bytes(claimed.body)) == ("POST", hooked.endpoint.url, BODY)
    assert claimed.headers == {
        "content-type": "application/octet-stream",
        "x-ts-key": "pay",
        "x-ts-secret": hooked.row().secret,
        "x-ts-params": '{"shop": 7}',
        "x-ts-http-url": "https://x/pay",
        "x-ts-http-method": "PUT",
        "x-ts-http-headers": '{"x-event": "paid"}',
    }


@pytest.mark.parametrize(
    "found",
    [
        {"response": {"status": 200, "body": {"ok": True}}, "verified": True},
        {"response": {"status": 400, "body": {}}, "verified": False, "error": "wrong signature"},
    ],
)
def test_what_the_app_found_is_kept(hooked: App, db: Database, found: dict[str, Any]) -> None:
    (claimed,) = claim(db)
    assert apply(db, answer(claimed, found)) == ["DELIVERED"]
    assert delivery(db, claimed.delivery_id).response == found
