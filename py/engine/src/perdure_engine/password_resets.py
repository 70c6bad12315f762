"""Links by which people choose a password: one call for each SQL function."""

from dataclasses import dataclass

from ._call import fetch_rows, fetch_value
from .driver import Connection


@dataclass(frozen=True, slots=True)
class PasswordReset:
    """Whose password a link sets."""

    email: str
    name: str


async def create_password_reset(conn: Connection, actor_id: str, organization_id: str, user_id: str) -> str:
    """Make the link by which a member chooses a password; returns its secret, for the only time.

    Raises:
        NotFound: there is no such member.
        WrongState: the actor may not, or the member is the actor, the first owner, or disabled.
    """
    secret: str = await fetch_value(
        conn, "select perdure.create_password_reset(%s, %s, %s)", [actor_id, organization_id, user_id]
    )
    return secret


async def issue_password_reset(conn: Connection, email: str) -> str:
    """Make the link by which anybody chooses a password; as the owner of the database's functions.

    Raises:
        NotFound: nobody has this email.
        WrongState: they are disabled.
    """
    secret: str = await fetch_value(conn, "select perdure.issue_password_reset(%s)", [email])
    return secret


async def get_password_reset(conn: Connection, secret: str) -> PasswordReset | None:
    """Whose password a link sets; ``None``: it was used or replaced, or has expired."""
    rows = await fetch_rows(
        conn, PasswordReset, "select email, name from perdure.get_password_reset(%s)", [secret]
    )
    return rows[0] if rows else None


async def reset_password(conn: Connection, secret: str, password_hash: str) -> str:
    """Choose a password by a link, which is used up; returns the user's id. Their sessions end.

    Raises:
        NotFound: the link was used or replaced, or has expired.
    """
    user_id: str = await fetch_value(conn, "select perdure.reset_password(%s, %s)", [secret, password_hash])
    return user_id
