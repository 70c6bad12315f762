"""Ways to log in, by a password and by an OpenID provider: one call for each SQL function."""

from dataclasses import dataclass

from ._call import fetch_rows, fetch_value
from .driver import Connection


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """What a password is checked against."""

    user_id: str | None
    password_hash: str | None
    """``None``: there is no such account, or it is disabled."""
    retry_after_s: int | None
    """Not ``None``: too many have failed; the password must not be looked at."""


async def begin_login(conn: Connection, email: str, address: str) -> LoginAttempt:
    """Count an attempt to log in from an address, and give what its password is checked against."""
    rows = await fetch_rows(
        conn,
        LoginAttempt,
        "select user_id, password_hash, retry_after_s from perdure.begin_login(%s, %s)",
        [email, address],
    )
    return rows[0]


async def has_password(conn: Connection, user_id: str) -> bool:
    """Whether somebody can log in with a password."""
    has: bool = await fetch_value(conn, "select perdure.has_password(%s)", [user_id])
    return has


async def change_password(conn: Connection, user_id: str, password_hash: str, token: str) -> None:
    """Give an account another password; every session of it ends but the one of ``token``."""
    await fetch_value(conn, "select perdure.change_password(%s, %s, %s)", [user_id, password_hash, token])


async def begin_oidc_login(conn: Connection, wanted: str) -> str:
    """A secret for a browser that is sent to an OpenID provider; ``wanted`` is the page to go on to."""
    secret: str = await fetch_value(conn, "select perdure.begin_oidc_login(%s)", [wanted])
    return secret


async def take_oidc_login(conn: Connection, secret: str) -> str | None:
    """The page to go on to, once; ``None``: the login was not begun, was taken, or has expired."""
    wanted: str | None = await fetch_value(conn, "select perdure.take_oidc_login(%s)", [secret])
    return wanted


async def log_in_identity(
    conn: Connection,
    *,
    issuer: str,
    subject: str,
    email: str,
    name: str,
    organization: str | None = None,
    role: str | None = None,
) -> str:
    """Whose account it is that an OpenID provider vouches for; returns the user's id.

    Args:
        conn: as ``perdure_server``.
        issuer: the provider.
        subject: its own id of the person.
        email: verified by the provider.
        name: of a new account.
        organization: slug of the one that new people join; ``None``: they need an invitation.
        role: in which they join it.
    Raises:
        NotFound: there is no such account and no invitation.
        WrongState: the account is disabled.
        KeyConflict: another identity of the provider has the account.
        InvalidArgument: the email is malformed.
    """
    user_id: str = await fetch_value(
        conn,
        "select perdure.log_in_identity(%s, %s, %s, %s, %s, %s)",
        [issuer, subject, email, name, organization, role],
    )
    return user_id
