"""Templates: filled with what a page found, everything escaped, and what every page needs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from perdure_server.dashboard import csrf, paths
from perdure_server.dashboard.access import Needs, Visit

_HERE = Path(__file__).parent
STATIC_FOLDER = _HERE / "static"


def asset_path(name: str) -> str:
    """Where a file of ``static/`` is; another place when it changes, so that browsers may keep it."""
    digest = hashlib.sha256((STATIC_FOLDER / name).read_bytes()).hexdigest()[:12]
    return f"{paths.ROOT}/static/{name}?v={digest}"


def render(
    visit: Visit | None,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """A page.

    Args:
        visit: whose it is; None: nobody's, as when the database cannot say who asks.
        template: in ``templates/``.
        status: of the answer.
        headers: further ones.
        values: what the template shows.
    """
    token = visit.session_token if visit else None
    page = _environment.get_template(template).render(
        visit=visit,
        csrf_token=csrf.token_of(token) if token else "",
        **values,
    )
    return HTMLResponse(page, status_code=status, headers=headers)


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _date(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _new_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,  # everywhere, whatever a template's name
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        Needs=Needs,
        HOME=paths.HOME,
        organization_path=paths.organization_path,
        assets={name: asset_path(name) for name in ("dashboard.css", "dashboard.js", "icon.svg")},
    )
    environment.filters.update(instant=_instant, date=_date)
    return environment


_environment = _new_environment()
