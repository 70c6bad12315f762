"""Tasks: called once, stored once, decoded with the function's annotation."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, computed_field

from perdure import IO, Context, DuplicateTaskKey, Perdure, TaskFailed, TaskOptions, event_trigger
from perdure.keys import idempotency_key
from tests.sdk.fake_platform import FakePlatform

ON = event_trigger("test.event")


class Issue(BaseModel):
    number: int
    updated_at: datetime


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    at: datetime
    pair: tuple[int, int]


@dataclass
class Point:
    x: int
    y: int


async def test_a_finished_task_is_called_once_and_stored_in_one_call(
    app: Perdure, platform: FakePlatform
) -> None:
    calls: list[int] = []

    async def double(number: int, *, by: int = 2) -> int:
        calls.append(number)
        return number * by

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: dict[str, int], io: IO) -> int:
        first = await io.run_task("first", double, payload["n"])
        await io.wait("a while", 60)
        second = await io.run_task("second", double, first, by=10)
        return second

    run = platform.start("job", {"n": 4})
    reply = await platform.finish(app, run)
    assert reply == {"status": "SUCCESS", "output": 80}
    assert calls == [4, 8]
    assert [[record["displayKey"] for record in put] for put in platform.puts()] == [["first"], ["second"]]
    assert len(platform.replies) == 2


async def test_the_record_says_everything_about_the_task(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        options = TaskOptions(
            name="Charge",
            icon="card",
            description="the customer's card",
            params={"at": datetime(2026, 1, 1, tzinfo=UTC)},
            properties={"Amount": 3},
            connection_key="stripe",
        )
        await io.run_task(["charge", 1], lambda: {"ok": True}, options=options)

    run = platform.start("job")
    await platform.execute(app, run)
    ((record,),) = platform.puts()
    started_at = record.pop("startedAt")
    assert abs(datetime.now(UTC) - datetime.fromisoformat(started_at)).total_seconds() < 60
    assert record == {
        "idempotencyKey": idempotency_key(run.id, None, ["charge", 1]),
        "displayKey": "charge:1",
        "name": "Charge",
        "icon": "card",
        "description": "the customer's card",
        "noop": False,
        "params": {"at": "2026-01-01T00:00:00Z"},
        "properties": [{"label": "Amount", "text": "3"}],
        "connectionKey": "stripe",
        "status": "COMPLETED",
        "output": {"ok": True},
    }


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (Issue(number=1, updated_at=datetime(2026, 1, 1, tzinfo=UTC)), Issue),
        (Strict(at=datetime(2026, 1, 1, tzinfo=UTC), pair=(1, 2)), Strict),
        (Point(1, 2), Point),
        ([Point(1, 2)], list[Point]),
        ((1, "a"), tuple[int, str]),
        ({1: {2, 3}}, dict[int, set[int]]),
        (None, Point | None),
        (b"bytes", bytes),
        ({"free": [1, None]}, Any),
    ],
)
async def test_results_come_back_as_the_annotated_type_in_every_execution(
    app: Perdure, platform: FakePlatform, value: Any, annotation: Any
) -> None:
    seen: list[Any] = []

    async def fetch() -> Any:
        return value

    fetch.__annotations__["return"] = annotation

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        seen.append(await io.run_task("fetch", fetch))
        await io.wait("wait", 1)

    await platform.finish(app, platform.start("job"))
    assert seen == [value, value]
    assert type(seen[0]) is type(seen[1]) is type(value)


async def test_a_result_without_an_annotation_is_the_same_json_in_every_execution(
    app: Perdure, platform: FakePlatform
) -> None:
    seen: list[Any] = []

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        seen.append(await io.run_task("fetch", lambda: (1, float("nan"), Point(1, 2))))
        await io.wait("wait", 1)

    await platform.finish(app, platform.start("job"))
    assert seen == [[1, None, {"x": 1, "y": 2}]] * 2


async def test_a_task_without_a_result_has_no_output(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        nothing: Any = lambda: None  # noqa: E731
        assert await io.run_task("nothing", nothing) is None

    reply = await platform.execute(app, platform.start("job"))
    assert "output" not in platform.puts()[0][0]
    assert reply == {"status": "SUCCESS"}


async def test_a_stored_null_is_none(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        return repr(await io.run_task("null", lambda: 1))

    run = platform.start("job")
    key = idempotency_key(run.id, None, "null")
    run.rows[key] = {
        "id": "t1",
        "idempotencyKey": key,
        "status": "COMPLETED",
        "noop": False,
        "attempts": 1,
        "output": None,
    }
    assert (await platform.execute(app, run))["output"] == "None"


async def test_plain_functions_partials_methods_and_callables_can_be_tasks(
    app: Perdure, platform: FakePlatform
) -> None:
    class Client:
        def __init__(self, base: int) -> None:
            self.base = base

        async def add(self, number: int) -> int:
            return self.base + number

        def __call__(self, number: int) -> int:
            return self.base * number

    def plain(a: int, b: int) -> int:
        return a - b

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[int]:
        client = Client(10)
        return [
            await io.run_task("plain", plain, 3, b=1),
            await io.run_task("partial", partial(plain, 3), 2),
            await io.run_task("method", client.add, 1),
            await io.run_task("callable", client, 2),
        ]

    assert (await platform.execute(app, platform.start("job")))["output"] == [2, 1, 11, 20]


async def test_an_argument_named_options_reaches_the_function(app: Perdure, platform: FakePlatform) -> None:
    def call(url: str, options: dict[str, int]) -> str:
        return f"{url} {options}"

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        return await io.run_task("call", call, "/x", options={"timeout": 1})

    assert (await platform.execute(app, platform.start("job")))["output"] == "/x {'timeout': 1}"


async def test_nested_tasks_name_their_parent_which_is_announced_in_the_same_call(
    app: Perdure, platform: FakePlatform
) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> int:
        async def inner() -> int:
            return await io.run_task("leaf", lambda: 1) + await io.run_task("leaf 2", lambda: 2)

        async def outer() -> int:
            return await io.run_task("inner", inner) + 10

        return await io.run_task("outer", outer)

    run = platform.start("job")
    assert (await platform.execute(app, run))["output"] == 13
    outer, inner = run.row("outer"), run.row("inner")
    assert "parentKey" not in outer
    assert inner["parentKey"] == outer["idempotencyKey"]
    assert run.row("leaf")["parentKey"] == inner["idempotencyKey"]
    assert [[(record["displayKey"], record["status"]) for record in put] for put in platform.puts()] == [
        [("outer", "RUNNING"), ("inner", "RUNNING"), ("leaf", "COMPLETED")],
        [("leaf 2", "COMPLETED")],
        [("inner", "COMPLETED")],
        [("outer", "COMPLETED")],
    ]


async def test_the_same_key_under_two_parents_is_two_tasks(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[int]:
        async def parent(number: int) -> int:
            return await io.run_task("step", lambda: number)

        return [await io.run_task("a", parent, 1), await io.run_task("b", parent, 2)]

    assert (await platform.execute(app, platform.start("job")))["output"] == [1, 2]


async def test_a_key_used_twice_names_the_key_and_both_lines(app: Perdure, platform: FakePlatform) -> None:
    caught: list[str] = []

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await io.run_task("charge", lambda: 1)
        try:
            await io.run_task("charge", lambda: 2)
        except DuplicateTaskKey as error:
            caught.append(str(error))
        for number in range(2):
            await io.run_task("in a loop", int, number)

    reply = await platform.execute(app, platform.start("job"))
    line = job.fn.__code__.co_firstlineno
    assert "'charge' is used twice" in caught[0]
    assert f"{__file__}:{line + 2}" in caught[0]
    assert f"{__file__}:{line + 4}" in caught[0]
    assert reply["status"] == "ERROR"
    assert reply["error"]["name"] == "DuplicateTaskKey"
    assert f"in a loop at {__file__}:{line + 8}" in reply["error"]["message"]


async def test_a_key_used_twice_within_gather_is_refused(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        coroutines = [io.run_task("same", lambda: 1)]
        with pytest.raises(DuplicateTaskKey):
            coroutines.append(io.run_task("same", lambda: 2))
        await asyncio.gather(*coroutines)

    assert (await platform.execute(app, platform.start("job")))["status"] == "SUCCESS"


async def test_list_keys_with_an_index_are_distinct(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> list[int]:
        return [await io.run_task(["item", number], int, number) for number in range(3)]

    assert (await platform.execute(app, platform.start("job")))["output"] == [0, 1, 2]


@pytest.mark.parametrize("key", ["", [], [""], 3, b"x", ["a", object()], {"a": 1}, "a\0", ["\ud800"]])
async def test_what_cannot_be_a_key_is_refused(app: Perdure, platform: FakePlatform, key: Any) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await io.run_task(key, lambda: 1)

    reply = await platform.execute(app, platform.start("job"))
    assert reply["status"] == "ERROR"
    assert "a task's key" in reply["error"]["message"]


async def test_a_result_that_is_not_json_fails_the_task_with_a_clear_error(
    app: Perdure, platform: FakePlatform
) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await io.run_task("connect", lambda: object())

    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert reply["error"]["name"] == "UnserializableResult"
    assert (
        "the result of task 'connect' is a object that cannot be stored as JSON" in reply["error"]["message"]
    )
    assert run.row("connect")["status"] == "ERRORED"


async def test_a_result_that_does_not_fit_the_annotation_fails_at_once(
    app: Perdure, platform: FakePlatform
) -> None:
    async def lie() -> int:
        return "seven"  # type: ignore[return-value]

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await io.run_task("lie", lie)

    reply = await platform.execute(app, platform.start("job"))
    assert reply["status"] == "ERROR"
    assert "task 'lie'" in reply["error"]["message"]


async def test_a_too_large_result_is_refused_before_it_is_sent(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await io.run_task("big", lambda: "x" * (3 * 1024 * 1024))

    reply = await platform.execute(app, platform.start("job"))
    assert "at most 3144704 are stored" in reply["error"]["message"]
    assert len(json_text := str(platform.puts())) < 100_000, len(json_text)


async def test_code_that_changed_under_a_stored_result_says_so(app: Perdure, platform: FakePlatform) -> None:
    def fetch() -> int:
        return 1

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await io.run_task("fetch", fetch)
        await io.wait("wait", 1)

    run = platform.start("job")
    await platform.execute(app, run)
    fetch.__annotations__["return"] = Point
    reply = await platform.finish(app, run)
    assert reply["error"]["name"] == "StoredResultMismatch"
    assert "the result of task 'fetch' does not fit" in reply["error"]["message"]


async def test_a_failed_task_is_the_same_error_in_every_execution(
    app: Perdure, platform: FakePlatform
) -> None:
    seen: list[TaskFailed] = []

    def fail() -> None:
        raise ValueError("no such customer")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> str:
        try:
            await io.run_task("charge", fail)
        except TaskFailed as error:
            seen.append(error)
        await io.wait("wait", 1)
        return await io.run_task("instead", lambda: "an invoice")

    run = platform.start("job")
    assert (await platform.finish(app, run))["output"] == "an invoice"
    assert [(e.key, e.name, e.message, str(e)) for e in seen] == [
        ("charge", "ValueError", "no such customer", "no such customer")
    ] * 2
    assert isinstance(seen[0].__cause__, ValueError)
    assert seen[1].__cause__ is None
    assert seen[0].error == seen[1].error
    row = run.row("charge")
    assert row["status"] == "ERRORED"
    assert "in fail" in row["output"]["stack"]


async def test_an_uncaught_failed_task_fails_the_run_with_the_original_error(
    app: Perdure, platform: FakePlatform
) -> None:
    def fail() -> None:
        raise ValueError("no such customer")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        await io.run_task("charge", fail)

    reply = await platform.execute(app, platform.start("job"))
    assert reply["status"] == "ERROR"
    assert reply["error"]["name"] == "ValueError"
    assert reply["error"]["message"] == "no such customer"


async def test_a_failed_subtask_fails_its_parent_with_the_same_error(
    app: Perdure, platform: FakePlatform
) -> None:
    def fail() -> None:
        raise LookupError("gone")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        async def parent() -> None:
            await io.run_task("child", fail)

        await io.run_task("parent", parent)

    run = platform.start("job")
    assert (await platform.execute(app, run))["error"]["name"] == "LookupError"
    assert run.row("parent")["output"] == run.row("child")["output"]


async def test_a_long_stack_trace_is_shortened(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        raise RuntimeError("x" * 100_000)

    error = (await platform.execute(app, platform.start("job")))["error"]
    assert len(error["stack"]) < 17_000
    assert len(error["message"]) < 9_000


async def test_strange_characters_in_an_error_do_not_lose_it(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> None:
        raise RuntimeError("bad \ud800 and \0")

    error = (await platform.execute(app, platform.start("job")))["error"]
    assert error["message"] == "bad ? and �"


async def test_the_rest_of_many_tasks_is_read_page_by_page_before_the_job_is_called(
    app: Perdure, platform: FakePlatform
) -> None:
    def never() -> int:
        raise AssertionError("it is finished")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> int:
        return sum([await io.run_task(["n", number], never) for number in range(3)])

    run = platform.start("job")
    cached = [
        {
            "id": f"t{n}",
            "idempotencyKey": idempotency_key(run.id, None, ["n", n]),
            "status": "COMPLETED",
            "output": n + 1,
        }
        for n in range(3)
    ]
    platform.pages = {"c1": {"tasks": [cached[1]], "cursor": "c2"}, "c2": {"tasks": [cached[2]]}}
    reply = await platform.execute(app, run, tasks=[cached[0]], cachedTaskCursor="c1")
    assert reply == {"status": "SUCCESS", "output": 6}


async def test_the_context_tells_about_the_run(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO, ctx: Context) -> list[Any]:
        return [ctx.run.id, ctx.job.id, ctx.environment.is_development, ctx.organization.slug, ctx.event.id]

    run = platform.start("job")
    reply = await platform.execute(app, run)
    assert reply["output"] == [run.id, "job", True, "acme", "event-1"]


async def test_computed_fields_do_not_come_back_but_are_part_of_an_output(
    app: Perdure, platform: FakePlatform
) -> None:
    class Square(BaseModel):
        model_config = ConfigDict(extra="forbid")
        side: int

        @computed_field  # type: ignore[prop-decorator]
        @property
        def area(self) -> int:
            return self.side * self.side

    async def measure() -> Square:
        return Square(side=3)

    measure.__annotations__["return"] = Square

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> Any:
        return await io.run_task("measure", measure)

    run = platform.start("job")
    assert (await platform.execute(app, run))["output"] == {"side": 3, "area": 9}
    assert run.row("measure")["output"] == {"side": 3}
