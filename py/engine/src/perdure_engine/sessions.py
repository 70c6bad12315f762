"""Where people are logged in: one call for each SQL function."""

from dataclasses import dataclass
from datetime import datetime

from ._call import fetch_rows, fetch_value
from .driver import Connection


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who is logged in."""

    id: str
    email: str
    name: str
    is_first_owner: bool
    """Owns every organization, and makes them."""


@dataclass(frozen=True, slots=True)
class Session:
    """Where somebody is logged in."""

    id: str
    created_at: datetime
    last_seen_at: datetime
    address: str | None
    """Where the login came from; ``None``: not known."""
    user_agent: str | None
    is_current: bool
    """It is the one that asks."""


async def open_session(
    conn: Connection,
    user_id: str,
    old_token: str | None,
    *,
    address: str | None = None,
    user_agent: str | None = None,
) -> str:
    """Log in somebody who has shown who they are; returns the token.

    Args:
        conn: as ``perdure_server``.
        user_id: who.
        old_token: of the session that the browser had, which ends.
        address: where the request came from.
        user_agent: what the browser says of itself.
    Raises:
        NotFound: there is no such user, or they are disabled.
    """
    token: str = await fetch_value(
        conn, "select perdure.open_session(%s, %s, %s, %s)", [user_id, old_token, address, user_agent]
    )
    return token


async def touch_session(conn: Connection, token: str) -> User | None:
    """Whose session it is; ``None``: it has ended."""
    rows = await fetch_rows(
        conn, User, "select user_id, email, name, is_first_owner from perdure.touch_session(%s)", [token]
    )
    return rows[0] if rows else None


async def close_session(conn: Connection, token: str) -> None:
    """Log out."""
    await fetch_value(conn, "select perdure.close_session(%s)", [token])


async def list_sessions(conn: Connection, user_id: str, token: str) -> list[Session]:
    """Where somebody is logged in, the one that was used last first; ``token`` is of the one that asks."""
    return await fetch_rows(
        conn,
        Session,
        "select id, created_at, last_seen_at, address, user_agent, is_current"
        " from perdure.list_sessions(%s, %s)",
        [user_id, token],
    )


async def end_session(conn: Connection, user_id: str, session_id: str) -> bool:
    """Log somebody out in one place; ``False``: they have no such session."""
    ended: bool = await fetch_value(conn, "select perdure.end_session(%s, %s)", [user_id, session_id])
    return ended


async def end_other_sessions(conn: Connection, user_id: str, token: str) -> None:
    """Log somebody out everywhere but in the session of ``token``."""
    await fetch_value(conn, "select perdure.end_other_sessions(%s, %s)", [user_id, token])
