"""Logging in by a link that ``perdure dev`` shows."""

from __future__ import annotations

from starlette.responses import Response

from perdure_engine import login_links
from perdure_server.dashboard import paths
from perdure_server.dashboard.access import Needs, Page, Visit
from perdure_server.dashboard.rendering import render
from perdure_server.dashboard.sessions import start_session


async def enter(visit: Visit) -> Response:
    """Log the first owner in, and on to the page that the link leads to."""
    async with visit.connection() as conn:
        entry = await login_links.take_login_link(conn, visit.query.get("link", ""))
    if entry is None:
        return render(visit, "login_link_used.html", status=404)
    return await start_session(visit.request, entry.user_id, paths.safe_next(entry.path))


PAGES = (Page("/enter", enter, Needs.NOTHING),)
