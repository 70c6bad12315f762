"""Log lines: they ride along, once, however often the run is replayed."""

import asyncio
import json
from typing import Any

import pytest

from perdure import IO, Perdure, Retry, TaskOptions, event_trigger, recorder
from tests.sdk.fake_platform import FakePlatform

ON = event_trigger("test.event")


async def test_lines_go_with_the_next_task_and_with_the_reply(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        io.logger.info("begin", amount=3)
        await io.run_task("work", lambda: 1)
        io.logger.error("end")

    run = platform.start("job")
    reply = await platform.execute(app, run)
    (put,) = platform.puts()
    assert [record["name"] for record in put] == ["log", "work"]
    line = {name: value for name, value in put[0].items() if name != "idempotencyKey"}
    assert line == {
        "name": "log",
        "icon": "log",
        "noop": True,
        "description": "begin",
        "params": {"amount": 3},
        "properties": [{"label": "Level", "text": "INFO"}],
        "style": {"style": "minimal", "variant": "info"},
    }
    assert [record["description"] for record in reply["tasks"]] == ["end"]
    assert reply["tasks"][0]["style"]["variant"] == "error"


async def test_lines_are_written_once_however_often_the_run_is_replayed(
    app: Perdure, platform: FakePlatform
) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        io.logger.debug("one")
        io.logger.warning("two")
        await io.wait("wait", 1)
        io.logger.info("three")
        await io.wait("wait again", 1)

    run = platform.start("job")
    await platform.finish(app, run)
    assert [row["description"] for row in run.named("log")] == ["one", "two", "three"]
    sent = [record for call in platform.replies for record in (call.tasks or []) if record.name == "log"]
    assert len(sent) == 3
    assert platform.calls == []


async def test_lines_inside_a_task_belong_to_it_and_each_try_keeps_its_own(
    app: Perdure, platform: FakePlatform
) -> None:
    tries: list[int] = []

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        def work() -> None:
            tries.append(1)
            io.logger.info(f"try {len(tries)}")
            if len(tries) == 1:
                raise ValueError("no")

        await io.run_task("work", work, options=TaskOptions(retry=Retry()))

    run = platform.start("job")
    await platform.finish(app, run)
    lines = run.named("log")
    assert [line["description"] for line in lines] == ["try 1", "try 2"]
    assert {line["parentKey"] for line in lines} == {run.row("work")["idempotencyKey"]}


async def test_data_that_is_not_json_becomes_text(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        io.logger.info("odd \ud800\0", thing=object(), number=float("nan"))
        io.logger.info("odder", text="\ud800")

    reply = await platform.execute(app, platform.start("job"))
    first, second = reply["tasks"]
    assert first["description"] == "odd ?�"
    assert "object" in first["params"]["thing"]
    assert first["params"]["number"] is None
    assert "text" in second["params"]


async def test_lines_are_not_lost_when_the_api_is_away(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        io.logger.info("before")
        await io.run_task("work", lambda: 1)

    platform.faults.extend([(503, {"error": "down"})] * 50)
    reply = await platform.execute(app, platform.start("job"))
    assert sorted(record["name"] for record in reply["tasks"]) == ["log", "work"]


async def test_lines_of_a_long_task_are_sent_before_it_ends(
    app: Perdure, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "RIDE_ALONG_S", 0.0)
    seen = asyncio.Event()
    loop = asyncio.get_running_loop()
    platform.before_answer = lambda call: loop.call_soon_threadsafe(seen.set)

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        async def work() -> None:
            io.logger.info("still at it")
            await seen.wait()

        await io.run_task("work", work)

    run = platform.start("job")
    assert (await platform.execute(app, run))["status"] == "SUCCESS"
    assert [(record["name"], record.get("status")) for record in platform.puts()[0]] == [
        ("work", "RUNNING"),
        ("log", None),
    ]
    assert len(run.named("log")) == 1


async def test_lines_with_much_data_are_split_over_several_calls(
    app: Perdure, platform: FakePlatform
) -> None:
    app.api.patience_s = 20  # large calls take their time on a busy machine

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        for number in range(60):
            io.logger.info(f"line {number}", data="x" * 100_000)
        await io.run_task("work", lambda: "y" * 2_000_000)

    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert reply["status"] == "SUCCESS"
    assert len(run.named("log")) == 60
    assert max(len(json.dumps(put)) for put in platform.puts()) < 3 * 1024 * 1024
    assert len(json.dumps(reply)) < 3 * 1024 * 1024


async def test_the_data_of_one_line_that_is_too_large_is_left_out(
    app: Perdure, platform: FakePlatform
) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        io.logger.info("kept", data="x" * 4_000_000)
        await io.run_task("work", lambda: 1)

    run = platform.start("job")
    assert (await platform.execute(app, run))["status"] == "SUCCESS"
    (line,) = run.named("log")
    assert line["description"] == "kept"
    assert "left out" in json.dumps(line["params"])


async def test_a_message_of_any_length_fits(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        io.logger.info("x" * 4_000_000)
        await io.run_task("work", lambda: 1)

    run = platform.start("job")
    await platform.execute(app, run)
    (line,) = run.named("log")
    assert len(line["description"]) < 1_000_000
