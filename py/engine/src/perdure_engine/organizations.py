"""Organizations and their environments: one call for each SQL function, and what the views show."""

from dataclasses import dataclass

from ._call import fetch_rows, fetch_value
from .driver import Connection


@dataclass(frozen=True, slots=True)
class Organization:
    """Where somebody belongs."""

    id: str
    slug: str
    title: str
    role: str
    """``owner``, ``admin``, ``member`` or ``viewer``."""


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment of an organization."""

    id: str
    project: str
    slug: str
    type: str


@dataclass(frozen=True, slots=True)
class EnvironmentSummary:
    """An environment of an organization, in short."""

    id: str
    project: str
    slug: str
    type: str
    endpoints: int
    failed_endpoints: int
    """Whose last reading failed."""
    jobs: int


async def create_organization(conn: Connection, user_id: str, *, slug: str, title: str) -> None:
    """Make another organization.

    Raises:
        WrongState: the user is not the first owner.
        KeyConflict: there is one of this slug.
        InvalidArgument: the slug or the title is malformed.
    """
    await fetch_value(conn, "select perdure.create_organization(%s, %s, %s)", [user_id, slug, title])


async def list_organizations(conn: Connection, user_id: str) -> list[Organization]:
    """Where somebody belongs."""
    return await fetch_rows(
        conn,
        Organization,
        "select id, slug, title, role from perdure.list_organizations(%s)",
        [user_id],
    )


async def list_environments(conn: Connection, organization: str) -> list[EnvironmentSummary]:
    """All environments of an organization by project, in the order in which code travels through them.

    Args:
        conn: as a role that reads the views.
        organization: its slug.
    """
    return await fetch_rows(
        conn,
        EnvironmentSummary,
        """
        select
            e.id, e.project, e.slug, e.type, coalesce(p.total, 0), coalesce(p.failed, 0),
            (select count(*) from perdure_views.jobs as j where j.environment_id = e.id and not j.internal)
        from perdure_views.environments as e
        left join lateral (
            select count(*) as total, count(*) filter (where p.index_status = 'FAILURE') as failed
            from perdure_views.endpoints as p
            where p.environment_id = e.id
        ) as p on true
        where e.organization = %s
        order by e.project, array_position('{DEVELOPMENT,PREVIEW,STAGING,PRODUCTION}', e.type), e.slug
        """,
        [organization],
    )


async def list_places(conn: Connection, organization: str) -> list[Environment]:
    """All environments of an organization, by project, in the order in which code travels through them.

    Args:
        conn: as a role that reads the views.
        organization: its slug.
    """
    return await fetch_rows(
        conn,
        Environment,
        """
        select e.id, e.project, e.slug, e.type
        from perdure_views.environments as e
        where e.organization = %s
        order by e.project, array_position('{DEVELOPMENT,PREVIEW,STAGING,PRODUCTION}', e.type), e.slug
        """,
        [organization],
    )
