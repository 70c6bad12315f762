"""What each kind of answer means. The table follows "Non-200 or no answer" of the v2 endpoint protocol."""

from __future__ import annotations

import json
from typing import Any

import pytest

from perdure.wire.http import ConnectionFailed, HttpResponse, RequestTimedOut, ResponseTooLarge
from perdure_dispatcher.replies import parse_reply
from perdure_dispatcher.verdict import (
    Judgement,
    Verdict,
    judge_answer,
    judge_delivery,
    judge_delivery_failure,
    judge_failure,
    judge_own_error,
    judge_refused,
)

SUCCESS = b'{"status":"SUCCESS","output":{"a":1.10}}'
HTML = b"<!doctype html>\n<html><head><title>\n Welcome to\n nginx! </title></head></html>"


def judge(status: int, body: bytes | str = b"", **headers: str) -> Judgement:
    content = body if isinstance(body, bytes) else body.encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return judge_answer(HttpResponse(status, named, content), parse_reply)


def stated(message: str) -> str:
    return json.dumps({"message": message})


@pytest.mark.parametrize(
    "body",
    [
        rb'{"status":"SUCCESS","output":{"cut \ud83d":["\ude00","\ud83d\ude00"]}}',
        rb'{"status":"ERROR","error":{"message":"cut \uD83D"}}',
        rb'{"status":"SUCCESS","output":"\\ud83d"}',
    ],
)
def test_a_reply_with_a_text_cut_inside_of_a_character_counts_as_it_is(body: bytes) -> None:
    judgement = judge(200, body)
    assert (judgement.verdict, judgement.reply) == ("REPLY", body)
    assert judge(200, body[:-1]).verdict == "MALFORMED"


@pytest.mark.parametrize(
    ("status", "body", "headers", "verdict", "message"),
    [
        # Refused: the run fails at once.
        (400, stated("Invalid execution"), {}, "REFUSED", "Invalid execution"),
        (401, stated("key mismatch"), {}, "REFUSED", "key mismatch"),
        (404, "<h1>Not found</h1>", {}, "REFUSED", "Endpoint responded with 404 status code"),
        (404, '{"message": 7}', {}, "REFUSED", "Endpoint responded with 404 status code"),
        (404, '["message"]', {}, "REFUSED", "Endpoint responded with 404 status code"),
        (429, "", {}, "REFUSED", "Endpoint responded with 429 status code"),
        # No answer worth the name: tried again.
        (500, stated("boom"), {}, "UNREACHABLE", "boom"),
        (500, "Internal Server Error", {}, "UNREACHABLE", "Endpoint responded with 500 status code"),
        (502, "bad gateway", {}, "UNREACHABLE", "Endpoint responded with 502 status code"),
        (
            503,
            "Worker exceeded resource limits",
            {},
            "UNREACHABLE",
            "Endpoint responded with 503 status code",
        ),
        (503, "overloaded", {"cf_ray": "8"}, "UNREACHABLE", "Endpoint responded with 503 status code"),
        (599, "", {}, "UNREACHABLE", "Endpoint responded with 599 status code"),
        # The host stopped the function.
        (408, "", {}, "FUNCTION_TIMEOUT", "The host stopped the function: it took too long (408)"),
        (504, "", {}, "FUNCTION_TIMEOUT", "The host stopped the function: it took too long (504)"),
        (
            504,
            stated("Endpoint request timed out"),
            {"x_amz_cf_id": "x"},
            "FUNCTION_TIMEOUT",
            "Endpoint request timed out",
        ),
        (
            500,
            "",
            {"x_vercel_error": "FUNCTION_INVOCATION_TIMEOUT"},
            "FUNCTION_TIMEOUT",
            "The host stopped the function: it took too long (500)",
        ),
        (
            500,
            "",
            {"x_vercel_error": "FUNCTION_INVOCATION_FAILED"},
            "UNREACHABLE",
            "Endpoint responded with 500 status code",
        ),
        (
            502,
            "error TIME_LIMIT reached",
            {},
            "FUNCTION_TIMEOUT",
            "The host stopped the function: it took too long (502)",
        ),
        (
            503,
            "Worker exceeded resource limits",
            {"cf_ray": "8"},
            "FUNCTION_TIMEOUT",
            "The host stopped the function: it took too long (503)",
        ),
        # Redirects are not followed.
        (
            307,
            "",
            {"location": "https://www.example.com/api/perdure"},
            "REFUSED",
            "Endpoint answered 307, a redirect to https://www.example.com/api/perdure; "
            "register the final URL: none is followed",
        ),
        # Something else than a reply.
        (204, "", {}, "MALFORMED", "Endpoint answered 204 where a reply comes with 200; the body is empty"),
        (
            201,
            SUCCESS.decode(),
            {"content_type": "application/json"},
            "MALFORMED",
            "Endpoint answered 201 where a reply comes with 200; the body (application/json) begins with: "
            + SUCCESS.decode(),
        ),
    ],
)
def test_answers_other_than_200(
    status: int, body: str, headers: dict[str, str], verdict: str, message: str
) -> None:
    assert judge(status, body, **headers) == Judgement(Verdict(verdict), status, message)


@pytest.mark.parametrize(
    ("body", "headers", "said"),
    [
        (
            HTML,
            {"content_type": "text/html"},
            ['an HTML page titled "Welcome to nginx!"', "does the registered URL lead to"],
        ),
        (b"", {}, ["the body is empty"]),
        (b"OK", {"content_type": "text/plain"}, ["Invalid JSON", "the body (text/plain) begins with: OK"]),
        (b'{"ok": true}', {}, ["status", "the body (no content type) begins with"]),
        (b'{"status": "DONE"}', {}, ["DONE"]),
        (b'{"status": "ERROR"}', {}, ["error: Field required"]),
        (b'{"status": "SUCCESS"', {}, ["Invalid JSON"]),
        (b'{"status": "SUCCESS", "output": "\xff"}', {}, ["Invalid JSON"]),
        (
            b"\x1f\x8b\x08",
            {"content_encoding": "gzip"},
            ["encoded as gzip, though no encoding was asked for"],
        ),
        (b"[" * 100_000, {}, ["recursion limit exceeded"]),
    ],
)
def test_200_without_a_reply_says_what_came_instead(
    body: bytes, headers: dict[str, str], said: list[str]
) -> None:
    judgement = judge(200, body, **headers)
    assert (judgement.verdict, judgement.http_status, judgement.reply) == (Verdict.MALFORMED, 200, None)
    assert judgement.message is not None
    assert judgement.message.startswith("Endpoint answered 200, but not a reply to EXECUTE_JOB: ")
    for text in said:
        assert text in judgement.message


def test_a_reply_is_handed_on_as_it_was_written() -> None:
    assert judge(200, SUCCESS) == Judgement(Verdict.REPLY, 200, reply=SUCCESS)


@pytest.mark.parametrize(
    ("header", "metadata"),
    [
        ('{"successSubscription":true}', b'{"successSubscription":true}'),
        ("{}", None),
        ("[]", None),
        ("{", None),
        ('{"successSubscription":NaN}', None),
    ],
)
def test_metadata_beside_a_reply(header: str, metadata: bytes | None) -> None:
    assert judge(200, SUCCESS, x_trigger_run_metadata=header).metadata == metadata


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (ConnectionFailed("http://app/: connection refused"), Verdict.UNREACHABLE),
        (RequestTimedOut("http://app/ did not answer within 60 s"), Verdict.UNREACHABLE),
        (ResponseTooLarge("http://app/ answered more than 10485760 bytes"), Verdict.MALFORMED),
    ],
)
def test_no_answer(error: ConnectionFailed | RequestTimedOut | ResponseTooLarge, verdict: Verdict) -> None:
    judgement = judge_failure(error)
    assert (judgement.verdict, judgement.http_status, judgement.reply) == (verdict, None, None)
    assert judgement.message is not None
    assert str(error) in judgement.message


def test_own_error_is_tried_again_and_shown() -> None:
    judgement = judge_own_error(KeyError("url"))
    assert judgement == Judgement(Verdict.UNREACHABLE, message="The dispatcher failed: KeyError: 'url'")


def test_messages_are_short_and_hold_only_what_postgres_can_store() -> None:
    message = judge(500, '{"message": "a\\u0000b\\ud800c' + "d" * 5000 + '"}').message
    assert message is not None
    assert message.startswith("a\ufffdb?cd")
    assert len(message) == 2000
    assert message.encode().decode() == message


def answered(judgement: Judgement) -> dict[str, Any]:
    """What of the answer the database is told."""
    told = json.loads(judgement.result("deliveryId", "an id", lease_number=1, duration_ms=2))
    return {name: told[name] for name in ("reply", "metadata", "headers", "body") if name in told}


def test_an_answer_to_a_delivery_is_handed_on_whatever_it_is() -> None:
    judgement = judge_delivery(HttpResponse(503, {"retry-after": "5"}, b'a"\xff\x00'))
    assert (judgement.verdict, judgement.http_status) == (Verdict.REPLY, 503)
    assert answered(judgement) == {"headers": {"retry-after": "5"}, "body": 'a"\ufffd\x00'}
    refused = judge_refused(judgement, ValueError("no such thing"))
    assert (refused.verdict, answered(refused)) == (Verdict.MALFORMED, {})
    assert "no such thing" in (refused.message or "")


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (ConnectionFailed("http://there/: connection refused"), Verdict.UNREACHABLE),
        (RequestTimedOut("http://there/ did not answer within 5 s"), Verdict.TIMEOUT),
        (ResponseTooLarge("http://there/ answered more than 10 bytes"), Verdict.MALFORMED),
    ],
)
def test_no_answer_to_a_delivery(
    error: ConnectionFailed | RequestTimedOut | ResponseTooLarge, verdict: Verdict
) -> None:
    judgement = judge_delivery_failure(error)
    assert (judgement.verdict, answered(judgement)) == (verdict, {})
    assert str(error) in (judgement.message or "")
