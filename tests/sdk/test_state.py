"""What a run keeps and shows: statuses and key-value stores, on the real platform."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from perdure import IO, Perdure, SyncIO, TaskFailed, event_trigger
from perdure.wire.runs import Run, RunStatus
from tests.sdk.fake_platform import API_KEY, FakePlatform
from tests.sdk.real_platform import RealPlatform, real_platform
from tests.support.fix_database import TestServer


class Cursor(BaseModel):
    """What is kept."""

    page: int


class Keeper:
    """An app whose jobs do what the test says."""

    def __init__(self, platform: RealPlatform) -> None:
        self.platform = platform
        self.act: Callable[[IO], Awaitable[Any]]
        self.plainly: Callable[[SyncIO], Any]
        self.app = app = platform.new_app("keeper")

        @app.job(id="keep", version="1.0.0", on=event_trigger("never"))
        async def keep(payload: dict[str, Any], io: IO) -> Any:
            return await self.act(io)

        @app.job(id="other", version="1.0.0", on=event_trigger("never"))
        async def other(payload: dict[str, Any], io: IO) -> Any:
            return await self.act(io)

        @app.job(id="plain", version="1.0.0", on=event_trigger("never"))
        def plain(payload: dict[str, Any], io: SyncIO) -> Any:
            return self.plainly(io)

        platform.register(app)

    async def run(self, act: Callable[[IO], Awaitable[Any]], *, job: str = "keep") -> Run:
        """Let a job do this; returns its run when that has ended."""
        self.act = act
        run = await self.app.invoke_job(job, {})
        ended = await self.app.wait_for_run(run.id, timeout_s=15)
        assert ended.status is RunStatus.SUCCESS, ended.output
        return ended


@pytest.fixture(scope="module")
def module_keeper(postgres_server: TestServer, template_database: str) -> Iterator[Keeper]:
    with real_platform(postgres_server, template_database) as platform:
        yield Keeper(platform)


@pytest.fixture
async def keeper(module_keeper: Keeper) -> AsyncIterator[Keeper]:
    yield module_keeper
    await module_keeper.app.close()


async def test_a_status_is_shown_and_changed_once_however_often_the_run_is_executed(keeper: Keeper) -> None:
    async def act(io: IO) -> list[str | None]:
        status = await io.create_status("progress", label="Packing", state="loading", data={"done": 1})
        await io.wait("a moment", timedelta(milliseconds=1))
        await status.update("half", data={"done": 5})
        await io.wait("another", timedelta(milliseconds=1))
        await status.update("all", label="Packed", state="success")
        return [status.record.label, status.record.state]

    run = await keeper.run(act)
    assert run.output == ["Packed", "success"]
    (shown,) = (await keeper.app.get_run_statuses(run.id)).statuses
    assert (shown.key, shown.label, shown.state, shown.data) == (
        "progress",
        "Packed",
        "success",
        {"done": 5},
    )
    assert [entry.get("data") for entry in shown.history] == [{"done": 1}, {"done": 5}]
    names = {task.display_key: (task.name, task.icon) for task in run.tasks if task.icon == "bell"}
    assert names == {
        "progress": ("Packing", "bell"),
        "half": ("Status update", "bell"),
        "all": ("Packed", "bell"),
    }


async def test_a_status_without_a_label_has_its_key(keeper: Keeper) -> None:
    async def act(io: IO) -> None:
        for index in range(2):
            await io.create_status(["file", index], data={"model": Cursor(page=index)})

    run = await keeper.run(act)
    statuses = (await keeper.app.get_run_statuses(run.id)).statuses
    assert [(status.key, status.label, status.data) for status in statuses] == [
        ("file:0", "file:0", {"model": {"page": 0}}),
        ("file:1", "file:1", {"model": {"page": 1}}),
    ]


async def test_a_run_sees_what_it_saw_before(keeper: Keeper) -> None:
    seen: list[Any] = []

    async def act(io: IO) -> None:
        seen.append(await io.store.env.get("read", "page", Cursor))
        await io.store.env.set("write", "page", Cursor(page=2))
        await io.wait("a moment", timedelta(milliseconds=1))

    await keeper.app.store.set("page", {"page": 1})
    run = await keeper.run(act)
    assert seen == [Cursor(page=1), Cursor(page=1)]
    assert await keeper.app.store.get("page", Cursor) == Cursor(page=2)
    kept = await keeper.app.get_run(run.id, task_details=True)
    assert [(task.name, task.params) for task in kept.tasks if task.name != "wait"] == [
        ("Key-Value Store Get", {"key": "page"}),
        ("Key-Value Store Set", {"key": "page"}),
    ]


async def test_each_store_is_shared_by_those_it_is_for(keeper: Keeper) -> None:
    async def write(io: IO) -> None:
        await io.store.env.set("1", "who", "env")
        await io.store.job.set("2", "who", "job")
        await io.store.run.set("3", "who", "run")

    async def read(io: IO) -> list[Any]:
        stores = {"env": io.store.env, "job": io.store.job, "run": io.store.run}
        return [await store.get(name, "who") for name, store in stores.items()]

    await keeper.run(write)
    assert (await keeper.run(read)).output == ["env", "job", None]
    assert (await keeper.run(read, job="other")).output == ["env", None, None]


async def test_values_come_and_go(keeper: Keeper) -> None:
    async def act(io: IO) -> list[Any]:
        store = io.store.run
        found = [await store.has("1", "x"), await store.get("2", "x", list[int])]
        await store.set("3", "x", [1, 2])
        found += [await store.has("4", "x"), await store.get("5", "x", list[int])]
        found += [await store.delete("6", "x"), await store.delete("7", "x"), await store.has("8", "x")]
        return found

    assert (await keeper.run(act)).output == [False, None, True, [1, 2], True, False, False]


async def test_what_cannot_be_kept_or_read_fails_the_task(keeper: Keeper) -> None:
    async def act(io: IO) -> list[str]:
        texts = []
        with pytest.raises(TypeError, match="the value of 'x' cannot be sent as JSON"):
            await io.store.run.set("odd", "x", object())
        await io.store.run.set("write", "x", "text")
        for attempt in (
            io.store.run.set("much", "x", "x" * 300_000),
            io.store.run.get("read", "x", Cursor),
        ):
            try:
                await attempt
            except TaskFailed as failure:
                texts.append(f"{failure.name}: {failure.message}")
        return texts

    texts: Any = (await keeper.run(act)).output
    assert len(texts) == 2
    assert texts[0].startswith("ApiError: PUT")
    assert "413" in texts[0]
    assert texts[1].startswith("StoredResultMismatch: the stored value of 'x' does not fit")


async def test_a_store_out_of_reach_is_asked_again_later(platform: FakePlatform) -> None:
    app = Perdure("acme", api_url=platform.url, api_key=API_KEY, patience_s=0)

    @app.job(id="job", version="1.0.0", on=event_trigger("x"))
    async def job(payload: dict[str, Any], io: IO) -> None:
        await io.store.env.set("write", "page", 1)

    platform.faults.append((503, {"error": "the database is away"}))
    reply = await platform.execute(app, platform.start("job"))
    assert reply["status"] == "RETRY_WITH_TASK"
    assert "the database is away" in reply["error"]["message"]
    await app.close()


async def test_a_plain_job_has_the_same_calls(keeper: Keeper) -> None:
    def act(io: SyncIO) -> list[Any]:
        status = io.create_status("progress", state="loading")
        status.update("done", state="success")
        io.store.job.set("write", "plain", Cursor(page=3))
        cursor = io.store.job.get("read", "plain", Cursor)
        return [
            status.record.state,
            cursor,
            io.store.env.has("has", "none"),
            io.store.job.delete("d", "plain"),
        ]

    keeper.plainly = act
    run = await keeper.app.invoke_job("plain", {})
    ended = await keeper.app.wait_for_run(run.id, timeout_s=15)
    assert ended.status is RunStatus.SUCCESS, ended.output
    assert ended.output == ["success", {"page": 3}, False, True]
