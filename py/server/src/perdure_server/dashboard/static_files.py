"""The dashboard's own files: one style sheet, one script, one icon, read when the server starts."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from perdure_server.dashboard.rendering import STATIC_FOLDER

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES = {
    path.name: (path.read_bytes(), _TYPES[path.suffix])
    for path in STATIC_FOLDER.iterdir()
    if path.suffix in _TYPES
}
# Pages ask for a file with its digest: what changes is asked for at another address.
_KEEP = {"cache-control": "public, max-age=31536000, immutable"}


async def send_static(request: Request) -> Response:
    """A file; 404 when there is none of this name."""
    found = _FILES.get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    content, media_type = found
    return Response(content, media_type=media_type, headers=_KEEP)
