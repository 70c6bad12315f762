"""The JavaScript module by which a web page follows a run, at /js/perdure-run.js."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_MODULE = (Path(__file__).parent / "browser" / "perdure-run.js").read_bytes()
_TAG = f'"{sha256(_MODULE).hexdigest()[:16]}"'
_HEADERS = {
    "access-control-allow-origin": "*",  # modules of another origin are only loaded with its leave
    "cache-control": "public, max-age=300",  # its address stays when it changes
    "cross-origin-resource-policy": "cross-origin",
    "etag": _TAG,
    "x-content-type-options": "nosniff",
}


async def send_module(request: Request) -> Response:
    """The module; 304 to a browser that has it."""
    if request.headers.get("if-none-match") == _TAG:
        return Response(status_code=304, headers=_HEADERS)
    return Response(_MODULE, media_type="text/javascript", headers=_HEADERS)


module_route = Route("/js/perdure-run.js", send_module)
