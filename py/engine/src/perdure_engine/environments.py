"""Projects, environments, API keys and settings: one call for each SQL function of the concept."""

from dataclasses import dataclass

from ._call import fetch_value
from .driver import Connection, Database, Statement


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom an API key belongs to."""

    environment_id: str
    kind: str
    """``SECRET`` or ``PUBLIC``."""
    environment_slug: str
    environment_type: str
    project_slug: str
    organization_slug: str
    api_key_id: str


_AUTHENTICATE = Statement(
    "authenticate",
    "select environment_id, kind, environment_slug, environment_type, project_slug, organization_slug,"
    " api_key_id from perdure.authenticate($1)",
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
    conn: Connection, environment_id: str, kind: str = "SECRET", key: str | None = None
) -> str:
    """Make an API key and return it in clear, for the only time. For the owner.

    Args:
        conn: a connection of the owner.
        environment_id: what the key opens.
        kind: ``SECRET`` or ``PUBLIC``.
        key: this key instead of a new one; a key that is there already stays as it is.
    """
    clear: str = await fetch_value(
        conn, "select perdure.create_api_key(%s, %s, %s)", [environment_id, kind, key]
    )
    return clear


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
