"""What is sent for a task: method, headers, body, time allowed; and what cannot be sent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sql.deliveries.delivering import claim
from tests.sql.operations.performing import URL, open_operation, perform
from tests.support.builders import Builders
from tests.support.database import Database


def test_a_url_alone_is_a_get(builders: Builders) -> None:
    claimed = perform(builders, {"url": URL}).request()
    assert (claimed.kind, claimed.action, claimed.url, claimed.method) == ("FETCH", None, URL, "GET")
    assert (claimed.headers, claimed.body, claimed.timeout_ms) == ({}, None, 120_000)
    assert (claimed.signing_secrets, claimed.sealed_api_key) == (None, None)


def test_method_headers_and_body_go_out(builders: Builders) -> None:
    headers = {"X-Kind": "a", "Content-Type": " application/json\n", "x-number": 5, "x-absent": None}
    init = {"method": "post", "headers": headers, "body": '{"a": "ü"}'}
    claimed = perform(builders, {"url": URL, "requestInit": init}).request()
    assert claimed.method == "POST"
    assert claimed.headers == {"x-kind": "a", "content-type": "application/json", "x-number": "5"}
    assert bytes(claimed.body) == '{"a": "ü"}'.encode()


def test_a_text_is_said_to_be_one_as_fetch_does(builders: Builders) -> None:
    claimed = perform(builders, {"url": URL, "requestInit": {"method": "PUT", "body": ""}}).request()
    assert (claimed.headers, bytes(claimed.body)) == ({"content-type": "text/plain;charset=UTF-8"}, b"")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_body_of_get_and_head_is_ignored(builders: Builders, method: str) -> None:
    claimed = perform(builders, {"url": URL, "requestInit": {"method": method, "body": "x"}}).request()
    assert (claimed.method, claimed.headers, claimed.body) == (method, {}, None)


def test_headers_about_the_connection_are_the_senders_business(builders: Builders) -> None:
    names = ["Host", "Content-Length", "Connection", "Transfer-Encoding", "TE", "Accept-Encoding", "Expect"]
    headers = {**dict.fromkeys(names, "5"), "accept": "text/html", "ACCEPT": "text/plain"}
    claimed = perform(builders, {"url": URL, "requestInit": {"headers": headers}}).request()
    assert claimed.headers == {"accept": "text/plain"}


def test_characters_that_postgres_cannot_hold_are_sent(builders: Builders) -> None:
    init = r'{"method": "POST", "body": "a\u0000b\ud800c\ud83d\ude00 \\u0000"}'
    claimed = perform(builders, f'{{"url": "{URL}", "requestInit": {init}}}').request()
    assert bytes(claimed.body) == b"a\x00b" + "\ufffdc😀 ".encode() + rb"\u0000"


@pytest.mark.parametrize(
    ("kind", "params", "timeout_ms"),
    [
        ("fetch", {"timeout": {"durationInMs": 5000}}, 5000),
        ("fetch-response", {"timeout": {"durationInMs": 1}}, 1000),
        ("fetch", {"timeout": {"durationInMs": 1e300}}, 300_000),
        ("fetch", {"timeout": "long"}, 120_000),
        ("fetch", {"timeout": {"durationInMs": "5000"}}, 120_000),
        ("fetch-poll", {}, 5000),
        ("fetch-poll", {"requestTimeout": {"durationInMs": 900}}, 900),
        ("fetch-poll", {"requestTimeout": {"durationInMs": 90_000}}, 5000),
    ],
)
def test_the_time_allowed(builders: Builders, kind: str, params: dict[str, Any], timeout_ms: int) -> None:
    assert perform(builders, {"url": URL, **params}, kind=kind).request().timeout_ms == timeout_ms


BAD: dict[str, tuple[Any, str]] = {
    "none": (None, "params"),
    "list": ([URL], "params"),
    "beyond jsonb": (f'{{"url": "{URL}", "a": 1e1000000}}', "params"),
    "no url": ({}, "url"),
    "null url": ({"url": None}, "url"),
    "relative": ({"url": "/things"}, "url"),
    "scheme": ({"url": "file:///etc/passwd"}, "url"),
    "no host": ({"url": "https://?a"}, "url"),
    "line break": ({"url": f"{URL}\r\nx: y"}, "url"),
    "NUL": (rf'{{"url": "{URL}\u0000"}}', "url"),
    "init": ({"url": URL, "requestInit": "POST"}, "requestInit"),
    "method": ({"url": URL, "requestInit": {"method": "GET /"}}, "method"),
    "connect": ({"url": URL, "requestInit": {"method": "connect"}}, "method"),
    "headers": ({"url": URL, "requestInit": {"headers": ["a"]}}, "headers"),
    "header name": ({"url": URL, "requestInit": {"headers": {"a b": "c"}}}, '"a b"'),
    "header injection": ({"url": URL, "requestInit": {"headers": {"a": "b\r\nc: d"}}}, '"a"'),
    "header text": ({"url": URL, "requestInit": {"headers": {"a": "ü"}}}, '"a"'),
    "header object": ({"url": URL, "requestInit": {"headers": {"a": {"b": 1}}}}, '"a"'),
    "body": ({"url": URL, "requestInit": {"method": "POST", "body": [1]}}, "body"),
    "redacted": ({"url": {"__redactedString": True, "strings": 1, "interpolations": []}}, "url"),
    "retry": ({"url": URL, "retry": [1]}, "retry"),
    "filter": ({"url": URL, "responseFilter": 200}, "responseFilter"),
}


def test_what_can_never_be_sent_is_an_error_at_once(db: Database, builders: Builders) -> None:
    for name, execution in zip(BAD, builders_claims(builders, len(BAD)), strict=True):
        params, word = BAD[name]
        operation = open_operation(execution, "null" if params is None else params)
        status, output = operation.outcome
        assert status == "ERRORED", name
        assert operation.opened["output"] == output, name
        assert word in output["message"], name
        ended = execution.reply(
            "RESUME_WITH_TASK", task={"id": operation.opened["id"]}
        )  # as an older SDK might
        assert ended == "WAITING_TO_EXECUTE", name
    assert claim(db, 100, kind="FETCH") == []
    assert db.call("doctor") == []


def builders_claims(builders: Builders, count: int) -> list[Any]:
    """Executions under way."""
    builders.runs(count)
    return builders.claims(count)


def test_an_error_of_one_does_not_keep_others_from_being_sent(db: Database, builders: Builders) -> None:
    execution = builders.claim()
    open_operation(execution, {"url": "nowhere"}, key="bad")
    open_operation(execution, {"url": URL}, key="good")
    assert [claimed.url for claimed in claim(db, kind="FETCH")] == [URL]
