"""Ports of 127.0.0.1 to listen on."""

from __future__ import annotations

import random
import socket

from perdure_server.cli.failures import CommandFailed

_LOWEST, _HIGHEST = 20000, 30000
_TRIES = 200


def free_port() -> int:
    """A port that nobody listens on.

    Taken from below the range that outgoing connections get theirs from (32768 and up on Linux), so that no
    connection takes it before its program listens.

    Raises:
        CommandFailed: there seems to be none.
    """
    for _ in range(_TRIES):
        port = random.randrange(_LOWEST, _HIGHEST)  # noqa: S311  # so that two programs try different ones
        try:
            listen(port).close()
        except OSError:
            continue
        return port
    raise CommandFailed(f"no free port found between {_LOWEST} and {_HIGHEST} on 127.0.0.1")


def listen(port: int, host: str = "127.0.0.1") -> socket.socket:
    """A socket that listens.

    Args:
        port: 0 takes any.
    Raises:
        OSError: the port is taken, or not ours to take.
    """
    return socket.create_server((host, port), backlog=128, family=_family(host))


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
