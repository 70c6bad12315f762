"""Any client as an integration: its methods are tasks, with the usual rules, without a declaration each."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from perdure import IO, ConfigurationError, GiveUp, Perdure, RateLimit, Retry, SyncIO, event_trigger, wrap
from tests.sdk.fake_platform import FakePlatform

ON = event_trigger("test.event")


class Charge(BaseModel):
    id: str
    amount: int


class Unknown:
    """A type that is no JSON."""


class Limited(Exception):
    def __init__(self) -> None:
        super().__init__("too many calls")
        self.status = 429
        self.headers = {"x-reset": "120", "x-left": "0"}


class Charges:
    def __init__(self, payments: "Payments") -> None:
        self._payments = payments

    def create(self, *, amount: int, api_key: str = "") -> Charge:
        self._payments.threads.append(threading.get_ident())
        if self._payments.failures:
            raise self._payments.failures.pop()
        return Charge(id="ch_1", amount=amount)

    async def list(self, limit: int = 10) -> "list[Charge]":
        return [Charge(id="ch_1", amount=limit)]

    def raw(self, customer: Any) -> "Unknown | dict[str, int]":
        return {"amount": 5}


class Payments:
    """A client as libraries have them: grouped, blocking and asynchronous."""

    def __init__(self) -> None:
        self.threads: list[int] = []
        self.failures: list[Exception] = []
        self.charges = Charges(self)


@pytest.fixture
def client() -> Payments:
    return Payments()


async def test_methods_are_tasks_at_their_places(
    app: Perdure, platform: FakePlatform, client: Payments
) -> None:
    payments = wrap("payments", client, title="Payments Inc.", icon="card")

    @app.job(id="job", version="1.0.0", on=ON, integrations=[payments])
    async def job(payload: Any, io: IO) -> list[Any]:
        charge = await io.payments.charges.create("charge", amount=500, api_key="secret")
        assert isinstance(charge, Charge)
        listed = await io.payments.charges.list("list", 3)
        raw = await io.payments.charges.raw("raw", Unknown())
        return [charge.amount, listed[0].amount, raw]

    run = platform.start("job")
    expected = [500, 3, {"amount": 5}]
    assert (await platform.execute(app, run))["output"] == expected
    assert (await platform.execute(app, run))["output"] == expected
    assert len(client.threads) == 1
    assert client.threads != [threading.get_ident()]
    row = run.row("charge")
    assert (row["name"], row["icon"], row["connectionKey"]) == ("charges.create", "card", "payments")
    assert row["params"] == {"amount": 500}
    assert run.row("list")["params"] == {"limit": 3}
    assert run.row("raw")["params"] == {"customer": "<Unknown>"}


async def test_call_has_the_methods_types(app: Perdure, platform: FakePlatform, client: Payments) -> None:
    payments = wrap("payments", client)

    @app.job(id="job", version="1.0.0", on=ON, integrations=[payments])
    def job(payload: Any, io: SyncIO) -> int:
        charge = payments.of(io).call("charge", client.charges.create, amount=7)
        listed = io.payments.charges.list("list", limit=2)
        return charge.amount + int(listed[0].amount)

    run = platform.start("job")
    assert (await platform.execute(app, run))["output"] == 9
    assert run.row("charge")["name"] == "Charges.create"


async def test_it_has_rules_like_any_integration(
    app: Perdure, platform: FakePlatform, client: Payments
) -> None:
    payments = wrap(
        "payments",
        client,
        retry=Retry(limit=3),
        rate_limit=RateLimit(remaining="x-left", reset="x-reset"),
        on_error=lambda error: GiveUp() if isinstance(error, LookupError) else None,
    )

    @app.job(id="job", version="1.0.0", on=ON, integrations=[payments])
    async def job(payload: Any, io: IO) -> None:
        await io.payments.charges.create("charge", amount=1)

    client.failures = [LookupError("no such card"), OSError("gone"), Limited()]
    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert datetime.fromisoformat(reply["retryAt"]) > datetime.now(UTC) + timedelta(seconds=110)
    run.end_waits()
    reply = await platform.execute(app, run)
    assert (reply["retry"]["limit"], reply.get("retryAt")) == (3, None)
    run.end_waits()
    reply = await platform.execute(app, run)
    assert (reply["status"], reply["error"]["message"]) == ("ERROR", "no such card")


async def test_a_method_that_is_not_there_is_named(
    app: Perdure, platform: FakePlatform, client: Payments
) -> None:
    @app.job(id="job", version="1.0.0", on=ON, integrations=[wrap("payments", client)])
    async def job(payload: Any, io: IO) -> None:
        await io.payments.charges.destroy("charge")

    error = (await platform.execute(app, platform.start("job")))["error"]
    assert (error["name"], error["message"]) == (
        "AttributeError",
        "'Charges' object has no attribute 'destroy'",
    )


@pytest.mark.parametrize(
    "arguments",
    [{}, {"client": 1, "connect": str}, {"connect": str}, {"client": 1, "auth": "HOSTED"}],
)
def test_a_wrong_declaration_is_named(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="integration 'payments'"):
        wrap("payments", **arguments)
