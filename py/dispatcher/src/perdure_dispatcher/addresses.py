"""Addresses that requests outside may be kept from: a job chooses the URL, not what is reached."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Any

from perdure.wire.http import ConnectionFailed

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefused(ConnectionFailed):
    """The receiver is not in the public Internet."""


async def refuse_private_addresses(event: str, info: dict[str, Any]) -> None:
    """End a request to an address that is not public; httpx's ``trace`` callback, called for redirects, too.

    Looked up before connecting, so that nobody learns which ports are open, and checked again when connected,
    because a name may mean another address a moment later. Nothing has been sent then.

    Raises:
        AddressRefused: the address is not public.
    """
    if event == "connection.connect_tcp.started":
        for address in await _addresses(info["host"], info["port"]):
            _check(address)
    elif event == "connection.connect_tcp.complete":
        stream = info["return_value"]
        try:
            _check(stream.get_extra_info("server_addr")[0])
        except AddressRefused:
            await stream.aclose()
            raise


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public Internet; of one that stands for another, that counts."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        stands_for = parsed.ipv4_mapped or parsed.sixtofour
        if parsed in _NAT64:
            stands_for = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        parsed = stands_for or parsed
    return parsed.is_global and not parsed.is_multicast


def _check(address: str) -> None:
    if not is_public(address):
        raise AddressRefused(f"{address} is not a public address (PERDURE_FETCH_PRIVATE=no)")


async def _addresses(host: str, port: int) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return []  # connecting will say why
    return [str(address[0]) for *_, address in found]
