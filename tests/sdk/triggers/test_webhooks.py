"""Webhooks that register themselves, and whose requests the app turns into events."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

import pytest

from perdure import IO, ConfigurationError, Context, Integration, IntegrationTasks, Perdure, operation
from perdure.integrations import RegisterWebhook, WebhookRequest
from perdure.testing import Platform
from perdure.triggers import NotGenuine, Webhook, WebhookTrigger, hmac_signature
from perdure.wire.events import RawEvent
from tests.sdk.fake_platform import FakePlatform
from tests.sdk.triggers.requests import deliver
from tests.sdk.triggers.test_http_endpoints import url_of

URL = "https://perdure.example/api/v1/http-endpoints/1/env/prod/x"


class PayTasks(IntegrationTasks):
    """What the provider can do."""

    @operation()
    async def create_hook(self, *, url: str, events: list[str]) -> None:
        """Create it."""
        PROVIDER.append(("create", url, events))
        if BROKEN:
            raise ValueError("the provider has a bad day")

    @operation()
    async def delete_hook(self, *, url: str) -> None:
        """Delete it."""
        PROVIDER.append(("delete", url))


class Pay(Integration[PayTasks]):
    """A provider."""

    kind = "pay"
    title = "Pay"
    icon = "pay"
    retry = None


PROVIDER: list[Any] = []
BROKEN: list[bool] = []


class PayWebhook(Webhook):
    """Its webhook."""

    async def create(self, registration: RegisterWebhook, io: IO, ctx: Context) -> None:
        """Create it, with what is desired."""
        events = registration.config.desired["events"]
        await io.pay.create_hook("create", url=registration.url, events=events)

    async def delete(self, registration: RegisterWebhook, io: IO, ctx: Context) -> None:
        """Delete it."""
        await io.pay.delete_hook("delete", url=registration.url)

    async def verify(self, request: WebhookRequest) -> bool:
        """By the signature."""
        if request.method != "POST":
            raise NotGenuine("only POST is")
        return hmac_signature(request.secret, header="x-signature")(request)

    async def generate_events(self, request: WebhookRequest) -> Sequence[RawEvent]:
        """One for each delivery, but none for a ping."""
        body = request.json_body()
        if body["type"] == "ping":
            return []
        return [RawEvent(id=body["id"], name=body["type"], payload={**body, "params": request.params})]


def pay_trigger(pay: Pay, *events: str, params: Any = None) -> WebhookTrigger:
    webhook = PayWebhook(
        pay, key="pay.account", source="pay.example", config={"events": list(events)}, params=params
    )
    return WebhookTrigger(webhook, list(events), filter={"amount": [{"$gt": 10}]})


def pay_app(app: Perdure) -> Perdure:
    """Two jobs that share a webhook."""
    pay = Pay("pay")

    @app.job(id="paid", version="1.0.0", on=pay_trigger(pay, "invoice.paid", params={"account": 1}))
    async def paid(payload: Any, io: IO) -> Any:
        return [payload["amount"], payload["params"]]

    @app.job(id="failed", version="1.0.0", on=pay_trigger(pay, "invoice.failed", params={"account": 1}))
    async def failed(payload: Any, io: IO) -> None: ...

    return app


@pytest.fixture(autouse=True)
def _provider() -> None:
    PROVIDER.clear()
    BROKEN.clear()


async def test_a_webhook_as_the_platform_is_told(app: Perdure) -> None:
    manifest = pay_app(app).manifest().to_wire()
    integration = {"id": "pay", "metadata": {"id": "pay", "name": "Pay"}, "authSource": "LOCAL"}
    assert manifest["webhooks"] == [
        {
            "key": "pay.account",
            "params": {"account": 1},
            "config": {"events": ["invoice.failed", "invoice.paid"]},
            "integration": integration,
            "httpEndpoint": {"id": "pay.account"},
        }
    ]
    (endpoint,) = manifest["httpEndpoints"]
    assert (endpoint["id"], endpoint["source"]) == ("pay.account", "pay.example")
    internal = manifest["jobs"][2]
    assert (internal["id"], internal["internal"]) == ("webhook.register.pay.account", True)
    assert internal["trigger"]["rule"]["event"] == "dev.trigger.webhook.register.pay.account"
    assert manifest["jobs"][0]["trigger"]["rule"] == {
        "event": ["invoice.paid"],
        "source": "pay.example",
        "payload": {"amount": [{"$gt": 10}]},
    }


async def test_the_same_key_with_other_params_is_refused(app: Perdure) -> None:
    pay_app(app)
    with pytest.raises(ConfigurationError, match="is declared twice and differently"):
        app.job(id="x", version="1.0.0", on=pay_trigger(Pay("pay"), "x", params={"account": 2}))(nothing)


async def test_an_http_endpoint_of_the_same_id_is_refused(app: Perdure) -> None:
    app.http_endpoint("pay.account", source="pay.example", verify=None)
    with pytest.raises(ConfigurationError, match="its key is the id of an HTTP endpoint"):
        pay_app(app)
    other = pay_app(Perdure("other"))
    with pytest.raises(ConfigurationError, match="taken already"):
        other.http_endpoint("pay.account", source="pay.example", verify=None)


@pytest.mark.parametrize(("key", "source"), [("", "x"), ("zoë", "x"), ("a" * 201, "x"), ("key", "")])
def test_a_webhook_that_cannot_be_is_refused(key: str, source: str) -> None:
    with pytest.raises(ConfigurationError, match="webhook"):
        PayWebhook(Pay("pay"), key=key, source=source, config={})


async def nothing(payload: Any, io: IO) -> None:
    """A job."""


# Registration


def registration(*, active: bool, desired: list[str]) -> dict[str, Any]:
    return {
        "active": active,
        "url": URL,
        "secret": "s3cret",
        "params": {"account": 1},
        "config": {"current": {}, "desired": {"events": desired}},
    }


@pytest.mark.parametrize(
    ("active", "calls"),
    [(False, [("create", URL, ["a"])]), (True, [("delete", URL), ("create", URL, ["a"])])],
    ids=["new", "changed"],
)
async def test_a_registration_is_made_or_changed_and_told(
    app: Perdure, platform: FakePlatform, active: bool, calls: list[Any]
) -> None:
    run = platform.start("webhook.register.pay.account", registration(active=active, desired=["a"]))
    platform.before_answer = lambda call: answer_webhook(platform, call)
    assert (await platform.finish(pay_app(app), run))["status"] == "SUCCESS"
    assert calls == PROVIDER
    (told,) = [call for call in platform.calls if "/webhooks/" in call.path]
    assert (told.method, told.path) == ("PUT", "/api/v1/webhooks/pay.account")
    assert told.body == {"key": "pay.account", "active": True, "config": {"events": ["a"]}}
    assert "s3cret" not in json.dumps(list(run.rows.values()))


async def test_a_registration_that_fails_is_told_and_fails_the_run(
    app: Perdure, platform: FakePlatform
) -> None:
    BROKEN.append(True)
    run = platform.start("webhook.register.pay.account", registration(active=False, desired=["a"]))
    platform.before_answer = lambda call: answer_webhook(platform, call)
    reply = await platform.finish(pay_app(app), run)
    assert (reply["status"], reply["error"]["message"]) == ("ERROR", "the provider has a bad day")
    (told,) = [call for call in platform.calls if "/webhooks/" in call.path]
    assert told.body == {"key": "pay.account", "active": False}


def answer_webhook(platform: FakePlatform, call: Any) -> None:
    if "/webhooks/" in call.path:
        platform.faults.append((200, {"id": "webhook-1", "key": "pay.account"}))


# Deliveries


def received(body: bytes, **changes: Any) -> WebhookRequest:
    fields: dict[str, Any] = {
        "key": "pay.account",
        "secret": "s3cret",
        "params": {"account": 1},
        "url": URL,
        "method": "POST",
        "headers": {"X-Signature": sign(body)},
        "body": body,
    }
    return WebhookRequest(**{**fields, **changes})


def sign(body: bytes, secret: str = "s3cret") -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


PAID = b'{"id": "evt-1", "type": "invoice.paid", "amount": 90}'


async def test_a_delivery_becomes_events_that_the_app_sends(app: Perdure, platform: FakePlatform) -> None:
    answer = await deliver(pay_app(app), received(PAID))
    assert answer.json() == {"verified": True, "response": {"status": 200, "body": {"ok": True}}}
    (call,) = platform.calls
    assert call.path == "/api/v1/events/bulk"
    assert call.body["events"] == [
        {
            "id": "evt-1",
            "name": "invoice.paid",
            "source": "pay.example",
            "payload": {
                "id": "evt-1",
                "type": "invoice.paid",
                "amount": 90,
                "params": {"account": 1},
            },
            "context": {},
        }
    ]


async def test_a_forged_delivery_becomes_nothing(app: Perdure, platform: FakePlatform) -> None:
    answer = await deliver(pay_app(app), received(PAID, secret="other"))
    reason = "the request is not genuine"
    refused = {"verified": False, "error": reason, "response": {"status": 401, "body": {"error": reason}}}
    assert answer.json() == refused
    answer = await deliver(app, received(PAID, method="PUT"))
    assert answer.json()["error"] == "only POST is"
    assert platform.calls == []


async def test_a_delivery_without_events_sends_none(app: Perdure, platform: FakePlatform) -> None:
    answer = await deliver(pay_app(app), received(b'{"type": "ping"}'))
    assert answer.json()["verified"] is True
    assert platform.calls == []


async def test_a_delivery_for_an_unknown_webhook_says_so(app: Perdure) -> None:
    answer = await deliver(pay_app(app), received(PAID, key="other"))
    assert answer.json()["error"] == "this app has no webhook 'other'"


async def test_a_delivery_that_cannot_be_read_is_a_500_that_is_made_again(app: Perdure) -> None:
    answer = await deliver(pay_app(app), received(b"no json"))
    assert answer.status_code == 500


# On the engine


async def test_from_registration_to_the_run(perdure_platform: Platform) -> None:
    app = pay_app(Perdure("shop"))
    await perdure_platform.attach(app, sources=True)
    await perdure_platform.settle()
    ((verb, url, events),) = PROVIDER
    assert (verb, events) == ("create", ["invoice.failed", "invoice.paid"])
    assert url == await url_of(perdure_platform, "pay.account")
    (row,) = perdure_platform._rows("select secret, active from perdure.webhooks", [])
    assert row["active"]
    for _ in range(2):  # the provider repeats itself
        headers = {"x-signature": sign(PAID, row["secret"])}
        assert (await perdure_platform.request("POST", url, headers=headers, body=PAID)).status == 200
    await perdure_platform.request("POST", url, headers={"x-signature": "0"}, body=PAID)
    (run,) = perdure_platform.runs
    assert (run.job, run.output) == ("paid", [90, {"account": 1}])
