"""What is set for an environment as a whole: how long its runs may go on."""

from __future__ import annotations

from starlette.responses import Response

from perdure_engine import environments
from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page, Visit
from perdure_server.dashboard.forms import BadField
from perdure_server.dashboard.rendering import render

_PATH = f"{ENVIRONMENT}/settings/environment"
_MOST = 10**9


async def show_environment(visit: Visit) -> Response:
    """The settings, with a form for who may change them."""
    async with visit.connection() as conn:
        found = await environments.get_environment_settings(conn, visit.environment.id)
    return render(visit, "environment_settings.html", found=found)


async def set_limits(visit: Visit) -> Response:
    """Limit how long runs may go on, or no more."""
    executions = _number(visit, "executions")
    seconds = _number(visit, "seconds")
    async with visit.changing("environment.limit_runs", visit.environment.slug) as change:
        found = await environments.get_environment_settings(change.conn, visit.environment.id)
        change.before = {"executions": found.max_executions, "duration_ms": found.max_duration_ms}
        duration_ms = None if seconds is None else seconds * 1000
        await environments.set_run_limits(
            change.conn, visit.environment.id, max_executions=executions, max_duration_ms=duration_ms
        )
        change.after = {"executions": executions, "duration_ms": duration_ms}
    return visit.redirect(visit.here("/settings/environment"), notice="The limits are set.")


def _number(visit: Visit, name: str) -> int | None:
    """A field with a whole number; None: it is empty.

    Raises:
        BadField: anything else.
    """
    text = visit.form.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text[:12]) <= _MOST and len(text) <= 10):
        raise BadField(name, "it must be a whole number from 1 on, or empty for no limit")
    return int(text)


PAGES = (
    Page(_PATH, show_environment, Needs.VIEWER),
    Page(_PATH, set_limits, Needs.ADMIN, "POST"),
)
