"""Pages that stay up to date: made again every so often, and the parts that have changed are sent."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from perdure_engine.errors import DatabaseUnavailable, NotMigrated
from perdure_server.errors import ApiError
from perdure_server.event_stream import MEDIA_TYPE, event_stream, write_event

logger = logging.getLogger("perdure.server")

Serve: TypeAlias = Callable[[], Awaitable[Response]]

_PULSE_S = 5.0  # of a page that does not say: it still tells when the database is away
_PART = re.compile(r"<!--live ([a-z0-9-]+)-->(.*?)<!--end \1-->", re.DOTALL)  # as components.html writes them


def is_asked_for(request: Request) -> bool:
    """Whether a browser wants the changes of a page instead of the page."""
    return request.headers.get("accept", "").startswith(MEDIA_TYPE)


def stream(request: Request, serve: Serve, every_s: float | None) -> Response:
    """Server-sent events of a page.

    ``parts`` has ``{name: html}`` of the live parts, at first of all, then of those that have changed;
    ``fault`` a sentence why the page cannot be made now; ``gone`` means that it is to be opened anew, since
    the session has ended or something else is there.

    Args:
        request: of the page, by an EventSource.
        serve: makes the page, checking anew who asks.
        every_s: seconds between two looks; None: few.
    """
    return event_stream(request, _events(request.url.path, serve, every_s or _PULSE_S))


async def _events(path: str, serve: Serve, every_s: float) -> AsyncGenerator[bytes, None]:
    known: dict[str, str] | None = None  # None: the browser may show what is out of date
    while True:
        try:
            parts = await _parts(serve)
        except (ApiError, HTTPException):
            yield write_event("", name="gone")
            return
        except (DatabaseUnavailable, NotMigrated):
            known = None
            yield write_event("The database does not answer.", name="fault")
        except Exception:
            logger.exception("%s could not be made again", path)
            known = None
            yield write_event("The server failed to make this page; its log says why.", name="fault")
        else:
            changed = {name: part for name, part in parts.items() if (known or {}).get(name) != part}
            if changed or known is None:
                yield write_event(json.dumps(changed), name="parts")
            known = parts
        await asyncio.sleep(every_s)


async def _parts(serve: Serve) -> dict[str, str]:
    """The live parts of a page by name.

    Raises:
        HTTPException: another page is there now.
    """
    response = await serve()
    if response.status_code != 200:
        raise HTTPException(response.status_code)
    return dict(_PART.findall(bytes(response.body).decode()))
