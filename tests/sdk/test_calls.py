"""What an app asks of the platform from outside of runs, against the real one."""

import asyncio
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from perdure import (
    IO,
    ApiError,
    NonRetryableError,
    Perdure,
    StoredResultMismatch,
    event_trigger,
    make_event,
)
from perdure.wire.runs import RunStatus
from perdure_server.app import create_app
from perdure_server.rate_limit import RateLimit
from perdure_server.settings import Settings
from tests.sdk.real_platform import RealPlatform, real_platform
from tests.support.fix_database import TestServer
from tests.support.http_server import serve


class Order(BaseModel):
    """A payload."""

    number: int


class Receipt(BaseModel):
    """An output."""

    order: int
    total: float


class Shop:
    """An app with jobs, served, and known to a real platform."""

    def __init__(self, platform: RealPlatform) -> None:
        self.platform = platform
        self.app = app = platform.new_app("shop")
        self.broken = False

        @app.job(id="charge", version="1.0.0", on=event_trigger("order.placed"))
        async def charge(payload: Order, io: IO) -> Receipt:
            total = await io.run_task("price", lambda: payload.number * 1.5)
            return Receipt(order=payload.number, total=total)

        @app.job(id="wait", version="1.0.0", on=event_trigger("order.waits"))
        async def wait(payload: dict[str, Any], io: IO) -> None:
            await io.wait("a day", timedelta(days=1))

        @app.job(id="fragile", version="1.0.0", on=event_trigger("never"))
        async def fragile(payload: dict[str, Any], io: IO) -> str:
            await io.run_task("first", lambda: 1)
            if self.broken:
                raise NonRetryableError("out of paper")
            return "printed"

        self.charge, self.wait, self.fragile = charge, wait, fragile
        platform.register(app)


@pytest.fixture(scope="module")
def shop(postgres_server: TestServer, template_database: str) -> Iterator[Shop]:
    with real_platform(postgres_server, template_database) as platform:
        yield Shop(platform)


@pytest.fixture
async def app(shop: Shop) -> Any:
    yield shop.app
    await shop.app.close()


async def only_run(app: Perdure, event_id: str) -> str:
    (run,) = (await app.get_event(event_id)).runs
    return run.id


async def test_an_event_starts_a_run_whose_output_is_read_typed(app: Perdure) -> None:
    sent = await app.send_event("order.placed", Order(number=2))
    run = await app.wait_for_run(await only_run(app, sent.id))
    assert run.status is RunStatus.SUCCESS
    assert run.output_as(Receipt) == Receipt(order=2, total=3.0)
    assert [task.display_key for task in run.tasks] == ["price"]
    with pytest.raises(ValueError, match="does not fit"):
        run.output_as(Order)


async def test_the_same_event_id_starts_nothing_twice(app: Perdure) -> None:
    for number in (1, 2):
        sent = await app.send_event("order.placed", Order(number=number), id="order-77")
        assert sent.payload == {"number": 1}
    run = await app.wait_for_run(await only_run(app, "order-77"))
    assert run.output_as(Receipt).order == 1


async def test_several_events_are_sent_all_or_none(app: Perdure) -> None:
    sent = await app.send_events([make_event("order.placed", Order(number=n)) for n in range(3)])
    runs = [await app.wait_for_run(await only_run(app, one.id)) for one in sent]
    assert [run.output_as(Receipt).order for run in runs] == [0, 1, 2]
    with pytest.raises(ApiError) as caught:
        await app.send_events([make_event("order.placed", id="in time"), make_event("x", id="ä" * 800)])
    assert caught.value.status == 400
    with pytest.raises(ApiError) as caught:
        await app.get_event("in time")
    assert caught.value.status == 404


async def test_an_event_is_taken_back_before_it_is_delivered(app: Perdure) -> None:
    sent = await app.send_event("order.placed", Order(number=1), deliver_after=timedelta(hours=1))
    assert (await app.get_event(sent.id)).runs == []
    assert (await app.cancel_event(sent.id)).cancelled_at is not None


async def test_the_runs_of_an_event_are_cancelled(app: Perdure) -> None:
    sent = await app.send_event("order.waits")
    run_id = await only_run(app, sent.id)
    assert (await app.cancel_event_runs(sent.id)).cancelled_run_ids == [run_id]
    assert (await app.wait_for_run(run_id)).status is RunStatus.CANCELED


async def test_a_job_is_invoked_once_for_a_key(app: Perdure, shop: Shop) -> None:
    first = await app.invoke_job(shop.charge, Order(number=4), idempotency_key="charge-4")
    again = await app.invoke_job("charge", {"number": 5}, idempotency_key="charge-4")
    other = await app.invoke_job(shop.charge, Order(number=4))
    assert first.id == again.id != other.id
    assert (await app.wait_for_run(first.id)).output_as(Receipt).total == 6.0


async def test_a_key_that_cannot_be_sent_is_refused_at_once(app: Perdure) -> None:
    for key in ("größe", "two\nlines"):
        with pytest.raises(ValueError, match="idempotency_key must be printable ASCII"):
            await app.invoke_job("charge", {"number": 1}, idempotency_key=key)


async def test_an_unknown_job_is_named(app: Perdure) -> None:
    with pytest.raises(ApiError, match="no-such-job") as caught:
        await app.invoke_job("no-such-job", {})
    assert (caught.value.status, caught.value.code) == (404, "JQ001")


async def test_runs_are_listed_in_pages_and_cancelled_together(app: Perdure, shop: Shop) -> None:
    started = {(await app.invoke_job(shop.wait)).id for _ in range(3)}
    page = await app.list_job_runs(shop.wait, take=2)
    rest = await app.list_job_runs("wait", cursor=page.next_cursor, take=2)
    assert {run.id for run in [*page.runs, *rest.runs]} >= started
    assert set((await app.cancel_job_runs(shop.wait)).cancelled_run_ids) == started
    listed = await app.list_runs(status=RunStatus.CANCELED, job=shop.wait)
    assert {run.id for run in listed.runs} >= started
    assert {run.job.id for run in listed.runs} == {"wait"}


async def test_waiting_for_a_run_ends_in_time(app: Perdure, shop: Shop) -> None:
    run = await app.invoke_job(shop.wait)
    with pytest.raises(TimeoutError, match=f"run {run.id} is still [A-Z_]+ after 0.2 s; it goes on"):
        await app.wait_for_run(run.id, timeout_s=0.2)
    assert (await app.cancel_run(run.id)).status is RunStatus.CANCELED
    ended = await app.wait_for_run(run.id, timeout_s=None)
    with pytest.raises(ValueError, match="is CANCELED, not SUCCESS"):
        ended.output_as(str)


async def test_a_failed_run_goes_on_or_is_done_again(app: Perdure, shop: Shop) -> None:
    shop.broken = True
    run = await app.wait_for_run((await app.invoke_job(shop.fragile)).id)
    assert run.status is RunStatus.FAILURE
    assert re.search("out of paper", str(run.output))
    shop.broken = False
    assert (await app.continue_run(run.id)).id == run.id
    continued = await app.wait_for_run(run.id)
    assert continued.output_as(str) == "printed"
    again = await app.rerun_run(run.id)
    assert again.id != run.id
    assert (await app.wait_for_run(again.id)).output_as(str) == "printed"
    with pytest.raises(ApiError) as caught:
        await app.continue_run(run.id)
    assert (caught.value.status, caught.value.code) == (409, "JQ003")


async def test_a_status_is_set_from_outside(app: Perdure, shop: Shop) -> None:
    run = await app.invoke_job(shop.wait)
    await app.set_run_status(run.id, "progress", label="Packing", state="loading", data={"done": 1})
    changed = await app.set_run_status(run.id, "progress", state="success")
    assert (changed.label, changed.state, changed.data) == ("Packing", "success", {"done": 1})
    assert [entry["state"] for entry in changed.history] == ["loading"]
    statuses = await app.get_run_statuses(run.id)
    assert statuses.run.id == run.id
    assert [status.key for status in statuses.statuses] == ["progress"]
    await app.cancel_run(run.id)


async def test_the_store_keeps_typed_values(app: Perdure) -> None:
    store = app.store
    assert await store.get("order/1", Order) is None
    assert not await store.has("order/1")
    await store.set("order/1", Order(number=1))
    assert await store.get("order/1", Order) == Order(number=1)
    assert await store.get("order/1") == {"number": 1}
    with pytest.raises(StoredResultMismatch, match=r"the stored value of 'order/1' does not fit"):
        await store.get("order/1", Receipt)
    assert await store.delete("order/1")
    assert not await store.delete("order/1")


async def test_null_is_a_value_and_too_much_is_none(app: Perdure) -> None:
    await app.store.set("nothing", None)
    assert await app.store.get("nothing") is None
    assert await app.store.has("nothing")
    with pytest.raises(ApiError) as caught:
        await app.store.set("much", "x" * 300_000)
    assert caught.value.status == 413
    with pytest.raises(TypeError, match="the value of 'odd' cannot be sent as JSON"):
        await app.store.set("odd", object())


async def test_beyond_the_servers_rate_limit_calls_wait_for_their_turn(shop: Shop) -> None:
    limit = RateLimit(burst=3, refill=3, period_s=1)
    with serve(create_app(Settings(shop.platform.db.url, access_log=False, rate_limit=limit))) as url:
        app = Perdure("shop", api_url=url, api_key=shop.platform.environment.key, patience_s=10)
        started = time.monotonic()
        sent = await asyncio.gather(*(app.send_event("nobody.listens", id=f"n{n}") for n in range(5)))
        assert [event.id for event in sent] == [f"n{n}" for n in range(5)]
        assert time.monotonic() - started > 0.5
        await app.close()


def test_a_script_does_all_of_it_blocking(shop: Shop) -> None:
    sync = shop.app.sync
    run = sync.invoke_job(shop.charge, Order(number=6))
    assert sync.wait_for_run(run.id).output_as(Receipt).total == 9.0
    sync.store.set("cursor", 42)
    assert sync.store.get("cursor", int) == 42
    assert sync.store.has("cursor")
    assert sync.store.delete("cursor")
