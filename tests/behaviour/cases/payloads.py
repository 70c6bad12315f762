"""What a job gets: the payload as annotated, the context, dependencies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from perdure import IO, Context, Depends, event_trigger

from ..define import Matching, case, named
from ..observed import called

TYPED = named("typed")


class Address(BaseModel):
    city: str
    zip: str = Field(pattern=r"\d{5}")


class User(BaseModel):
    name: str
    age: int = Field(ge=0)
    address: Address | None = None
    at: datetime | None = None


@dataclass
class Plain:
    x: int
    y: int = 2


GOOD = {"name": "Zoë", "age": 7, "address": {"city": "Köln", "zip": "50667"}, "at": "2026-01-01T00:00:00Z"}


@case(payload=GOOD, output="Zoë, 7, Köln, 2026")
async def model_as_payload(payload: User, io: IO) -> str:
    assert payload.address is not None
    assert payload.at is not None
    return f"{payload.name}, {payload.age}, {payload.address.city}, {payload.at.year}"


@case(payload={"x": 1}, output=3)
async def dataclass_as_payload(payload: Plain, io: IO) -> int:
    return payload.x + payload.y


@case(payload=[1, "two", None], output=[1, "two", None])
async def any_payload(payload: Any, io: IO) -> Any:
    return payload


@case(payload={"a": 1}, output={"a": 1})
async def payload_without_annotation(payload, io):  # type: ignore[no-untyped-def]
    return payload


@case(payload="text", output="TEXT")
async def text_as_payload(payload: str, io: IO) -> str:
    return payload.upper()


@case(payload=None, output={})
async def no_payload(payload: Any, io: IO) -> Any:
    return payload


@case(
    payload={"name": "A", "age": -1},
    status="INVALID_PAYLOAD",
    output=[{"path": ["age"], "message": Matching(".*0.*")}],
)
async def payload_out_of_range(payload: User, io: IO) -> None:
    called("run")


@case(
    payload={"name": "A", "age": 1, "address": {"city": "Ulm", "zip": "x"}},
    status="INVALID_PAYLOAD",
    output=[{"path": ["address", "zip"], "message": Matching(".*pattern.*")}],
    calls={"run": 0},
)
async def payload_wrong_inside(payload: User, io: IO) -> None:
    called("run")


@case(
    payload={"age": "many"},
    status="INVALID_PAYLOAD",
    output=[
        {"path": ["name"], "message": "Field required"},
        {"path": ["age"], "message": Matching(".*integer.*")},
    ],
)
async def payload_wrong_twice(payload: User, io: IO) -> None:
    called("run")


@case(payload={"name": "checked", "age": 1}, output="checked", on=event_trigger(TYPED, schema=User),
      event=TYPED)  # fmt: skip
async def schema_of_the_trigger(payload: User, io: IO) -> str:
    return payload.name


@case(payload={"text": "🎉 " * 50_000}, output=150_000)
async def large_payload(payload: dict[str, str], io: IO) -> int:
    return len(payload["text"].encode()) - 100_000


@case(sent={"context": {"who": "ann"}}, output=[{"who": "ann"}, True, True, False])
async def context_of_the_run(payload: None, io: IO, ctx: Context) -> list[object]:
    same_job = ctx.job.id.startswith("context-of-the-run") and ctx.job.version == "1.0.0"
    return [ctx.event.context, same_job, ctx.event.name == ctx.job.id, ctx.run.is_test]


class Client:
    def __init__(self) -> None:
        called("client")


def make_client() -> Client:
    return Client()


def open_client() -> Iterator[Client]:
    try:
        yield Client()
    finally:
        called("closed")


async def settings() -> dict[str, str]:
    return {"region": "eu"}


def describe(client: Annotated[Client, Depends(make_client)], ctx: Context) -> str:
    return f"{type(client).__name__} of {ctx.job.id.rpartition('-')[0]}"


@case(output="eu", calls={"client": 1})
async def dependencies(
    payload: None,
    io: IO,
    *,
    client: Annotated[Client, Depends(make_client)],
    config: Annotated[dict[str, str], Depends(settings)],
) -> str:
    return config["region"]


@case(output="Client of dependencies-of-dependencies", calls={"client": 1})
async def dependencies_of_dependencies(
    payload: None,
    io: IO,
    *,
    text: Annotated[str, Depends(describe)],
    client: Annotated[Client, Depends(make_client)],
) -> str:
    return text


@case(tasks=["wait COMPLETED"], calls={"client": 2, "closed": 2}, executions=2)
async def dependencies_are_closed(
    payload: None, io: IO, *, client: Annotated[Client, Depends(open_client)]
) -> None:
    await io.wait("wait", 3600)


@case(status="FAILURE", output="ValueError: broken", calls={"closed": 1})
async def dependencies_are_closed_on_failure(
    payload: None, io: IO, *, client: Annotated[Client, Depends(open_client)]
) -> None:
    raise ValueError("broken")


def broken() -> int:
    raise RuntimeError("no settings")


@case(status="FAILURE", output="RuntimeError: no settings", calls={"run": 0})
async def dependency_fails(payload: None, io: IO, *, number: Annotated[int, Depends(broken)]) -> None:
    called("run")


@case(output=5)
async def parameter_with_a_default(payload: None, io: IO, factor: int = 5) -> int:
    return factor
