"""The HTTP client against real servers that behave, and that do not."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from perdure.wire import http
from perdure.wire.http import ConnectionFailed, HttpClient, HttpResponse, RequestTimedOut, ResponseTooLarge
from tests.support.waiting import eventually_async

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


class Server:
    """Speaks raw bytes; counts its connections and keeps what it received."""

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None) -> None:
        self.connections = 0
        self.received = b""
        self.closed = asyncio.Event()
        self._handler = handler
        self._tls = tls

    async def __aenter__(self) -> "Server":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/path?a=1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._handler(reader, writer)
            await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.closed.set()
            writer.close()


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    async with Server(handler, tls) as server:
        yield server


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()


async def send(client: HttpClient, url: str, **changes: Any) -> HttpResponse:
    options: dict[str, Any] = {
        "method": "POST",
        "headers": {"x-name": "value"},
        "body": b"{}",
        "timeout_s": 5,
        "max_response_bytes": 1000,
        **changes,
    }
    method, headers, body = options.pop("method"), options.pop("headers"), options.pop("body")
    return await client.request(method, url, headers, body, **options)


def answering(*answers: bytes, then_close: bool = False) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.readuntil(b"{}")
            writer.write(answer)
            await writer.drain()
        if then_close:
            writer.close()

    return handler


async def test_what_is_sent(client: HttpClient) -> None:
    seen: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"{}"))
        writer.write(ANSWER)

    async with serving(handler) as server:
        response = await send(client, server.url)
    assert response == HttpResponse(200, {"content-length": "2"}, b"hi")
    assert seen == [
        b"POST /path?a=1 HTTP/1.1\r\nhost: 127.0.0.1:%d\r\nx-name: value\r\ncontent-length: 2\r\n\r\n{}"
        % server.port
    ]


async def test_connections_are_kept_and_used_again(client: HttpClient) -> None:
    async with serving(answering(ANSWER, ANSWER, ANSWER)) as server:
        for _ in range(3):
            assert (await send(client, server.url)).body == b"hi"
        assert server.connections == 1


async def test_requests_at_once_have_connections_of_their_own(client: HttpClient) -> None:
    async with serving(answering(ANSWER, ANSWER)) as server:
        await asyncio.gather(*(send(client, server.url) for _ in range(5)))
        assert server.connections == 5
        await asyncio.gather(*(send(client, server.url) for _ in range(5)))
        assert server.connections == 5


async def test_a_connection_that_the_server_closed_is_not_used_again(client: HttpClient) -> None:
    async with serving(answering(ANSWER, then_close=True)) as server:
        await send(client, server.url)
        await server.closed.wait()
        assert (await send(client, server.url)).body == b"hi"
        assert server.connections == 2


async def test_a_connection_idle_for_long_is_not_used_again(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_MAX_IDLE_S", -1.0)
    async with serving(answering(ANSWER, ANSWER)) as server:
        await send(client, server.url)
        await send(client, server.url)
        assert server.connections == 2


@pytest.mark.parametrize(("seconds", "connections"), [(1, 2), (30, 1)])
async def test_a_connection_that_the_server_is_about_to_close_is_not_used_again(
    client: HttpClient, seconds: int, connections: int
) -> None:
    answer = ANSWER.replace(b"\r\n\r\n", b"\r\nkeep-alive: timeout=%d, max=100\r\n\r\n" % seconds, 1)
    async with serving(answering(answer, answer)) as server:
        await send(client, server.url)
        await send(client, server.url)
        assert server.connections == connections


async def test_redirects_are_not_followed(client: HttpClient) -> None:
    moved = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    async with serving(answering(moved)) as server:
        response = await send(client, server.url)
    assert (response.status, response.headers["location"]) == (302, "http://127.0.0.1:1/")


async def test_an_error_page_is_an_answer_like_any_other(client: HttpClient) -> None:
    page = b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>"
    async with serving(answering(page)) as server:
        response = await send(client, server.url)
    assert (response.status, response.body) == (502, b"<html>")


async def test_a_refused_connection(client: HttpClient) -> None:
    with pytest.raises(ConnectionFailed, match=r"http://127.0.0.1:1/: no connection: .*127.0.0.1"):
        await send(client, "http://127.0.0.1:1/")


async def test_an_unknown_host(client: HttpClient) -> None:
    with pytest.raises(ConnectionFailed, match="no connection"):
        await send(client, "http://no-such-host.invalid/")


async def test_a_reset(client: HttpClient) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.transport.abort()

    async with serving(handler) as server:
        with pytest.raises(ConnectionFailed, match="before the answer was complete"):
            await send(client, server.url)


async def test_an_answer_that_ends_early(client: HttpClient) -> None:
    async with serving(answering(ANSWER[:-1], then_close=True)) as server:
        with pytest.raises(ConnectionFailed, match="closed before the answer was complete"):
            await send(client, server.url)


async def test_something_that_is_not_http(client: HttpClient) -> None:
    async with serving(answering(b"+OK POP3 ready\r\n")) as server:
        with pytest.raises(ConnectionFailed, match=r"not HTTP/1.1"):
            await send(client, server.url)


async def test_a_kept_connection_gives_each_request_a_time_of_its_own(client: HttpClient) -> None:
    first_is_over = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(ANSWER)
        await reader.readuntil(b"{}")
        await first_is_over.wait()
        writer.write(ANSWER)

    async with serving(handler) as server:
        await send(client, server.url, timeout_s=0.05)
        asyncio.get_running_loop().call_later(0.1, first_is_over.set)
        assert (await send(client, server.url, timeout_s=5)).body == b"hi"
        with pytest.raises(RequestTimedOut, match=r"did not answer within 0.04 s"):
            await send(client, server.url, timeout_s=0.04)
        assert server.connections == 1


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"])
async def test_a_server_that_hangs_is_given_up_and_notices(client: HttpClient, begin: bytes) -> None:
    async with serving(answering(begin)) as server:
        with pytest.raises(RequestTimedOut, match=r"did not answer within 0.05 s"):
            await send(client, server.url, timeout_s=0.05)
        await asyncio.wait_for(server.closed.wait(), 5)


async def test_a_cancelled_request_cuts_its_connection(client: HttpClient) -> None:
    async with serving(answering(b"")) as server:
        request = asyncio.create_task(send(client, server.url))
        await eventually_async(lambda: server.connections == 1)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await asyncio.wait_for(server.closed.wait(), 5)


async def test_an_endless_answer_is_not_read_to_its_end(client: HttpClient) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10\r\n0123456789abcdef\r\n")
            await writer.drain()
            await asyncio.sleep(0)  # drain alone would not let the client read

    async with serving(handler) as server:
        with pytest.raises(ResponseTooLarge, match="larger than the 1000 bytes"):
            await send(client, server.url)
        await asyncio.wait_for(server.closed.wait(), 5)


async def test_unasked_bytes_on_an_idle_connection_cut_it(client: HttpClient) -> None:
    late = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(ANSWER)
        await late.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")

    async with serving(handler) as server:
        await send(client, server.url)
        late.set()
        await asyncio.wait_for(server.closed.wait(), 5)
        assert (await send(client, server.url)).body == b"hi"
        assert server.connections == 2


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "ftp://host/",
        "http://",
        "http://host:99999/",
        "http://host/a b",
        "http://host/é",
        "/path",
        "",
    ],
)
async def test_a_url_that_cannot_be_used(client: HttpClient, url: str) -> None:
    with pytest.raises(ConnectionFailed, match="not a usable URL"):
        await send(client, url)


@pytest.mark.parametrize("headers", [{"a": "b\r\nc: d"}, {"a\n": "b"}, {"a": "\0"}])
async def test_a_header_cannot_smuggle_another(client: HttpClient, headers: dict[str, str]) -> None:
    async with serving(answering(ANSWER)) as server:
        with pytest.raises(ConnectionFailed, match="contains a line break"):
            await send(client, server.url, headers=headers)
        assert server.connections == 0


async def test_a_header_outside_latin_1(client: HttpClient) -> None:
    async with serving(answering(ANSWER)) as server:
        with pytest.raises(ConnectionFailed, match="outside Latin-1"):
            await send(client, server.url, headers={"a": "€"})


def test_one_client_serves_several_event_loops() -> None:
    client = HttpClient()

    async def once() -> bytes:
        async with serving(answering(ANSWER)) as server:
            response = await send(client, server.url)
            await client.close()
            return response.body

    assert [asyncio.run(once()) for _ in range(3)] == [b"hi"] * 3
    assert client._pools == {}


async def test_https_checks_the_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key.pem").write_text(KEY)
    (tmp_path / "certificate.pem").write_text(CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    trusting, distrusting = HttpClient(), HttpClient()
    async with serving(answering(ANSWER, ANSWER), context) as server:
        url = f"https://localhost:{server.port}/"
        with monkeypatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
            assert (await send(trusting, url)).body == b"hi"
        assert (await send(trusting, url)).body == b"hi"
        assert server.connections == 1
        with pytest.raises(ConnectionFailed, match="certificate verify failed"):
            await send(distrusting, url)
        with pytest.raises(ConnectionFailed, match=r"doesn't match|not valid for|mismatch"):
            await send(trusting, f"https://127.0.0.1:{server.port}/")
    await trusting.close()


# A self-signed certificate for "localhost", made for this test; nothing trusts it.
KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg69d8vXloN3mNkzUP
cSBf2RD5hFArjsdf1quiCv4z9GWhRANCAASXidFvQ1tHc/kYY8Un3L1+XJuPQ90Q
ZNKdl/hgNn4D8LfnIsMIdOSuSZbTja4rzzBK0tF6O3T65B4gYJvoj0Tu
-----END PRIVATE KEY-----
"""
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBljCCATugAwIBAgIUMo/WXIgkOxxGl0K0inGLMWvK1e0wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDE4MDgyNloYDzIxMjYxMDMx
MTgwODI2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASXidFvQ1tHc/kYY8Un3L1+XJuPQ90QZNKdl/hgNn4D8LfnIsMIdOSu
SZbTja4rzzBK0tF6O3T65B4gYJvoj0Tuo2kwZzAdBgNVHQ4EFgQU5KAFHnn17qhJ
Em9WzCaexyxHOLEwHwYDVR0jBBgwFoAU5KAFHnn17qhJEm9WzCaexyxHOLEwFAYD
VR0RBA0wC4IJbG9jYWxob3N0MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwID
SQAwRgIhANWh/iLyHV106mQy1yHiyZDHBhQtUDK1L8Uxpt3sHtkwAiEA5Ajrnbfk
35i0cdlQsspz6Iq6yrpQDxhdbZ/5ZviXTL4=
-----END CERTIFICATE-----
"""


async def test_pieces_come_before_the_answer_is_complete(client: HttpClient) -> None:
    pieces: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        for piece in (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n", b"3\r\nllo\r\n"):
            writer.write(piece)
            before = len(pieces)
            await eventually_async(lambda: len(pieces) > before)  # noqa: B023
        assert not sending.done()
        writer.write(b"0\r\n\r\n")
        await reader.readuntil(b"{}")
        writer.write(ANSWER)

    async with serving(handler) as server:
        sending = asyncio.create_task(send(client, server.url, on_piece=pieces.append))
        assert (await sending).body == b""
        assert (await send(client, server.url)).body == b"hi"
        assert server.connections == 1
    assert pieces == [b"he", b"llo"]


async def test_large_requests_take_turns_on_the_connections_in_use(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_LATELY_S", 60.0)
    used: list[int] = []
    number = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal number
        mine = number = number + 1
        while True:
            await reader.readuntil(b"{}")
            used.append(mine)
            writer.write(ANSWER)

    async with serving(handler) as server:
        await asyncio.gather(*(send(client, server.url) for _ in range(4)))
        used.clear()
        for _ in range(10):
            await send(client, server.url)
        assert len(set(used)) == 1
        for _ in range(100):
            await send(client, server.url, on_piece=bytes)
        assert set(used) == {1, 2, 3, 4}
        monkeypatch.setattr(http, "_LATELY_S", 0.0)
        used.clear()
        for _ in range(10):
            await send(client, server.url, on_piece=bytes)
        assert len(set(used)) == 1, "others were not used lately, and may be about to be closed"
        assert server.connections == 4
