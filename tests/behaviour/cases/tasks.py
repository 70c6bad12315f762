"""Tasks: one after the other, one within the other, and what a key may be."""

from __future__ import annotations

from functools import partial

from perdure import IO, DisplayProperty, TaskOptions

from ..define import case
from ..observed import called


def add(a: int, b: int = 1) -> int:
    called("add")
    return a + b


async def double(value: int) -> int:
    called("double")
    return 2 * value


class Adder:
    def __init__(self, by: int) -> None:
        self.by = by

    async def add(self, value: int) -> int:
        called("Adder.add")
        return value + self.by

    def __call__(self, value: int) -> int:
        called("Adder")
        return value + self.by


@case(output="done", requests=0)
async def no_tasks(payload: None, io: IO) -> str:
    return "done"


@case(requests=0)
async def no_output(payload: None, io: IO) -> None:
    called("run")


@case(output=3, tasks=["add COMPLETED"], calls={"add": 1}, requests=1)
async def plain_function(payload: None, io: IO) -> int:
    return await io.run_task("add", add, 1, 2)


@case(output=6, tasks=["double COMPLETED"], calls={"double": 1}, requests=1)
async def task_function(payload: None, io: IO) -> int:
    return await io.run_task("double", double, 3)


@case(output=14, tasks=["add COMPLETED", "double COMPLETED"], calls={"add": 1, "double": 1}, requests=2)
async def two_in_a_row(payload: None, io: IO) -> int:
    total = await io.run_task("add", add, 3, b=4)
    return await io.run_task("double", double, total)


@case(output=[5, 6], tasks=["method COMPLETED", "object COMPLETED"], calls={"Adder.add": 1, "Adder": 1})
async def methods_and_callables(payload: None, io: IO) -> list[int]:
    adder = Adder(4)
    return [await io.run_task("method", adder.add, 1), await io.run_task("object", adder, 2)]


@case(output=11, tasks=["partial COMPLETED"], calls={"add": 1})
async def partial_function(payload: None, io: IO) -> int:
    return await io.run_task("partial", partial(add, 1, b=10))


@case(output=9, tasks=["lambda COMPLETED"])
async def lambda_function(payload: None, io: IO) -> int:
    return await io.run_task("lambda", lambda: 3 * 3)


@case(
    output=12,
    tasks=["outer COMPLETED", "  add COMPLETED", "  double COMPLETED"],
    calls={"outer": 1, "add": 1, "double": 1},
    requests=3,
)
async def subtasks(payload: None, io: IO) -> int:
    async def outer(value: int) -> int:
        called("outer")
        total = await io.run_task("add", add, value, 5)
        return await io.run_task("double", double, total)

    return await io.run_task("outer", outer, 1)


@case(output=4, tasks=["a COMPLETED", "  b COMPLETED", "    c COMPLETED"], calls={"add": 1})
async def subtasks_of_subtasks(payload: None, io: IO) -> int:
    async def level_a() -> int:
        return await io.run_task("b", level_b)

    async def level_b() -> int:
        return await io.run_task("c", add, 2, 2)

    return await io.run_task("a", level_a)


@case(output=[1, 2], tasks=["one COMPLETED", "  same COMPLETED", "two COMPLETED", "  same COMPLETED"])
async def same_key_in_two_parents(payload: None, io: IO) -> list[int]:
    async def parent(value: int) -> int:
        return await io.run_task("same", lambda: value)

    return [await io.run_task("one", parent, 1), await io.run_task("two", parent, 2)]


@case(
    output=[0, 2, 4], tasks=["item:0 COMPLETED", "item:1 COMPLETED", "item:2 COMPLETED"], calls={"double": 3}
)
async def keys_in_a_loop(payload: None, io: IO) -> list[int]:
    return [await io.run_task(["item", index], double, index) for index in range(3)]


@case(
    output=["text", "1", "True", "None", "1.5"],
    tasks=["a:b COMPLETED", "n:1 COMPLETED", "n:True COMPLETED", "n:None COMPLETED", "n:1.5 COMPLETED"],
)
async def keys_of_every_type(payload: None, io: IO) -> list[str]:
    first = await io.run_task(["a", "b"], lambda: "text")
    return [first, *[await io.run_task(["n", part], str, part) for part in (1, True, None, 1.5)]]


@case(output="✓", tasks=["Grüße, 世界 🎉 COMPLETED"])
async def unicode_key(payload: None, io: IO) -> str:
    return await io.run_task("Grüße, 世界 🎉", lambda: "✓")


@case(output=1, tasks=[f"{'k' * 2000} COMPLETED"])
async def long_key(payload: None, io: IO) -> int:
    return await io.run_task("k" * 2000, lambda: 1)


@case(output=["ValueError", "TypeError", "ValueError"])
async def impossible_keys(payload: None, io: IO) -> list[str]:
    errors = []
    for key in ("", b"bytes", "a\0b"):
        try:
            await io.run_task(key, add, 1)
        except (TypeError, ValueError) as error:
            errors.append(type(error).__name__)
    return errors


@case(output="refused", tasks=["twice COMPLETED"], calls={"add": 1})
async def key_used_twice(payload: None, io: IO) -> str:
    from perdure import DuplicateTaskKey

    await io.run_task("twice", add, 1)
    try:
        await io.run_task("twice", add, 2)
    except DuplicateTaskKey as error:
        return "refused" if "twice" in str(error) and str(error).count("tasks.py") == 2 else str(error)
    return "taken"


@case(output=3, tasks=["shown COMPLETED"], calls={"add": 1})
async def options_of_a_task(payload: None, io: IO) -> int:
    options = TaskOptions(
        name="Adds",
        icon="plus",
        description="One and two",
        params={"a": 1},
        properties=[DisplayProperty(label="A", text="1", url="https://example.com/1")],
    )
    return await io.run_task("shown", add, 1, 2, options=options)


@case(output=100, calls={"double": 100}, tasks=[f"n:{index} COMPLETED" for index in range(100)], requests=100)
async def hundred_tasks(payload: None, io: IO) -> int:
    total = 0
    for index in range(100):
        total += await io.run_task(["n", index], double, 1)
    return total // 2


@case(
    output=["a", "a", "a"],
    tasks=["a COMPLETED", "wait COMPLETED", "b COMPLETED"],
    calls={"a": 1},
    executions=2,
)
async def finished_tasks_are_not_called_again(payload: None, io: IO) -> list[str]:
    def task() -> str:
        called("a")
        return "a"

    first = await io.run_task("a", task)
    await io.wait("wait", 3600)
    second = await io.run_task("b", lambda: first)
    return [first, second, first]
