"""People, organizations and the audit log: one call for each SQL function of the dashboard's concept."""

from dataclasses import dataclass
from datetime import datetime

from ._call import fetch_rows, fetch_value
from .adapters import Json
from .pool import Connection


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """What a password is checked against."""

    user_id: str | None
    password_hash: str | None
    """``None``: there is no such account, or it is disabled."""
    retry_after_s: int | None
    """Not ``None``: too many have failed; the password must not be looked at."""


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


@dataclass(frozen=True, slots=True)
class PasswordReset:
    """Whose password a link sets."""

    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Organization:
    """Where somebody belongs."""

    id: str
    slug: str
    title: str
    role: str
    """``owner``, ``admin``, ``member`` or ``viewer``."""


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


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change that somebody made."""

    id: str
    recorded_at: datetime
    user_email: str
    action: str
    object: str
    before: bytes | None
    after: bytes | None
    project: str | None
    environment: str | None


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


async def create_organization(conn: Connection, user_id: str, *, slug: str, title: str) -> None:
    """Make another organization.

    Raises:
        WrongState: the user is not the first owner.
        KeyConflict: there is one of this slug.
        InvalidArgument: the slug or the title is malformed.
    """
    await fetch_value(conn, "select perdure.create_organization(%s, %s, %s)", [user_id, slug, title])


async def begin_login(conn: Connection, email: str, address: str) -> LoginAttempt:
    """Count an attempt to log in from an address, and give what its password is checked against."""
    rows = await fetch_rows(
        conn,
        LoginAttempt,
        "select user_id, password_hash, retry_after_s from perdure.begin_login(%s, %s)",
        [email, address],
    )
    return rows[0]


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


async def change_password(conn: Connection, user_id: str, password_hash: str, token: str) -> None:
    """Give an account another password; every session of it ends but the one of ``token``."""
    await fetch_value(conn, "select perdure.change_password(%s, %s, %s)", [user_id, password_hash, token])


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


async def has_password(conn: Connection, user_id: str) -> bool:
    """Whether somebody can log in with a password."""
    has: bool = await fetch_value(conn, "select perdure.has_password(%s)", [user_id])
    return has


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


async def list_members(conn: Connection, organization_id: str) -> list[Member]:
    """Who belongs to an organization."""
    return await fetch_rows(
        conn,
        Member,
        "select user_id, email, name, role, is_first_owner, is_disabled, created_at"
        " from perdure.list_members(%s)",
        [organization_id],
    )


async def list_invitations(conn: Connection, organization_id: str) -> list[Invitation]:
    """The invitations that can be accepted, newest first."""
    return await fetch_rows(
        conn,
        Invitation,
        "select id, email, role, invited_by, created_at, expires_at from perdure.list_invitations(%s)",
        [organization_id],
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


async def revoke_invitation(
    conn: Connection, actor_id: str, organization_id: str, invitation_id: str
) -> None:
    """Take an invitation back; one that is closed stays closed."""
    await fetch_value(
        conn, "select perdure.revoke_invitation(%s, %s, %s)", [actor_id, organization_id, invitation_id]
    )


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


async def audit(
    conn: Connection,
    user_id: str,
    organization_id: str,
    action: str,
    object: str,
    *,
    before: bytes | None = None,
    after: bytes | None = None,
    environment_id: str | None = None,
) -> None:
    """Write down a change that somebody made, in the transaction of the change.

    Args:
        conn: in the transaction.
        user_id: who made it.
        organization_id: where.
        action: such as ``run.cancel``.
        object: which one, for people.
        before: what of it changed, as JSON; ``None``: it was not there.
        after: as it is since; ``None``: it is gone.
        environment_id: where it is; ``None``: it concerns the organization.
    """
    await fetch_value(
        conn,
        "select perdure.audit(%s, %s, %s, %s, %s::jsonb, %s::jsonb, %s)",
        [
            user_id,
            organization_id,
            action,
            object,
            None if before is None else Json(before),
            None if after is None else Json(after),
            environment_id,
        ],
    )


async def list_audit_log(
    conn: Connection, organization_id: str, *, before_id: str | None = None, limit: int = 50
) -> list[AuditEntry]:
    """What was changed in an organization, newest first.

    Args:
        conn: as ``perdure_server``.
        organization_id: where.
        before_id: go on below this entry; ``None``: from the newest.
        limit: most entries, 1 to 1000.
    """
    return await fetch_rows(
        conn,
        AuditEntry,
        "select id, recorded_at, user_email, action, object, before, after, project, environment"
        " from perdure.list_audit_log(%s, %s, %s)",
        [organization_id, before_id, limit],
    )
