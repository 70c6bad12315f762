"""New projects of an organization, and new preview environments: made with their first keys, shown once."""

from __future__ import annotations

from starlette.responses import Response

from perdure_engine import environments
from perdure_engine.errors import InvalidArgument, KeyConflict
from perdure_engine.organizations import list_places
from perdure_server.dashboard.access import Change, Needs, Page, Visit
from perdure_server.dashboard.forms import BadField
from perdure_server.dashboard.origin import base_url
from perdure_server.dashboard.rendering import render

_PATH = "/orgs/{organization}"


async def create_project(visit: Visit) -> Response:
    """Make a project with its environments and a secret key of each."""
    slug = visit.form.get("project", "").strip()
    try:
        async with visit.changing("project.create", slug) as change:
            if any(place.project == slug for place in await list_places(change.conn, visit.place.slug)):
                raise BadField("project", f"there is a project {slug} already: choose another name")
            await environments.create_project(change.conn, visit.place.slug, slug)
            keys = await _make_keys(visit, change, slug)
            change.after = {"environments": list(keys)}
    except InvalidArgument:
        raise BadField("project", "use small letters, digits and hyphens, such as shop or my-shop") from None
    except KeyConflict:
        raise BadField("project", f"{slug} is taken on this server: choose another name") from None
    return _made(visit, slug, keys)


async def create_environment(visit: Visit) -> Response:
    """Make a preview environment of a project and a secret key of it."""
    project, slug = visit.form.get("project", ""), visit.form.get("environment", "").strip()
    try:
        async with visit.changing("environment.create", f"{project} / {slug}") as change:
            places = await list_places(change.conn, visit.place.slug)
            if any((place.project, place.slug) == (project, slug) for place in places):
                raise BadField("environment", f"{project} has an environment {slug} already")
            await environments.create_environment(change.conn, visit.place.slug, project, slug)
            keys = await _make_keys(visit, change, project, slug)
            change.after = {"type": "PREVIEW"}
    except InvalidArgument:
        raise BadField("environment", "use 2 to 20 small letters, such as a branch's name") from None
    return _made(visit, project, keys)


async def _make_keys(visit: Visit, change: Change, project: str, slug: str | None = None) -> dict[str, str]:
    """A secret key for each environment of a project, or for one of them: by its slug."""
    return {
        place.slug: await environments.create_api_key(change.conn, place.id, created_by=visit.person.email)
        for place in await list_places(change.conn, visit.place.slug)
        if place.project == project and slug in (None, place.slug)
    }


def _made(visit: Visit, project: str, keys: dict[str, str]) -> Response:
    return render(visit, "project_made.html", project=project, keys=keys, base_url=base_url(visit.request))


PAGES = (
    Page(f"{_PATH}/projects", create_project, Needs.ADMIN, "POST"),
    Page(f"{_PATH}/environments", create_environment, Needs.ADMIN, "POST"),
)
