"""The dashboard as routes of the server: every page guarded, with headers, its errors pages, too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router

from perdure_server.dashboard import paths
from perdure_server.dashboard.access import Page
from perdure_server.dashboard.faults import FaultPages
from perdure_server.dashboard.headers import SecurityHeaders
from perdure_server.dashboard.pages import (
    account,
    audit,
    bulk_actions,
    dead_letters,
    deliveries,
    endpoints,
    environment_settings,
    errors,
    events,
    http_endpoints,
    job_tests,
    jobs,
    keys,
    login_links,
    logins,
    members,
    oidc,
    organizations,
    overview,
    password_resets,
    projects,
    run,
    run_actions,
    run_comparison,
    runs,
    schedules,
    sources,
)
from perdure_server.dashboard.static_files import send_static

PAGES: tuple[Page, ...] = (
    *logins.PAGES,
    *login_links.PAGES,
    *password_resets.PAGES,
    *oidc.PAGES,
    *account.PAGES,
    *organizations.PAGES,
    *members.PAGES,
    *audit.PAGES,
    *overview.PAGES,
    *errors.PAGES,
    *dead_letters.PAGES,
    *jobs.PAGES,
    *job_tests.PAGES,
    *projects.PAGES,
    *keys.PAGES,
    *environment_settings.PAGES,
    *endpoints.PAGES,
    *runs.PAGES,
    *bulk_actions.PAGES,
    *run.PAGES,
    *run_actions.PAGES,
    *run_comparison.PAGES,
    *events.PAGES,
    *schedules.PAGES,
    *sources.PAGES,
    *deliveries.PAGES,
    *http_endpoints.PAGES,
)
"""Every page and form; a test walks them all with every role."""


def dashboard_routes() -> list[BaseRoute]:
    """What the server serves under /dashboard."""
    router = Router([Route("/static/{name}", send_static), *_page_routes()], redirect_slashes=False)
    return [Route(paths.ROOT, _to_start), Mount(paths.ROOT, SecurityHeaders(FaultPages(router)))]


def _page_routes() -> list[Route]:
    """One route for each path, which knows all its methods."""
    by_path: dict[str, dict[str, Page]] = {}
    for page in PAGES:
        methods = by_path.setdefault(page.path, {})
        if page.method in methods:
            raise ValueError(f"{page.method} {page.path} is there twice")
        methods[page.method] = page
    return [Route(path, _serving(pages), methods=list(pages)) for path, pages in by_path.items()]


def _serving(pages: Mapping[str, Page]) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        return await pages["GET" if request.method == "HEAD" else request.method].serve(request)

    return serve


async def _to_start(_request: Request) -> Response:
    return RedirectResponse(paths.HOME, status_code=307)
