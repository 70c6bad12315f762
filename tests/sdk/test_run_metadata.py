"""Tags, metadata and the time limit of runs, on the real platform."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from perdure import IO, ApiError, ConfigurationError, Perdure, SyncIO, TaskFailed, event_trigger, make_event
from perdure.testing import JobTester
from perdure.wire.events import RunMetadata
from perdure.wire.runs import Run, RunStatus
from tests.sdk.real_platform import RealPlatform, real_platform
from tests.support.fix_database import TestServer
from tests.support.waiting import eventually_async


class Customer(BaseModel):
    """What is kept of a customer."""

    id: int


class Shop:
    """An app whose jobs do what the test says."""

    def __init__(self, platform: RealPlatform) -> None:
        self.platform = platform
        self.act: Callable[[IO], Awaitable[Any]]
        self.plainly: Callable[[SyncIO], Any]
        self.app = app = platform.new_app("shop")

        @app.job(id="act", version="1.0.0", on=event_trigger("order.placed"))
        async def act(payload: dict[str, Any], io: IO) -> Any:
            return await self.act(io)

        @app.job(id="packed", version="1.0.0", on=event_trigger("order.packed"))
        async def packed(payload: dict[str, Any], io: IO) -> None: ...

        @app.job(id="plain", version="1.0.0", on=event_trigger("never"))
        def plain(payload: dict[str, Any], io: SyncIO) -> Any:
            return self.plainly(io)

        @app.job(id="limited", version="1.0.0", on=event_trigger("never"), timeout=timedelta(minutes=5))
        async def limited(payload: dict[str, Any], io: IO) -> Any:
            return await self.act(io)

        self.job, self.limited = act, limited
        platform.register(app)

    async def ended(self, run_id: str) -> Run:
        """The run, when it has ended."""
        return await self.app.wait_for_run(run_id, timeout_s=15)


@pytest.fixture(scope="module")
def module_shop(postgres_server: TestServer, template_database: str) -> Iterator[Shop]:
    with real_platform(postgres_server, template_database) as platform:
        yield Shop(platform)


@pytest.fixture
async def shop(module_shop: Shop) -> AsyncIterator[Shop]:
    async def nothing(io: IO) -> None:
        pass

    module_shop.act = nothing
    yield module_shop
    await module_shop.app.close()


async def test_a_job_tags_its_run_once_however_often_it_is_executed(shop: Shop) -> None:
    async def act(io: IO) -> list[str]:
        first = await io.add_tags("tag", "vip", "eu")
        await io.set_metadata("who", customer=Customer(id=5), step="one")
        await io.send_event("tell", "order.packed", tags=["packed"])
        await io.yield_execution("again")
        await io.set_metadata("next", step=None, total=1.5)
        return first.tags

    shop.act = act
    started = await shop.job.invoke({}, tags=["manual"], metadata={"by": "ann"})
    run = await shop.ended(started.id)
    assert run.output_as(list[str]) == ["eu", "manual", "vip"]
    assert run.tags == ["eu", "manual", "vip"]
    assert run.metadata == {"by": "ann", "customer": {"id": 5}, "total": 1.5}
    assert [task.name for task in run.tasks] == ["Add Tags", "Set Metadata", "Send Event", "Set Metadata"]
    assert len((await shop.app.list_runs(tag="packed", job="packed")).runs) == 1
    found = await shop.app.list_runs(tag="vip")
    assert [(one.id, one.tags, one.metadata) for one in found.runs] == [(run.id, run.tags, run.metadata)]


async def test_a_plain_job_tags_its_run(shop: Shop) -> None:
    def plainly(io: SyncIO) -> list[str]:
        io.set_metadata("meta", n=[1, 2])
        return io.add_tags(["tag", 1], "plain").tags

    shop.plainly = plainly
    run = await shop.ended((await shop.app.invoke_job("plain", {})).id)
    assert (run.output, run.tags, run.metadata) == (["plain"], ["plain"], {"n": [1, 2]})


async def test_events_bring_tags_and_runs_are_found_by_them(shop: Shop) -> None:
    app = shop.app
    sent = await app.send_event("order.placed", tags=["a", "event"], metadata={"n": 1})
    await app.send_events([make_event("order.placed")], tags=["b", "event"])
    await shop.job.trigger({}, tags={"c", "event"}, metadata={"customer": Customer(id=7)})
    found = (await app.list_runs(tag="event", job=shop.job)).runs
    assert [run.tags[0] for run in found] == ["c", "b", "a"]
    assert [run.metadata for run in found] == [{"customer": {"id": 7}}, {}, {"n": 1}]
    assert [run.id for run in (await app.list_runs(tag=["event", "a"])).runs] == [found[2].id]
    assert (await app.get_event(sent.id)).runs[0].id == found[2].id
    assert (await app.list_runs(tag="nobody")).runs == []


async def test_a_run_is_described_from_outside(shop: Shop) -> None:
    app = shop.app
    run = await shop.ended((await app.invoke_job("act", {}, tags=["old"])).id)
    for _ in range(2):
        changed = await app.set_run_metadata(
            run.id, add_tags=["new"], remove_tags=["old"], metadata={"reviewed": True}
        )
        assert changed == RunMetadata(tags=["new"], metadata={"reviewed": True})
    with pytest.raises(ApiError, match="no run"):
        await app.set_run_metadata("0193a3f0-0000-7000-8000-000000000000", add_tags=["x"])
    with pytest.raises(ValueError, match="add_tags"):
        await app.set_run_metadata(run.id, add_tags=["x" * 201])
    with pytest.raises(TypeError, match="not one: 'new'"):
        await app.set_run_metadata(run.id, add_tags="new")
    with pytest.raises(TypeError, match="not one: 'new'"):
        await app.send_event("never", tags="new")


async def test_code_that_is_not_async_has_the_same_calls(module_shop: Shop) -> None:
    app: Perdure = module_shop.platform.new_app("script")
    sent = app.sync.send_event("order.placed", tags=["sync"])
    run_id = app.sync.get_event(sent.id).runs[0].id
    assert app.sync.set_run_metadata(run_id, metadata={"n": 1}).tags == ["sync"]
    assert [run.id for run in app.sync.list_runs(tag="sync").runs] == [run_id]
    app.sync.close()


async def test_too_many_tags_fail_the_task(shop: Shop) -> None:
    async def act(io: IO) -> str:
        await io.add_tags("most", *(f"t{n}" for n in range(50)))
        try:
            await io.add_tags("more", "one")
        except TaskFailed as error:
            return str(error)
        return "taken"

    shop.act = act
    run = await shop.ended((await shop.app.invoke_job("act", {})).id)
    assert "at most 50 tags" in run.output_as(str)


async def test_a_run_that_takes_too_long_ends(shop: Shop) -> None:
    async def act(io: IO) -> None:
        await io.wait("long", timedelta(days=1))

    shop.act = act
    started = await shop.limited.invoke({})
    waits = "select status = 'WAITING_TO_CONTINUE' from perdure.runs where id = %s"
    db = shop.platform.db
    await eventually_async(lambda: db.value(waits, started.id), what="the run waits")
    assert (await shop.app.get_run(started.id)).status is RunStatus.WAITING_TO_CONTINUE
    shop.platform.clock.advance(timedelta(minutes=5))
    began = time.monotonic()
    run = await shop.ended(started.id)
    assert time.monotonic() - began < 10  # nobody had to come by: the dispatcher knew the time
    assert run.status is RunStatus.TIMED_OUT
    assert "longer than its job allows" in str(run.output)
    assert [task.status for task in run.tasks] == ["CANCELED"]


@pytest.mark.parametrize("timeout", [timedelta(0), timedelta(seconds=-1), timedelta(days=366)])
def test_a_time_limit_that_is_none_is_refused(timeout: timedelta) -> None:
    app = Perdure("shop", api_url="http://127.0.0.1:9", api_key="tr_dev_0")
    with pytest.raises(ConfigurationError, match="timeout must be"):

        @app.job(id="x", version="1.0.0", on=event_trigger("never"), timeout=timeout)
        async def x(payload: dict[str, Any], io: IO) -> None: ...


def test_a_job_tester_shows_them() -> None:
    app = Perdure("shop", api_url="http://127.0.0.1:9", api_key="tr_dev_0")

    @app.job(id="x", version="1.0.0", on=event_trigger("never"))
    async def x(payload: dict[str, Any], io: IO) -> list[str]:
        await io.set_metadata("first", n=1, gone=2)
        await io.set_metadata("then", gone=None)
        return (await io.add_tags("tag", "b", "a")).tags

    outcome = JobTester(x).run_blocking({})
    assert (outcome.result, outcome.tags, outcome.metadata) == (["a", "b"], {"a", "b"}, {"n": 1})
