"""The client for receivers outside: redirects, limits, cookies, and what cannot be sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from perdure.wire.http import ConnectionFailed, HttpResponse, RequestTimedOut, ResponseTooLarge
from perdure_dispatcher.clients import OutsideClient
from tests.support.fix_endpoint import Answer, Received, ScriptedEndpoint


@pytest.fixture
async def client() -> AsyncIterator[OutsideClient]:
    client = OutsideClient()
    yield client
    await client.close()


async def send(
    client: OutsideClient, url: str, *, method: str = "POST", body: bytes | None = b"{}", **options: Any
) -> HttpResponse:
    headers = options.pop("headers", {"content-type": "application/json", "authorization": "Bearer x"})
    defaults = {"timeout_s": 10.0, "max_response_bytes": 1000, "follow_redirects": False}
    return await client.request(method, url, headers, body, **{**defaults, **options})


def redirect(location: str, status: int = 302) -> Answer:
    return Answer(status, {"location": location})


async def test_an_answer_comes_back_as_it_is(
    client: OutsideClient, scripted_endpoint: ScriptedEndpoint
) -> None:
    scripted_endpoint.default("", Answer(418, {"X-Kind": "tea"}, b"\xff"))
    answer = await send(client, scripted_endpoint.url, method="PUT", body=b"pot")
    assert (answer.status, answer.headers["x-kind"], answer.body) == (418, "tea", b"\xff")
    (received,) = scripted_endpoint.received
    assert (received.method, received.body, received.headers["user-agent"]) == ("PUT", b"pot", "perdure")


async def test_a_redirect_is_an_answer_unless_it_is_to_be_followed(
    client: OutsideClient, scripted_endpoint: ScriptedEndpoint
) -> None:
    scripted_endpoint.then("", redirect("/elsewhere"))
    assert (await send(client, scripted_endpoint.url)).status == 302
    assert len(scripted_endpoint.received) == 1


@pytest.mark.parametrize(("status", "method", "body"), [(302, "GET", b""), (307, "POST", b"{}")])
async def test_a_redirect_is_followed_as_fetch_does(
    client: OutsideClient, scripted_endpoint: ScriptedEndpoint, status: int, method: str, body: bytes
) -> None:
    scripted_endpoint.then("", redirect("/elsewhere", status), Answer.json({"ok": True}))
    answer = await send(client, scripted_endpoint.url, follow_redirects=True)
    assert answer.status == 200
    received = scripted_endpoint.received[1]
    assert (received.path, received.method, received.body) == ("/elsewhere", method, body)


async def test_a_token_does_not_follow_to_another_origin(
    client: OutsideClient, scripted_endpoint: ScriptedEndpoint
) -> None:
    elsewhere = scripted_endpoint.url.replace("127.0.0.1", "localhost")
    scripted_endpoint.then("", redirect(elsewhere, 307), Answer.json({}))
    await send(client, scripted_endpoint.url, follow_redirects=True)
    first, second = scripted_endpoint.received
    assert (first.headers["authorization"], "authorization" in second.headers) == ("Bearer x", False)


async def test_redirects_without_end(client: OutsideClient, scripted_endpoint: ScriptedEndpoint) -> None:
    scripted_endpoint.default("", redirect("/again"))
    with pytest.raises(ConnectionFailed, match="redirects"):
        await send(client, scripted_endpoint.url, follow_redirects=True)
    assert len(scripted_endpoint.received) == 21


async def test_cookies_of_one_request_are_not_sent_with_another(
    client: OutsideClient, scripted_endpoint: ScriptedEndpoint
) -> None:
    scripted_endpoint.default("", Answer(200, {"set-cookie": "session=secret; Path=/"}))
    await send(client, scripted_endpoint.url)
    await send(client, scripted_endpoint.url)
    assert [("cookie" in received.headers) for received in scripted_endpoint.received] == [False, False]


async def test_an_answer_may_be_too_large(client: OutsideClient, scripted_endpoint: ScriptedEndpoint) -> None:
    scripted_endpoint.default("", Answer(200, body=b"x" * 1001))
    with pytest.raises(ResponseTooLarge, match="1000 bytes"):
        await send(client, scripted_endpoint.url)


async def test_an_answer_must_come_in_time(
    client: OutsideClient, scripted_endpoint: ScriptedEndpoint
) -> None:
    scripted_endpoint.default("", Answer.hang())
    with pytest.raises(RequestTimedOut, match=r"within 0\.2 s"):
        await send(client, scripted_endpoint.url, timeout_s=0.2)


async def test_a_broken_connection_is_named(
    client: OutsideClient, scripted_endpoint: ScriptedEndpoint
) -> None:
    scripted_endpoint.default("", Answer.reset())
    with pytest.raises(ConnectionFailed, match=scripted_endpoint.url):
        await send(client, scripted_endpoint.url)


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("ftp://127.0.0.1/x", {}),
        ("nowhere", {}),
        ("http://127.0.0.1:70000/", {}),
        ("http://[::1", {}),
        ("http://127.0.0.1:9/", {}),
        ("http://127.0.0.1:9/", {"x-name": "grüß"}),
        ("http://127.0.0.1:9/", {"x-name": "a\r\nx-forged: b"}),
        ("http://127.0.0.1:9/", {"a b": "c"}),
        ("http://bücher.invalid/", {}),
    ],
)
async def test_what_cannot_be_sent_fails_like_a_connection(
    client: OutsideClient, url: str, headers: dict[str, str]
) -> None:
    with pytest.raises(ConnectionFailed):
        await send(client, url, headers=headers)


async def test_many_at_once_share_the_client(
    client: OutsideClient, scripted_endpoint: ScriptedEndpoint
) -> None:
    def echo(received: Received) -> Answer:
        return Answer(200, body=received.body)

    scripted_endpoint.default("", echo)
    bodies = [b"%d" % number for number in range(30)]
    answers = await asyncio.gather(*(send(client, scripted_endpoint.url, body=body) for body in bodies))
    assert [answer.body for answer in answers] == bodies
