"""The first owner, who is made by a link: one call for each SQL function."""

from ._call import fetch_value
from .driver import Connection


async def create_owner_link(conn: Connection) -> str | None:
    """A secret by which the first owner is made, for a day; ``None``: there is one."""
    secret: str | None = await fetch_value(conn, "select perdure.create_owner_link()", [])
    return secret


async def get_owner_link(conn: Connection, secret: str) -> bool | None:
    """Whether a first organization has to be named with it; ``None``: the link was used or has expired."""
    found: bool | None = await fetch_value(conn, "select perdure.get_owner_link(%s)", [secret])
    return found


async def create_owner(
    conn: Connection, secret: str, *, email: str, name: str, password_hash: str, organization: str
) -> str:
    """Make the first owner; returns the user's id.

    Args:
        conn: as ``perdure_server``.
        secret: of the link.
        email: what they log in with.
        name: shown to others.
        password_hash: by argon2id.
        organization: slug of the first one; not read where there are some.
    Raises:
        NotFound: the link was used or has expired.
        InvalidArgument: something is malformed.
    """
    user_id: str = await fetch_value(
        conn,
        "select perdure.create_owner(%s, %s, %s, %s, %s)",
        [secret, email, name, password_hash, organization],
    )
    return user_id
