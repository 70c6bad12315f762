"""What the migrator needs to know of a database, read before anything is decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, LiteralString

import psycopg
from psycopg import sql

from perdure_engine.errors import MigrationRefused

OWNER: Literal["perdure_owner"] = "perdure_owner"
ROLES = (OWNER, "perdure_server", "perdure_app", "perdure_dispatcher", "perdure_readonly")
"""The roles of ours: the owner of everything, and those that programs and people act as."""
SCHEMAS = ("perdure_views", "perdure")
READY_QUEUE = "perdure_ready_runs"
CONNECTED_QUEUE = "perdure_connected_runs"
QUEUES = (READY_QUEUE, CONNECTED_QUEUE)
"""Of runs that may be executed now: by dispatchers, and by apps that are connected."""
BUNDLED_PGMQ_COMMENT = "Installed by Perdure from the SQL of pgmq"
"""Begins the comment on schema pgmq when we installed it, so that an uninstall may remove it again."""

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Login:
    """Who migrates, and what this role may do."""

    name: str
    superuser: bool
    createrole: bool
    may_create: bool
    """Schemas and trusted extensions, in this database."""
    may_grant_create: bool
    settable: frozenset[str]
    """Those of our roles that it can act as."""
    grantable: frozenset[str]
    """Those of our roles that it may grant."""


@dataclass(frozen=True, slots=True)
class PgmqState:
    """Whether pgmq is there, whether we may use it, and how it could get there."""

    present: bool
    """There is a schema pgmq."""
    complete: bool
    """It holds pgmq's functions."""
    usable: bool
    """The login may make queues."""
    comment: str
    """On the schema."""
    queues: frozenset[str]
    """Those of our queues that exist."""
    granted_queues: frozenset[str]
    """Those of them that perdure_owner has its rights on."""
    installable: bool
    """The server offers the extension, and the login may create it."""


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """Everything that the plan depends on."""

    database: str
    version: int
    """``server_version_num``."""
    login: Login
    roles: frozenset[str]
    """Those of our roles that exist."""
    schemas: frozenset[str]
    """Those of our schemas that exist."""
    server_is_app: bool
    """perdure_server is a member of perdure_app."""
    owner_may_create: bool
    """perdure_owner may create schemas."""
    pgmq: PgmqState
    has_ledger: bool
    applied: dict[int, tuple[str, str]]
    """The ledger: name and checksum by number."""
    functions_checksum: str | None


def read_state(conn: Connection) -> DatabaseState:
    """Read all of it; changes nothing.

    Raises:
        MigrationRefused: there is a ledger, and the login may not read it.
    """
    version, database, server_is_app = _row(conn, _SERVER)
    roles = frozenset(name for (name,) in conn.execute(_OUR_ROLES, [list(ROLES)]))
    login = _read_login(conn, version, sorted(roles))
    owner = OWNER if OWNER in roles else None
    (owner_may_create,) = _row(conn, _OWNER_MAY_CREATE, [owner])
    has_ledger = bool(_value(conn, _HAS_LEDGER))
    applied: dict[int, tuple[str, str]] = {}
    functions_checksum = None
    if has_ledger:
        if owner not in login.settable:
            raise MigrationRefused(
                f"the login {login.name} cannot act as {OWNER}, to whom everything in this database belongs: "
                f"migrate as another login, or have an administrator run: grant {OWNER} to "
                f"{sql.Identifier(login.name).as_string()};"
            )
        applied, functions_checksum = _read_ledger(conn)
    return DatabaseState(
        database=database,
        version=version,
        login=login,
        roles=roles,
        schemas=frozenset(name for (name,) in conn.execute(_OUR_SCHEMAS, [list(SCHEMAS)])),
        server_is_app=server_is_app,
        owner_may_create=bool(owner_may_create),
        pgmq=_read_pgmq(conn, owner),
        has_ledger=has_ledger,
        applied=applied,
        functions_checksum=functions_checksum,
    )


def _read_login(conn: Connection, version: int, roles: Sequence[str]) -> Login:
    name, superuser, createrole, may_create, may_grant_create = _row(conn, _LOGIN)
    # Since 16 a membership may exclude SET ROLE, and CREATEROLE alone no longer lets a role grant others.
    how = "set" if version >= 160000 else "member"
    may_grant_all = superuser or (createrole and version < 160000)
    settable = conn.execute(_HELD_ROLES, [list(roles), how]).fetchall()
    grantable = conn.execute(_HELD_ROLES, [list(roles), "member with admin option"]).fetchall()
    return Login(
        name=name,
        superuser=superuser,
        createrole=createrole,
        may_create=may_create,
        may_grant_create=may_grant_create,
        settable=frozenset(role for (role,) in settable),
        grantable=frozenset(roles) if may_grant_all else frozenset(role for (role,) in grantable),
    )


def _read_pgmq(conn: Connection, owner: str | None) -> PgmqState:
    present, complete, usable, comment, installable = _row(conn, _PGMQ)
    queues = conn.execute(_QUEUES, {"owner": owner, "queues": list(QUEUES)}).fetchall()
    return PgmqState(
        present=present,
        complete=complete,
        usable=usable,
        comment=comment,
        queues=frozenset(queue for queue, _ in queues),
        granted_queues=frozenset(queue for queue, granted in queues if granted),
        installable=installable,
    )


def _read_ledger(conn: Connection) -> tuple[dict[int, tuple[str, str]], str | None]:
    with conn.transaction():
        conn.execute(f"set local role {OWNER}")
        applied = {number: (name, checksum) for number, name, checksum in conn.execute(_MIGRATIONS)}
        newest = conn.execute(_FUNCTION_SET).fetchone()
    return applied, newest[0] if newest else None


def _row(conn: Connection, query: LiteralString, parameters: Any = None) -> tuple[Any, ...]:
    row = conn.execute(query, parameters).fetchone()
    assert row is not None  # noqa: S101  # each of these queries has exactly one row
    return row


def _value(conn: Connection, query: LiteralString, parameters: Any = None) -> Any:
    return _row(conn, query, parameters)[0]


_SERVER = """
select
    current_setting('server_version_num')::integer,
    current_database(),
    exists (
        select from pg_auth_members as m
        inner join pg_roles as r on r.oid = m.roleid and r.rolname = 'perdure_app'
        inner join pg_roles as s on s.oid = m.member and s.rolname = 'perdure_server'
    )
"""
_OUR_ROLES = "select rolname from pg_roles where rolname = any(%s)"
_OUR_SCHEMAS = "select nspname from pg_namespace where nspname = any(%s)"
_LOGIN = """
select
    rolname, rolsuper, rolcreaterole,
    has_database_privilege(current_database(), 'create'),
    has_database_privilege(current_database(), 'create with grant option')
from pg_roles where rolname = current_user
"""
_HELD_ROLES = """
select rolname from pg_roles where rolname = any(%s) and pg_has_role(oid, %s)
"""
_OWNER_MAY_CREATE = "select has_database_privilege(%s::name, current_database(), 'create')"
_HAS_LEDGER = """
select exists (
    select from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'perdure' and c.relname = 'migrations' and c.relkind = 'r'
)
"""
_MIGRATIONS = "select number, name, checksum from perdure.migrations"
_FUNCTION_SET = "select checksum from perdure.function_sets order by id desc limit 1"
_PGMQ = """
select
    n.oid is not null,
    exists (select from pg_proc as p where p.pronamespace = n.oid and p.proname = 'create'),
    n.oid is not null
    and has_schema_privilege(n.oid, 'usage') and has_schema_privilege(n.oid, 'create')
    and coalesce(
        (
            select has_table_privilege(c.oid, 'insert') from pg_class as c
            where c.relnamespace = n.oid and c.relname = 'meta'
        ),
        false
    ),
    coalesce(obj_description(n.oid, 'pg_namespace'), ''),
    exists (
        select from pg_available_extensions as e
        inner join pg_available_extension_versions as v on v.name = e.name and v.version = e.default_version
        inner join pg_roles as r on r.rolname = current_user
        where
            e.name = 'pgmq'
            and (
                r.rolsuper
                or ((v.trusted or not v.superuser) and has_database_privilege(current_database(), 'create'))
            )
    )
from (values (1)) as one
left join pg_namespace as n on n.nspname = 'pgmq'
"""
_QUEUES = """
select
    q.name,
    coalesce(
        has_schema_privilege(%(owner)s, n.oid, 'usage')
        and bool_and(has_table_privilege(%(owner)s, c.oid, right_name)),
        false
    )
from unnest(%(queues)s::text[]) as q (name)
inner join pg_namespace as n on n.nspname = 'pgmq'
inner join pg_class as c on c.relnamespace = n.oid and c.relname in ('q_' || q.name, 'a_' || q.name)
cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate']) as right_name
group by q.name, n.oid
"""
