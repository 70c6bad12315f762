"""What a run did is undone when it fails: the last task first, each once, whatever happens on the way."""

from typing import Any

import pytest

from perdure import IO, Perdure, SyncIO, TaskOptions, event_trigger
from tests.sdk.fake_platform import FakePlatform

ON = event_trigger("test.event")


def _declare(app: Perdure, log: list[str], *, fail: bool = True) -> None:
    async def do(name: str) -> str:
        log.append(f"do {name}")
        return name

    async def undo(name: str) -> None:
        log.append(f"undo {name}")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        await io.run_task("a", do, "a", options=TaskOptions(compensate=undo))
        await io.run_task("b", do, "b")
        await io.run_task("c", do, "c", options=TaskOptions(compensate=undo))
        await io.wait("pause", 60)
        if fail:
            raise ValueError("out of stock")
        return "sold"


async def test_a_failed_run_is_undone_backwards(app: Perdure, platform: FakePlatform) -> None:
    log: list[str] = []
    _declare(app, log)
    run = platform.start("job")
    reply = await platform.finish(app, run)
    assert (reply["status"], reply["error"]["message"]) == ("ERROR", "out of stock")
    assert log == ["do a", "do b", "do c", "undo c", "undo a"]
    assert run.row("compensate")["output"] == {"undone": 2, "failed": 0}
    assert run.row("undo c")["status"] == "COMPLETED"


async def test_a_run_that_succeeds_is_not_undone(app: Perdure, platform: FakePlatform) -> None:
    log: list[str] = []
    _declare(app, log, fail=False)
    assert (await platform.finish(app, platform.start("job")))["output"] == "sold"
    assert log == ["do a", "do b", "do c"]


async def test_a_half_undone_run_goes_on_undoing_even_if_it_would_succeed_now(
    app: Perdure, platform: FakePlatform
) -> None:
    log: list[str] = []
    state = {"fail": True, "refund": "down"}

    async def do(name: str) -> str:
        log.append(f"do {name}")
        return name

    async def undo(name: str) -> None:
        if name == "a" and state["refund"] == "down":
            raise ConnectionError("the bank is away")
        log.append(f"undo {name}")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        for name in ("a", "b"):
            await io.run_task(name, do, name, options=TaskOptions(compensate=undo))
        if state["fail"]:
            raise ValueError("out of stock")
        return str(await io.run_task("ship", do, "ship"))

    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert reply["status"] == "RETRY_WITH_TASK"
    assert log == ["do a", "do b", "undo b"]
    state |= {"fail": False, "refund": "up"}
    reply = await platform.finish(app, run)
    assert (reply["status"], reply["error"]["message"]) == ("ERROR", "out of stock")
    assert log == ["do a", "do b", "undo b", "undo a"]


async def test_what_cannot_be_undone_is_told_and_does_not_stop_the_rest(
    app: Perdure, platform: FakePlatform
) -> None:
    log: list[str] = []

    async def do(name: str) -> str:
        return name

    async def undo(name: str) -> None:
        if name == "b":
            raise RuntimeError("gone")
        log.append(name)

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        for name in ("a", "b", "c"):
            await io.run_task(name, do, name, options=TaskOptions(compensate=undo))
        raise ValueError("no")

    reply = await platform.finish(app, platform.start("job"))
    assert reply["error"]["message"] == "no (and could not be undone: b: gone)"
    assert log == ["c", "a"]


async def test_a_plain_job_is_undone_too(app: Perdure, platform: FakePlatform) -> None:
    log: list[Any] = []

    @app.job(id="job", version="1.0.0", on=ON)
    def job(payload: Any, io: SyncIO) -> None:
        io.run_task("pay", lambda: {"charge": 5}, options=TaskOptions(compensate=log.append))
        raise ValueError("no")

    assert (await platform.finish(app, platform.start("job")))["status"] == "ERROR"
    assert log == [{"charge": 5}]


async def test_a_lost_lease_undoes_nothing(app: Perdure, platform: FakePlatform) -> None:
    log: list[str] = []
    _declare(app, log)
    run = platform.start("job")
    platform.before_answer = lambda call: setattr(run, "lease_number", 99)
    assert (await platform.execute(app, run))["status"] == "CANCELED"
    assert log == ["do a"]


@pytest.mark.parametrize("kind", ["failure", "suspended"])
async def test_a_run_without_compensations_makes_no_group(
    app: Perdure, platform: FakePlatform, kind: str
) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        if kind == "failure":
            raise ValueError("no")
        await io.wait("pause", 1)

    run = platform.start("job")
    await platform.execute(app, run)
    assert "compensate" not in [row.get("displayKey") for row in run.rows.values()]
