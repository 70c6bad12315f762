"""Templates: filled with what a page found, everything escaped, and what every page needs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from perdure_server.dashboard import csrf, notices, paths
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
    notice = notices.read_notice(visit.request, token) if visit else None
    page = _environment.get_template(template).render(
        visit=visit,
        csrf_token=csrf.token_of(token) if token else "",
        notice=notice,
        **values,
    )
    # Half of a surrogate pair, which JSON may hold, is shown as JSON writes it.
    content = page.encode(errors="backslashreplace")
    response = HTMLResponse(content, status_code=status, headers=headers)
    if visit and notice is not None:
        notices.forget_notice(visit.request, response)
    return response


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _date(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def duration(milliseconds: float) -> str:
    """A length of time for people: ``320 ms``, ``1.2 s``, ``3 min 5 s``, ``2 d 4 h``."""
    if milliseconds < 1_000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1_000:.1f} s"
    seconds = round(milliseconds / 1_000)
    first = next(number for number, (unit, _name) in enumerate(_UNITS) if seconds >= unit)
    (unit, name), (smaller, smaller_name) = _UNITS[first : first + 2]
    rest = seconds % unit // smaller
    return f"{seconds // unit} {name}" + (f" {rest} {smaller_name}" if rest else "")


def pretty_json(document: bytes | str) -> str:
    """A JSON document on several lines, as it is otherwise; what is no JSON unchanged."""
    text = document.decode(errors="replace") if isinstance(document, bytes) else document
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


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
        environment_path=paths.environment_path,
        assets={path.name: asset_path(path.name) for path in STATIC_FOLDER.iterdir()},
    )
    environment.filters.update(instant=_instant, date=_date, duration=duration, pretty_json=pretty_json)
    return environment


_environment = _new_environment()
