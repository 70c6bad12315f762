"""The apps of an environment: where they are, what reading their jobs brought, their deploy hooks."""

from __future__ import annotations

import json
import time
from typing import Any

from starlette.responses import Response

from perdure_engine import endpoints
from perdure_engine.errors import InvalidArgument
from perdure_server import registration
from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page, Visit
from perdure_server.dashboard.origin import base_url
from perdure_server.dashboard.rendering import duration, render
from perdure_server.endpoint_client import EndpointFailure, KeyWanted
from perdure_server.params import path_text
from perdure_server.services import services_of

_PATH = f"{ENVIRONMENT}/settings/endpoints"


async def list_endpoints(visit: Visit) -> Response:
    """All apps with their last reading."""
    return await _page(visit)


async def register(visit: Visit) -> Response:
    """Register an app, or say where one is now: it is asked first, then its jobs are read."""
    url, slug = visit.form.get("url", "").strip(), visit.form.get("slug", "").strip() or None
    began = time.monotonic()
    try:
        endpoint = json.loads(
            await registration.register_endpoint(
                services_of(visit.request),
                visit.environment.id,
                url=url,
                slug=slug,
                timeout_ms=None,
                key=None,
            )
        )
    except KeyWanted as failure:
        return await _page(
            visit,
            problem=f"{failure.text} `perdure endpoints register {url}` sends its key.",
        )
    except EndpointFailure as failure:
        return await _page(visit, problem=failure.text)
    except InvalidArgument as error:
        return await _page(visit, problem=error.message)
    took_ms = (time.monotonic() - began) * 1000
    async with visit.changing("endpoint.register", endpoint["slug"]) as change:
        change.after = {"url": endpoint["url"]}
    return visit.redirect(
        visit.here("/settings/endpoints"),
        notice=f"{endpoint['slug']} is registered: it answered within {duration(took_ms)}.",
    )


async def refresh(visit: Visit) -> Response:
    """Read the jobs of an app again."""
    slug = path_text(visit.request, "slug")
    began = time.monotonic()
    index = json.loads(
        await registration.index_endpoint(
            services_of(visit.request), visit.environment.id, slug, reason=f"{visit.person.email} asked"
        )
    )
    took = duration((time.monotonic() - began) * 1000)
    async with visit.changing("endpoint.refresh", slug) as change:
        change.after = {"status": index["status"]}
    if index["status"] == "SUCCESS":
        notice = f"The jobs of {slug} were read in {took}."
    else:
        notice = f"The jobs of {slug} could not be read: see below. It took {took}."
    return visit.redirect(visit.here("/settings/endpoints"), notice=notice)


async def rotate_hook(visit: Visit) -> Response:
    """Give the deploy hook of an app another address."""
    slug = path_text(visit.request, "slug")
    async with visit.changing("endpoint.rotate_hook", slug) as change:
        await endpoints.rotate_index_hook(change.conn, visit.environment.id, slug)
    return visit.redirect(
        visit.here("/settings/endpoints"),
        notice=f"{slug} has a new deploy hook. The old address is of no use now.",
    )


async def _page(visit: Visit, problem: str | None = None) -> Response:
    async with visit.connection() as conn:
        apps = json.loads(await endpoints.list_endpoints(conn, visit.environment.id))
        durations = await endpoints.list_index_durations(
            conn, [app["lastIndex"]["id"] for app in apps if "lastIndex" in app]
        )
    return render(
        visit,
        "endpoints.html",
        status=400 if problem else 200,
        apps=apps,
        durations=durations,
        problem=problem,
        given=visit.form,
        hook_of=lambda app: _hook(visit, app),
    )


def _hook(visit: Visit, app: dict[str, Any]) -> str:
    """The address that a deployment calls."""
    return (
        f"{base_url(visit.request)}/api/v1/endpoints/{visit.environment.id}/{app['slug']}"
        f"/index/{app['indexingHookIdentifier']}"
    )


PAGES = (
    Page(_PATH, list_endpoints, Needs.VIEWER),
    Page(_PATH, register, Needs.ADMIN, "POST"),
    Page(f"{_PATH}/{{slug}}/refresh", refresh, Needs.MEMBER, "POST"),
    Page(f"{_PATH}/{{slug}}/hook", rotate_hook, Needs.ADMIN, "POST"),
)
