"""Requests outside that must not reach what is inside."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from perdure.wire.http import HttpResponse
from perdure_dispatcher.addresses import AddressRefused, is_public
from perdure_dispatcher.clients import OutsideClient
from tests.support.fix_endpoint import Answer, ScriptedEndpoint


@pytest.fixture
async def client() -> AsyncIterator[OutsideClient]:
    client = OutsideClient(private=False)
    yield client
    await client.close()


async def get(client: OutsideClient, url: str) -> HttpResponse:
    return await client.request(
        "GET", url, {}, None, timeout_s=10, max_response_bytes=1000, follow_redirects=True
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0", "[::1]", "[::ffff:127.0.0.1]"])
async def test_a_private_receiver_is_refused_and_gets_nothing(
    client: OutsideClient, scripted_endpoint: ScriptedEndpoint, host: str
) -> None:
    with pytest.raises(AddressRefused, match="PERDURE_FETCH_PRIVATE"):
        await get(client, scripted_endpoint.url.replace("127.0.0.1", host))
    assert scripted_endpoint.received == []


async def test_a_closed_port_looks_like_an_open_one(client: OutsideClient) -> None:
    with pytest.raises(AddressRefused):
        await get(client, "http://127.0.0.1:9/")


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the tests mean these addresses at each look-up; the last one stays."""
    answers: list[str] = []
    ask = asyncio.base_events.BaseEventLoop.getaddrinfo

    async def look_up(loop: Any, host: Any, port: Any, **options: Any) -> Any:
        if host not in ("name.test", b"name.test"):
            return await ask(loop, host, port, **options)
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", look_up)
    return answers


async def test_a_name_that_means_another_address_when_connecting_is_refused(
    client: OutsideClient, scripted_endpoint: ScriptedEndpoint, lookups: list[str]
) -> None:
    lookups.extend(["93.184.216.34", "127.0.0.1"])
    with pytest.raises(AddressRefused, match=r"127\.0\.0\.1"):
        await get(client, scripted_endpoint.url.replace("127.0.0.1", "name.test"))
    assert lookups == ["127.0.0.1"]
    assert scripted_endpoint.received == []


async def test_a_redirect_inside_is_refused(
    client: OutsideClient, scripted_endpoint: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perdure_dispatcher.addresses.is_public", lambda address: address == "127.0.0.1")
    with socket.socket() as inside:  # nobody listens, and nobody is asked
        inside.bind(("127.0.0.2", 0))
        target = f"http://127.0.0.2:{inside.getsockname()[1]}/"
        scripted_endpoint.then("", Answer(302, {"location": target}))
        with pytest.raises(AddressRefused, match=r"127\.0\.0\.2"):
            await get(client, scripted_endpoint.url)
    assert len(scripted_endpoint.received) == 1


async def test_no_proxy_is_asked(
    scripted_endpoint: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch, lookups: list[str]
) -> None:
    monkeypatch.setenv("HTTP_PROXY", scripted_endpoint.url)
    lookups.append("10.0.0.1")
    client = OutsideClient(private=False)
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1"):
        await get(client, "http://name.test/")
    await client.close()
    assert scripted_endpoint.received == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("64:ff9b::5db8:d822", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("127.8.8.8", False),
        ("0.0.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public
