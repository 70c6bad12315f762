"""Results of tasks and jobs: every type comes back as it was, also in a later execution."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple
from uuid import UUID

from pydantic import BaseModel, Field, computed_field
from typing_extensions import TypedDict

from perdure import IO, TaskFailed

from ..define import Matching, case
from ..observed import seen


class Line(BaseModel):
    sku: str
    count: int = Field(alias="howMany")
    price: Decimal

    @computed_field
    @property
    def total(self) -> Decimal:
        return self.count * self.price


@dataclass
class Point:
    x: int
    y: int
    tags: list[str] = field(default_factory=list)


class Color(Enum):
    RED = "red"


class Pair(NamedTuple):
    left: int
    right: str


class Options(TypedDict):
    deep: bool


ID = UUID("12345678-1234-5678-1234-567812345678")
INSTANT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def line() -> Line:
    return Line(sku="a", howMany=2, price=Decimal("1.10"))


def point() -> Point:
    return Point(1, 2, ["t"])


def lines() -> list[Line]:
    return [line(), line()]


def by_name() -> dict[str, Point]:
    return {"p": point()}


def maybe() -> Line | None:
    return None


def either() -> Line | Point:
    return point()


def instant() -> datetime:
    return INSTANT


def day() -> date:
    return date(2026, 3, 1)


def duration() -> timedelta:
    return timedelta(hours=1, seconds=1)


def amount() -> Decimal:
    return Decimal("12.30")


def identifier() -> UUID:
    return ID


def color() -> Color:
    return Color.RED


def pair() -> Pair:
    return Pair(1, "r")


def pair_of() -> tuple[int, str]:
    return (1, "r")


def colors() -> set[Color]:
    return {Color.RED}


def options() -> Options:
    return {"deep": True}


def path() -> PurePosixPath:
    return PurePosixPath("/a/b")


def literal() -> Literal["a", "b"]:
    return "b"


VALUES = [
    line, point, lines, by_name, maybe, either, instant, day, duration, amount, identifier, color, pair,
    pair_of, colors, options, path, literal,
]  # fmt: skip


@case(
    output="same",
    executions=2,
    seen={"types": [[type(make()).__name__ for make in VALUES]] * 2},
    tasks=[*(f"{make.__name__} COMPLETED" for make in VALUES), "wait COMPLETED"],
)
async def typed_results(payload: None, io: IO) -> str:
    results = [await io.run_task(make.__name__, make) for make in VALUES]
    seen("types", [type(result).__name__ for result in results])
    await io.wait("wait", 3600)
    return "same" if results == [make() for make in VALUES] else repr(results)


def unannotated():  # type: ignore[no-untyped-def]
    return {"at": INSTANT, "list": [1, 2.5, None, True]}


@case(
    output="plain",
    executions=2,
    seen={"at": ["2026-03-01T12:30:00Z"] * 2},
    tasks=["task COMPLETED", "wait COMPLETED"],
)
async def result_without_annotation(payload: None, io: IO) -> str:
    result = await io.run_task("task", unannotated)
    seen("at", result["at"])
    await io.wait("wait", 3600)
    return "plain" if result["list"] == [1, 2.5, None, True] else repr(result)


@case(output=None, tasks=["nothing COMPLETED", "wait COMPLETED"], executions=2, seen={"result": [None, None]})
async def task_without_result(payload: None, io: IO) -> None:
    def nothing() -> None:
        return None

    seen("result", await io.run_task("nothing", nothing))
    await io.wait("wait", 3600)


@case(output="refused", tasks=["bytes ERRORED"])
async def bytes_that_are_no_text(payload: None, io: IO) -> str:
    try:
        await io.run_task("bytes", lambda: b"\xff\xfe")
    except TaskFailed as error:
        return "refused" if "cannot be stored as JSON" in error.message else error.message
    return "stored"


@case(output="refused", tasks=["object ERRORED"])
async def objects_that_are_no_json(payload: None, io: IO) -> str:
    try:
        await io.run_task("object", object)
    except TaskFailed as error:
        return "refused" if "object" in error.message else error.message
    return "stored"


@case(output="refused", tasks=["wrong ERRORED"])
async def result_of_another_type(payload: None, io: IO) -> str:
    def wrong() -> int:
        return "no number"  # type: ignore[return-value]

    try:
        await io.run_task("wrong", wrong)
    except TaskFailed as error:
        return "refused" if "cannot be stored" in error.message else error.message
    return "stored"


@case(output={"sku": "a", "howMany": 2, "price": "1.10", "total": "2.20"})
async def model_as_output(payload: None, io: IO) -> Line:
    return line()


@case(output={"x": 1, "y": 2, "tags": ["t"]})
async def dataclass_as_output(payload: None, io: IO) -> Point:
    return point()


@case(output=["2026-03-01T12:30:00Z", "12.30", str(ID), "red"])
async def plain_types_as_output(payload: None, io: IO) -> tuple[datetime, Decimal, UUID, Color]:
    return INSTANT, amount(), ID, Color.RED


@case(status="FAILURE", output=Matching("UnserializableResult: .* cannot be stored as JSON.*"))
async def output_that_is_no_json(payload: None, io: IO) -> object:
    return object()


@case(output=False)
async def false_as_output(payload: None, io: IO) -> bool:
    return False


@case(output=0)
async def zero_as_output(payload: None, io: IO) -> int:
    return 0


@case(output={})
async def empty_output(payload: None, io: IO) -> dict[str, Any]:
    return {}


@case(output=1_000_000, tasks=["large COMPLETED", "wait COMPLETED"], executions=2)
async def large_result(payload: None, io: IO) -> int:
    text = await io.run_task("large", lambda: "x" * 1_000_000)
    await io.wait("wait", 3600)
    return len(text)


@case(output="y" * 200_000)
async def large_output(payload: None, io: IO) -> str:
    return "y" * 200_000


@case(output="refused", tasks=["too large ERRORED"])
async def result_beyond_the_limit(payload: None, io: IO) -> str:
    try:
        await io.run_task("too large", lambda: "x" * 4_000_000)
    except TaskFailed as error:
        return "refused" if "large" in error.message else error.message
    return "stored"


TEXT = (
    "NUL-free: \u2028 \ud83c".encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    + " 🎉 \t\r\n \\ \" '"
)


@case(output=TEXT, tasks=["text COMPLETED", "wait COMPLETED"], executions=2)
async def unicode_result(payload: None, io: IO) -> str:
    text = await io.run_task("text", lambda: TEXT)
    await io.wait("wait", 3600)
    return text


@case(output={"nan": None, "big": 2**53, "tiny": 1e-300, "negative": -0.5}, tasks=["numbers COMPLETED"])
async def unusual_numbers(payload: None, io: IO) -> dict[str, Any]:
    return await io.run_task("numbers", numbers)


def numbers() -> Any:
    return {"nan": float("nan"), "big": 2**53, "tiny": 1e-300, "negative": -0.5}
