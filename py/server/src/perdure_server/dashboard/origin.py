"""Where a request comes from, and where browsers reach this server."""

from __future__ import annotations

from starlette.requests import Request

from perdure_server.services import services_of


def base_url(request: Request) -> str:
    """What links for people begin with, without a slash at the end."""
    public_url = services_of(request).settings.public_url
    return public_url or f"{request.url.scheme}://{request.url.netloc}"


def client_address(request: Request) -> str:
    """Where a request came from: for counting attempts, and for the list of sessions."""
    return request.client.host if request.client else "unknown"
