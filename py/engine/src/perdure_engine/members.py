"""Members of organizations, and invitations to become one: one call for each SQL function."""

from dataclasses import dataclass
from datetime import datetime

from ._call import fetch_rows, fetch_value
from .driver import Connection


@dataclass(frozen=True, slots=True)
class Member:
    """Who belongs to an organization."""

    user_id: str
    email: str
    name: str
    role: str
    is_first_owner: bool
    """The role is for good."""
    is_disabled: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that can be accepted."""

    id: str
    email: str
    role: str
    invited_by: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Offer:
    """What the link of an invitation offers."""

    organization: str
    email: str
    role: str
    invited_by: str
    has_account: bool
    """The email has one: its owner logs in instead of making another."""


async def list_members(conn: Connection, organization_id: str) -> list[Member]:
    """Who belongs to an organization."""
    return await fetch_rows(
        conn,
        Member,
        "select user_id, email, name, role, is_first_owner, is_disabled, created_at"
        " from perdure.list_members(%s)",
        [organization_id],
    )


async def change_member_role(
    conn: Connection, actor_id: str, organization_id: str, user_id: str, role: str
) -> None:
    """Give a member another role.

    Raises:
        NotFound: there is no such member.
        WrongState: the actor may not, or it is the first owner.
        InvalidArgument: an unknown role.
    """
    await fetch_value(
        conn,
        "select perdure.change_member_role(%s, %s, %s, %s)",
        [actor_id, organization_id, user_id, role],
    )


async def remove_member(conn: Connection, actor_id: str, organization_id: str, user_id: str) -> None:
    """End a membership, one's own included.

    Raises:
        NotFound: there is no such member.
        WrongState: the actor may not, or it is the first owner.
    """
    await fetch_value(conn, "select perdure.remove_member(%s, %s, %s)", [actor_id, organization_id, user_id])


async def invite_member(
    conn: Connection, actor_id: str, organization_id: str, *, email: str, role: str
) -> str:
    """Make the link by which somebody becomes a member; returns its secret, for the only time.

    Raises:
        WrongState: the actor may not.
        KeyConflict: they are a member.
        InvalidArgument: a malformed email, an unknown role.
    """
    secret: str = await fetch_value(
        conn, "select perdure.invite_member(%s, %s, %s, %s)", [actor_id, organization_id, email, role]
    )
    return secret


async def list_invitations(conn: Connection, organization_id: str) -> list[Invitation]:
    """The invitations that can be accepted, newest first."""
    return await fetch_rows(
        conn,
        Invitation,
        "select id, email, role, invited_by, created_at, expires_at from perdure.list_invitations(%s)",
        [organization_id],
    )


async def revoke_invitation(
    conn: Connection, actor_id: str, organization_id: str, invitation_id: str
) -> None:
    """Take an invitation back; one that is closed stays closed."""
    await fetch_value(
        conn, "select perdure.revoke_invitation(%s, %s, %s)", [actor_id, organization_id, invitation_id]
    )


async def get_invitation(conn: Connection, secret: str) -> Offer | None:
    """What the link of an invitation offers; ``None``: it was used, taken back, or has expired."""
    rows = await fetch_rows(
        conn,
        Offer,
        "select organization, email, role, invited_by, has_account from perdure.get_invitation(%s)",
        [secret],
    )
    return rows[0] if rows else None


async def accept_invitation(
    conn: Connection,
    secret: str,
    *,
    user_id: str | None = None,
    name: str | None = None,
    password_hash: str | None = None,
) -> str:
    """Become a member, with the account of ``user_id`` or with a new one; returns the user's id.

    Raises:
        NotFound: the invitation was used, taken back, or has expired.
        WrongState: it is for another email than the user's.
        KeyConflict: its email has an account: log in first.
        InvalidArgument: the name is malformed.
    """
    accepted: str = await fetch_value(
        conn, "select perdure.accept_invitation(%s, %s, %s, %s)", [secret, user_id, name, password_hash]
    )
    return accepted
