"""Messages: camelCase outside, absent is not null, newer fields ignored, errors that name the field."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from perdure.wire.base import MalformedMessage
from perdure.wire.execution import (
    AutoYieldExecution,
    Canceled,
    ErrorReply,
    InvalidPayload,
    ResumeWithTask,
    RetryWithTask,
    Success,
    TaskReference,
    parse_reply,
)
from perdure.wire.manifest import Manifest
from perdure.wire.sources import SourceRequest, read_source_headers, write_source_headers
from perdure.wire.statuses import FINAL_RUN_STATUSES, RunStatus
from perdure.wire.tasks import CachedTask, RetryPolicy, ServerTask, TaskRecord, WireError, stored_error

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


@pytest.mark.parametrize("model", [Success, CachedTask, ServerTask, TaskRecord])
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


REPLIES: list[tuple[dict[str, Any], type]] = [
    ({"status": "SUCCESS"}, Success),
    ({"status": "SUCCESS", "output": [1]}, Success),
    (
        {"status": "ERROR", "error": {"message": "m", "stack": None}, "task": {"id": "t", "params": 1}},
        ErrorReply,
    ),
    ({"status": "INVALID_PAYLOAD", "errors": [{"path": ["a", 0], "message": "m"}]}, InvalidPayload),
    ({"status": "RESUME_WITH_TASK", "task": {"id": "t", "outputProperties": [{"label": 1}]}}, ResumeWithTask),
    (
        {"status": "RESUME_WITH_TASK", "task": {"idempotencyKey": KEY, "name": "wait", "noop": True}},
        ResumeWithTask,
    ),
    (
        {
            "status": "RETRY_WITH_TASK",
            "task": {"id": "t"},
            "error": {"message": "m"},
            "retryAt": "2026-01-01T00:00:00.000Z",
        },
        RetryWithTask,
    ),
    ({"status": "CANCELED", "task": {"id": "t"}}, Canceled),
    ({"status": "CANCELED"}, Canceled),
    (
        {
            "status": "AUTO_YIELD_EXECUTION",
            "location": "before_execute_task",
            "timeRemaining": 1313.7,
            "timeElapsed": 8336.4,
            "limit": 9650,
        },
        AutoYieldExecution,
    ),
]
"""Replies of the v2 JavaScript SDK and of ours."""


@pytest.mark.parametrize(("reply", "model"), REPLIES)
def test_replies_are_told_apart_by_status(reply: dict[str, Any], model: type) -> None:
    assert type(parse_reply(json.dumps(reply).encode())) is model


@pytest.mark.parametrize("status", ["YIELD_EXECUTION", "AUTO_YIELD_RATE_LIMIT", "RESUME_WITH_PARALLEL_TASK"])
def test_replies_of_the_javascript_sdk_are_known(status: str) -> None:
    fields = {"key": "k", "reset": 1, "task": {"id": "t"}, "childErrors": [{"status": "RESUME_WITH_TASK"}]}
    assert parse_reply(json.dumps({"status": status, **fields}).encode()).status == status


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"<html>", "Invalid JSON"),
        (b"", "Invalid JSON"),
        (b"[]", "not a reply"),
        (b"{}", "Unable to extract tag using discriminator 'status'"),
        (b'{"status": "DONE"}', "'DONE'"),
        (b'{"status": "RETRY_WITH_TASK", "task": {"id": "t"}}', r"RETRY_WITH_TASK\.error: Field required"),
        (b'{"status": "RESUME_WITH_TASK", "task": {"name": "n"}}', "idempotencyKey: Field required"),
        (b'{"status": "RESUME_WITH_TASK"}', r"RESUME_WITH_TASK\.task"),
    ],
)
def test_a_malformed_reply_says_what_is_wrong(body: bytes, text: str) -> None:
    with pytest.raises(MalformedMessage, match=f"not a reply to EXECUTE_JOB: .*{text}|{text}"):
        parse_reply(body)


def test_a_reply_survives_the_way_there_and_back() -> None:
    reply = RetryWithTask(
        task=TaskReference(id="t"),
        error=WireError(message="m", name="ValueError"),
        retry=RetryPolicy(limit=3),
        tasks=[TaskRecord(idempotency_key=KEY, name="log", noop=True)],
    )
    assert parse_reply(reply.to_wire_bytes()) == reply


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


def test_source_headers_survive_the_way_there_and_back() -> None:
    request = SourceRequest(
        key="hub:é",
        secret="s",
        params={"a": None},
        data=[1],
        url="https://h/x",
        method="POST",
        headers={"x-name": "é"},
        body=b"\x00\xff",
        dynamic_id="d",
        auth={"type": "apiKey"},
        metadata={"m": 1},
    )
    assert read_source_headers(write_source_headers(request), request.body) == request
    assert request.header("X-NAME") == "é"


@pytest.mark.parametrize("header", ["x-ts-params", "x-ts-data", "x-ts-http-headers", "x-ts-metadata"])
def test_a_source_header_that_is_not_json_is_named(header: str) -> None:
    request = SourceRequest(
        key="k", secret="s", params=None, data=None, url="u", method="GET", headers={}, metadata={"m": 1}
    )
    with pytest.raises(MalformedMessage, match=f"header {header} is not JSON"):
        read_source_headers({**write_source_headers(request), header: "{"}, b"")


@pytest.mark.parametrize("text", ["[]", '{"a": 1}'])
def test_received_headers_must_be_texts(text: str) -> None:
    request = SourceRequest(key="k", secret="s", params=None, data=None, url="u", method="GET", headers={})
    with pytest.raises(MalformedMessage, match=r"x-ts-http-headers|headers"):
        read_source_headers({**write_source_headers(request), "x-ts-http-headers": text}, b"")


def test_final_statuses() -> None:
    assert {status for status in RunStatus if status.is_final} == FINAL_RUN_STATUSES
    assert len(RunStatus) == 15
    assert not RunStatus.WAITING_TO_CONTINUE.is_final
