"""Tokens for one run: one call for each SQL function of the concept. JSON is in wire shape."""

from dataclasses import dataclass
from datetime import timedelta

from ._call import fetch_rows, fetch_value
from .driver import Connection


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """What a token for one run opens."""

    environment_id: str
    run_id: str
    environment_slug: str
    environment_type: str
    project_slug: str
    organization_slug: str


async def create_run_token(conn: Connection, environment_id: str, run_id: str, lifetime: timedelta) -> bytes:
    """Make a token by which one run is read; ``{token, expiresAt}``, the token for the only time.

    Raises:
        NotFound: the environment has no such run.
        InvalidArgument: the lifetime is not from 1 second to 30 days.
    """
    token: bytes = await fetch_value(
        conn, "select perdure.create_run_token(%s, %s, %s)", [environment_id, run_id, lifetime]
    )
    return token


async def authenticate_run_token(conn: Connection, token: str) -> TokenHolder | None:
    """What a token opens; ``None`` when it is unknown or has expired."""
    rows = await fetch_rows(
        conn,
        TokenHolder,
        "select environment_id, run_id, environment_slug, environment_type, project_slug, organization_slug"
        " from perdure.authenticate_run_token(%s)",
        [token],
    )
    return rows[0] if rows else None
