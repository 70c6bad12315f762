"""What a shell completes besides commands and options: ids, where they can be had at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import typer

from perdure_server.cli.options import DEFAULT_DATA_DIR, DEFAULT_PROJECT

_TIMEOUT_S = 0.3  # whoever presses a key waits for it
_MOST = 20
_JOBS = """
select j.slug from perdure_views.jobs as j
inner join perdure_views.environments as e on e.id = j.environment_id
where e.project = %s and e.slug = %s and not j.internal order by j.slug
"""
_SCHEDULES = """
select s.key as slug from perdure_views.schedules as s
inner join perdure_views.environments as e on e.id = s.environment_id
where e.project = %s and e.slug = %s order by s.key
"""


def job_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """The jobs of the environment that the command is about."""
    return _beginning(incomplete, lambda: _slugs(ctx, _JOBS))


def schedule_keys(ctx: typer.Context, incomplete: str) -> list[str]:
    """The keys of its schedules."""
    return _beginning(incomplete, lambda: _slugs(ctx, _SCHEDULES))


def run_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """The newest runs of the API key's environment."""
    return _beginning(incomplete, lambda: _newest_runs(ctx))


def _beginning(incomplete: str, find: Callable[[], list[str]]) -> list[str]:
    """What ``find`` finds in time and begins so; whatever goes wrong is no business of who presses a key."""
    found: list[str] = []

    def look() -> None:
        try:
            found.extend(find())
        except Exception:
            found.clear()

    thread = Thread(target=look, daemon=True)
    thread.start()
    thread.join(_TIMEOUT_S)
    return [text for text in found if text.startswith(incomplete)]


def _slugs(ctx: typer.Context, query: str) -> list[str]:
    from perdure_server.cli.database import database_of  # here: completing a command's name is faster
    from perdure_server.cli.views import Views

    place = (_given(ctx, "project", DEFAULT_PROJECT), _given(ctx, "environment", "dev"))
    with Views(database_of(ctx.params.get("database_url"), _data_dir(ctx))) as views:
        return [row["slug"] for row in views.rows(query, *place)]


def _newest_runs(ctx: typer.Context) -> list[str]:
    from perdure_server.cli.api_client import connect  # here: likewise

    with connect(ctx.params.get("api_url"), ctx.params.get("api_key"), _data_dir(ctx)) as api:
        return [run["id"] for run in api.get("/api/v1/runs", take=_MOST)["runs"]]


def _data_dir(ctx: typer.Context) -> Path:
    return Path(_given(ctx, "data_dir", DEFAULT_DATA_DIR))


def _given(ctx: typer.Context, name: str, default: Any) -> Any:
    value = ctx.params.get(name)
    return default if value is None else value
