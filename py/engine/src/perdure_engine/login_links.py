"""Links that log the first owner in: one call for each SQL function."""

from dataclasses import dataclass

from ._call import fetch_rows, fetch_value
from .pool import Connection


@dataclass(frozen=True, slots=True)
class Entry:
    """Whose session a link opens, and which page it leads to."""

    user_id: str
    path: str


async def create_login_link(conn: Connection, path: str) -> str:
    """The secret of a link that logs the first owner in, once, within a quarter of an hour.

    Args:
        conn: as ``perdure_owner``.
        path: the page that it leads to.
    Raises:
        WrongState: there is no owner yet, or they are disabled.
        InvalidArgument: it is no path.
    """
    secret: str = await fetch_value(conn, "select perdure.create_login_link(%s)", [path])
    return secret


async def take_login_link(conn: Connection, secret: str) -> Entry | None:
    """Use a link up; ``None``: it was used or has expired, or the owner is disabled."""
    rows = await fetch_rows(conn, Entry, "select user_id, path from perdure.take_login_link(%s)", [secret])
    return rows[0] if rows else None
