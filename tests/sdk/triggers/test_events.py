"""Triggers on events, and jobs that only are invoked: examples, properties of runs, and the manifest."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from perdure import IO, ConcurrencyGroup, ConfigurationError, Perdure, event_trigger
from perdure.testing import Platform
from perdure.triggers import invoke_trigger
from perdure.wire.tasks import DisplayProperty
from tests.sdk.fake_platform import NOW
from tests.sdk.triggers.requests import ask


class Order(BaseModel):
    """A payload."""

    number: int
    total: float = 0


def label(order: Order) -> dict[str, object]:
    """What is shown of a run."""
    return {"Order": order.number, "Total": f"{order.total:.2f} EUR"}


async def test_several_names_examples_and_limits_travel(app: Perdure) -> None:
    examples = {"small": Order(number=1), "big": {"number": 2, "total": 900}}

    @app.job(
        id="job",
        version="1.0.0",
        on=event_trigger(["order.paid", "order.changed"], examples=examples, run_properties=label),
        concurrency_limit=ConcurrencyGroup(id="shared", limit=2),
    )
    async def job(payload: Order, io: IO) -> None: ...

    (described,) = app.manifest().to_wire()["jobs"]
    assert described["event"]["name"] == ["order.paid", "order.changed"]
    assert described["event"]["examples"] == [
        {"id": "example-1", "name": "small", "payload": {"number": 1, "total": 0.0}},
        {"id": "example-2", "name": "big", "payload": {"number": 2, "total": 900}},
    ]
    assert described["preprocessRuns"] is True
    assert described["concurrencyLimit"] == {"id": "shared", "limit": 2}


def test_an_example_that_is_not_json_is_refused() -> None:
    with pytest.raises(TypeError, match="the example 'odd' cannot be sent as JSON"):
        event_trigger("x", examples={"odd": object()})


@pytest.mark.parametrize("filter", [{"plan": "pro"}, {"plan": [{"$nope": 1}]}])
def test_a_filter_that_could_never_match_is_refused(filter: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"event trigger 'x': filter\.plan"):
        event_trigger("x", filter=filter)


async def test_the_properties_of_a_run_are_answered(app: Perdure) -> None:
    @app.job(id="shown", version="1.0.0", on=event_trigger("x", run_properties=label))
    async def shown(payload: Order, io: IO) -> None: ...

    @app.job(
        id="linked",
        version="1.0.0",
        on=event_trigger(
            "x", run_properties=lambda payload: [DisplayProperty(label="Go", text="to", url="https://x")]
        ),
    )
    async def linked(payload: Any, io: IO) -> None: ...

    @app.job(id="bare", version="1.0.0", on=event_trigger("x"))
    async def bare(payload: Any, io: IO) -> None: ...

    async def properties(job_id: str, payload: Any) -> Any:
        event = {"id": "event-1", "name": "x", "payload": payload, "timestamp": NOW}
        job = {"id": job_id, "version": "1.0.0"}
        answer = await ask(app, "PREPROCESS_RUN", {"event": event, "job": job, "run": {"id": "r"}})
        assert answer.status_code == 200
        assert answer.json()["abort"] is False
        return answer.json()["properties"]

    assert await properties("shown", {"number": 1, "total": 2}) == [
        {"label": "Order", "text": "1"},
        {"label": "Total", "text": "2.00 EUR"},
    ]
    assert await properties("linked", {}) == [{"label": "Go", "text": "to", "url": "https://x"}]
    assert await properties("bare", {}) == []
    assert await properties("shown", {"number": "many"}) == []


async def test_an_unknown_job_has_no_properties(app: Perdure) -> None:
    event = {"id": "event-1", "name": "x", "payload": {}, "timestamp": NOW}
    answer = await ask(app, "PREPROCESS_RUN", {"event": event, "job": {"id": "gone", "version": "1.0.0"}})
    assert (answer.status_code, answer.json()) == (
        404,
        {"message": "Job not found: 'gone'; this app has none"},
    )


async def test_a_run_shows_its_properties_before_it_starts(perdure_platform: Platform) -> None:
    app = Perdure("shop")

    @app.job(id="ship", version="1.0.0", on=event_trigger("order.paid", run_properties=label))
    async def ship(payload: Order, io: IO) -> int:
        return payload.number

    run = await perdure_platform.start(ship, Order(number=3, total=1))
    assert run.output == 3
    (row,) = perdure_platform._rows("select properties from perdure.runs where id = %s", [run.id])
    assert row["properties"] == [{"label": "Order", "text": "3"}, {"label": "Total", "text": "1.00 EUR"}]


async def test_an_invoked_job_runs_for_nothing_else(perdure_platform: Platform) -> None:
    app = Perdure("shop")

    @app.job(id="refund", version="1.0.0", on=invoke_trigger(schema=Order, examples={"one": Order(number=1)}))
    async def refund(payload, io):  # type: ignore[no-untyped-def]
        return payload.number

    (described,) = app.manifest().to_wire()["jobs"]
    assert described["trigger"] == {"type": "invoke"}
    assert described["event"]["examples"][0]["payload"] == {"number": 1, "total": 0.0}
    run = await perdure_platform.start(refund, Order(number=5))
    assert run.output == 5
    with pytest.raises(ConfigurationError, match="start it with invoke"):
        await refund.trigger(Order(number=5))
