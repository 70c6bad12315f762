"""Messages: camelCase outside, absent is not null, newer fields ignored, errors that name the field."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from perdure.wire.base import MalformedMessage
from perdure.wire.manifest import Manifest
from perdure.wire.replies import Success
from perdure.wire.runs import FINAL_RUN_STATUSES, RunStatus
from perdure.wire.tasks import CachedTask, TaskRecord, stored_error

KEY = "0" * 64


def test_names_are_camel_case_and_absent_fields_are_left_out() -> None:
    record = TaskRecord(
        idempotency_key=KEY, name="n", delay_seconds=1.5, started_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert record.to_wire() == {
        "idempotencyKey": KEY,
        "name": "n",
        "noop": False,
        "delaySeconds": 1.5,
        "startedAt": "2026-01-01T00:00:00Z",
    }
    assert json.loads(record.to_wire_bytes()) == record.to_wire()


@pytest.mark.parametrize("model", [Success, CachedTask, TaskRecord])
def test_an_output_of_null_is_not_the_same_as_none(model: Any) -> None:
    fields = (
        {"idempotency_key": KEY, "name": "n", "id": "t", "status": "COMPLETED"}
        if model is not Success
        else {}
    )
    with_null = model(**fields, output=None)
    without = model(**fields)
    assert with_null.to_wire()["output"] is None
    assert "output" not in without.to_wire()
    for message in (with_null, without):
        again = model.parse(message.to_wire_bytes())
        assert again.has_output == message.has_output
        assert again.to_wire() == message.to_wire()


def test_null_inside_values_is_kept() -> None:
    record = TaskRecord(idempotency_key=KEY, name="n", params={"a": None, "b": [None]}, output={"c": None})
    assert record.to_wire()["params"] == {"a": None, "b": [None]}
    assert json.loads(record.to_wire_bytes())["output"] == {"c": None}


def test_messages_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Success().output = 1  # type: ignore[misc]


def test_a_key_that_is_not_a_key_is_refused() -> None:
    with pytest.raises(ValidationError):
        TaskRecord(idempotency_key="abc", name="n")


def test_a_long_list_of_problems_is_cut() -> None:
    with pytest.raises(MalformedMessage, match="and 7 more") as caught:
        Manifest.parse(json.dumps({"jobs": [{"id": "a", "version": "1"}] * 4}))
    assert "jobs.0.name: Field required" in str(caught.value)


@pytest.mark.parametrize(
    ("output", "message", "name"),
    [
        ({"message": "m", "name": "ValueError", "stack": "s"}, "m", "ValueError"),
        ({"message": "m", "name": 3}, "m", None),
        ("Remote callback timeout", "Remote callback timeout", None),
        ({"code": 1}, "{'code': 1}", None),
        (None, "None", None),
    ],
)
def test_any_stored_error_can_be_read(output: Any, message: str, name: str | None) -> None:
    error = stored_error(output)
    assert (error.message, error.name) == (message, name)


def test_final_statuses() -> None:
    assert {status for status in RunStatus if status.is_final} == FINAL_RUN_STATUSES
    assert len(RunStatus) == 15
    assert not RunStatus.WAITING_TO_CONTINUE.is_final
