"""Where somebody belongs, and what an organization has: projects with their environments."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter

from starlette.responses import RedirectResponse, Response

from perdure_engine import organizations
from perdure_engine.errors import InvalidArgument, KeyConflict
from perdure_server.dashboard.access import Needs, Page, Visit
from perdure_server.dashboard.paths import organization_path
from perdure_server.dashboard.rendering import render


async def show_home(visit: Visit) -> Response:
    """The organizations of the user; the only one at once."""
    if len(visit.organizations) == 1:
        return RedirectResponse(organization_path(visit.organizations[0].slug), status_code=303)
    return render(visit, "home.html", given={}, problem=None)


async def show_organizations(visit: Visit) -> Response:
    """The organizations of the user, and a form for another one."""
    return render(visit, "home.html", given={}, problem=None)


async def show_organization(visit: Visit) -> Response:
    """The projects of an organization with their environments."""
    async with visit.connection() as conn:
        environments = await organizations.list_environments(conn, visit.place.slug)
    projects = {slug: list(found) for slug, found in groupby(environments, key=attrgetter("project"))}
    return render(visit, "organization.html", projects=projects)


async def create_organization(visit: Visit) -> Response:
    """Make an organization, and go there."""
    slug, title = visit.form.get("slug", "").strip(), visit.form.get("title", "").strip()
    try:
        async with visit.connection() as conn:
            await organizations.create_organization(conn, visit.person.id, slug=slug, title=title)
    except (InvalidArgument, KeyConflict) as error:
        return render(visit, "home.html", status=400, given=visit.form, problem=error.message)
    return visit.redirect(organization_path(slug), f"{title} is made. Now make a project.")


PAGES = (
    Page("/", show_home, Needs.LOGIN),
    Page("/organizations", show_organizations, Needs.LOGIN),
    Page("/organizations", create_organization, Needs.LOGIN, "POST"),
    Page("/orgs/{organization}", show_organization, Needs.VIEWER),
)
