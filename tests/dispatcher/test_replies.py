"""Replies to EXECUTE_JOB: each is told apart, a malformed one says what is wrong."""

import json
from typing import Any

import pytest

from perdure.wire.base import MalformedMessage
from perdure.wire.replies import (
    AutoYieldExecution,
    Canceled,
    ErrorReply,
    InvalidPayload,
    ResumeWithTask,
    RetryWithTask,
    Success,
    TaskReference,
)
from perdure.wire.tasks import RetryPolicy, TaskRecord, WireError
from perdure_dispatcher.replies import parse_reply

KEY = "0" * 64

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
