"""Projects, environments, API keys and settings: one call for each SQL function of the concept."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ._call import fetch_rows, fetch_value
from .driver import Connection, Database, Statement


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom an API key belongs to."""

    environment_id: str
    kind: str
    """``SECRET`` or ``PUBLIC``, or ``RUN``: a token for one run."""
    environment_slug: str
    environment_type: str
    project_slug: str
    organization_slug: str
    api_key_id: str
    run_id: str | None = None
    """The one run that a token opens."""
    works_for_s: float | None = None
    """Seconds from the look-up until the key expires; ``None``: it does not."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of an environment, as people see it."""

    id: str
    kind: str
    """``SECRET`` or ``PUBLIC``."""
    hint: str
    """How it begins."""
    created_at: datetime
    created_by: str | None
    expires_at: datetime | None
    """Not ``None``: it was rotated."""
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class EnvironmentSettings:
    """What is set for an environment."""

    schedules_enabled: bool
    max_executions: int | None
    """Of one run; ``None``: any number."""
    max_duration_ms: int | None


_AUTHENTICATE = Statement(
    "authenticate",
    "select environment_id, kind, environment_slug, environment_type, project_slug, organization_slug,"
    " api_key_id, null, works_for_s from perdure.authenticate($1)",
    Caller,
)


async def authenticate(db: Database, key: str) -> Caller | None:
    """Whose key it is; ``None`` when it is unknown or revoked."""
    rows = await db.call(_AUTHENTICATE, key)
    return rows[0] if rows else None


async def describe_environment(conn: Connection, environment_id: str) -> bytes:
    """The environment with its project and organization, as JSON.

    Raises:
        NotFound: there is no such environment.
    """
    description: bytes = await fetch_value(conn, "select perdure.describe_environment(%s)", [environment_id])
    return description


async def get_signing_secrets(conn: Connection, environment_id: str) -> list[bytes]:
    """The signing secret of each active key of the environment, 32 bytes each."""
    secrets: list[bytes] = await fetch_value(conn, "select perdure.get_signing_secrets(%s)", [environment_id])
    return secrets


async def create_project(conn: Connection, organization: str, project: str, name: str | None = None) -> str:
    """Make a project with its four environments, or find it; returns its id. For the owner."""
    project_id: str = await fetch_value(
        conn, "select perdure.create_project(%s, %s, %s)", [organization, project, name]
    )
    return project_id


async def get_environment(conn: Connection, project: str, slug: str) -> str:
    """The id of an environment by its project's slug and its own (``dev``, ``stg``, ``prod``, ``prev``).

    Raises:
        NotFound: there is no such environment.
    """
    environment_id: str = await fetch_value(conn, "select perdure.get_environment(%s, %s)", [project, slug])
    return environment_id


async def create_api_key(
    conn: Connection,
    environment_id: str,
    kind: str = "SECRET",
    key: str | None = None,
    created_by: str | None = None,
) -> str:
    """Make an API key and return it in clear, for the only time. For the owner and the server.

    Args:
        conn: a connection of one of them.
        environment_id: what the key opens.
        kind: ``SECRET`` or ``PUBLIC``.
        key: this key instead of a new one; a key that is there already stays as it is.
        created_by: who makes it, for people.
    """
    clear: str = await fetch_value(
        conn, "select perdure.create_api_key(%s, %s, %s, %s)", [environment_id, kind, key, created_by]
    )
    return clear


async def list_api_keys(conn: Connection, environment_id: str) -> list[ApiKey]:
    """The keys of an environment that were not revoked, and the 20 last ones that were; newest first."""
    return await fetch_rows(
        conn,
        ApiKey,
        "select id, kind, hint, created_at, created_by, expires_at, revoked_at from ("
        " (select k.* from perdure_views.api_keys as k where k.environment_id = %s and k.revoked_at is null)"
        " union all (select k.* from perdure_views.api_keys as k"
        " where k.environment_id = %s and k.revoked_at is not null order by k.revoked_at desc limit 20)"
        ") as k order by id desc",
        [environment_id, environment_id],
    )


async def rotate_api_key(
    conn: Connection, environment_id: str, api_key_id: str, *, overlap: timedelta, created_by: str | None
) -> str:
    """Make a key in the place of another, which works on for a while; returns the new one, in clear.

    Args:
        conn: as the owner or the server.
        environment_id: whose key it is.
        api_key_id: of the old key.
        overlap: how long the old key works on; zero: not at all.
        created_by: who makes it, for people.

    Raises:
        NotFound: the environment has no such key.
        WrongState: it was revoked or rotated before.
    """
    clear: str = await fetch_value(
        conn,
        "select perdure.rotate_api_key(%s, %s, %s, %s)",
        [environment_id, api_key_id, overlap, created_by],
    )
    return clear


async def end_api_key(conn: Connection, environment_id: str, api_key_id: str) -> bool:
    """Refuse a key from now on; ``False`` when it was revoked before.

    Raises:
        NotFound: the environment has no such key.
    """
    ended: bool = await fetch_value(conn, "select perdure.end_api_key(%s, %s)", [environment_id, api_key_id])
    return ended


async def create_environment(conn: Connection, organization: str, project: str, slug: str) -> str:
    """Make another preview environment of a project; returns its id.

    Raises:
        NotFound: the organization has no such project.
        KeyConflict: the slug is that of an environment of another type.
    """
    environment_id: str = await fetch_value(
        conn, "select perdure.create_environment(%s, %s, %s)", [organization, project, slug]
    )
    return environment_id


async def get_environment_settings(conn: Connection, environment_id: str) -> EnvironmentSettings:
    """What is set for an environment."""
    rows = await fetch_rows(
        conn,
        EnvironmentSettings,
        "select schedules_enabled, max_executions, max_duration_ms"
        " from perdure_views.environments where id = %s",
        [environment_id],
    )
    return rows[0]


async def set_run_limits(
    conn: Connection, environment_id: str, *, max_executions: int | None, max_duration_ms: int | None
) -> None:
    """Limit how long runs may go on, by executions and by the time of all of them; ``None``: no limit.

    Raises:
        InvalidArgument: less than 1.
    """
    await fetch_value(
        conn, "select perdure.set_run_limits(%s, %s, %s)", [environment_id, max_executions, max_duration_ms]
    )


async def keep_sealed_key(conn: Connection, api_key_id: str, sealed: str) -> None:
    """Keep a secret key that was sealed (``perdure_engine.sealing``), for what needs it in clear.

    Raises:
        NotFound: there is no such secret key in force.
    """
    await fetch_value(conn, "select perdure.keep_sealed_key(%s, %s)", [api_key_id, sealed])


async def revoke_api_key(conn: Connection, key: str) -> bool:
    """Refuse a key from now on; ``False`` when there is no such active key. For the owner."""
    revoked: bool = await fetch_value(conn, "select perdure.revoke_api_key(%s)", [key])
    return revoked


async def set_schedules_enabled(conn: Connection, environment_id: str, enabled: bool) -> int:
    """Let the schedules of an environment fire, or not; returns how many it has. For the owner.

    Raises:
        NotFound: there is no such environment.
    """
    count: int = await fetch_value(
        conn, "select perdure.set_schedules_enabled(%s, %s)", [environment_id, enabled]
    )
    return count


async def set_setting(conn: Connection, name: str, value: str) -> None:
    """Change a setting of the installation, such as ``public_url``. For the owner and the server."""
    await fetch_value(conn, "select perdure.set_setting(%s, %s)", [name, value])
