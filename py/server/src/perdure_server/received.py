"""Requests from outside as apps are told of them."""

from __future__ import annotations

from starlette.requests import Request

from perdure_server.services import services_of


def received_url(request: Request) -> str:
    """The URL that was called: a proxy in front may have changed what arrives here."""
    public_url = services_of(request).settings.public_url
    sent = request.url
    return f"{public_url}{sent.path}{'?' + sent.query if sent.query else ''}" if public_url else str(sent)


def received_headers(request: Request) -> dict[str, str]:
    """The headers by lower-case name, several of one name joined as HTTP says.

    Without cookies: they are of this server's origin, where people may be logged in to the dashboard.
    """
    joined: dict[str, str] = {}
    for name, value in request.headers.items():
        if name != "cookie":
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined
