"""The roles of ours: make them, and check that the login may do what a migration needs."""

from psycopg import sql

from perdure_engine.errors import MigrationRefused

from .state import OWNER, ROLES, DatabaseState
from .step import Statement, Step

_MEMBERSHIP = "grant perdure_app to perdure_server"


def check_rights(state: DatabaseState, *, needs_create: bool) -> None:
    """Refuse when the login cannot carry out the plan.

    Args:
        state: of the database.
        needs_create: a pending migration makes a schema.
    Raises:
        MigrationRefused: with the statements that an administrator must run first.
    """
    login = state.login
    missing = [role for role in ROLES if role not in state.roles]
    lacks: list[str] = []
    statements: list[str] = []
    if missing and not login.createrole and not login.superuser:
        lacks.append(f"to create the roles {', '.join(missing)}")
        statements += [f"create role {role} nologin" for role in missing]
        if not state.server_is_app:
            statements.append(_MEMBERSHIP)
    if OWNER not in login.settable | login.grantable and (OWNER in state.roles or statements):
        lacks.append(f"to act as {OWNER}")
        statements.append(f"grant {OWNER} to {_name(login.name)}")
    if needs_create and not state.owner_may_create and not login.may_grant_create:
        lacks.append(f"to let {OWNER} create schemas in this database")
        statements.append(f"grant create on database {_name(state.database)} to {OWNER}")
    if not state.pgmq.present and not login.may_create:
        lacks.append("to install pgmq in this database")
        statements.append(f"grant create on database {_name(state.database)} to {_name(login.name)}")
    if lacks:
        raise MigrationRefused(
            f"the login {login.name} lacks the right {', and '.join(lacks)}. "
            f"Migrate as a superuser, or have an administrator run in database {state.database}:\n"
            + "".join(f"    {statement};\n" for statement in statements)
        )


def steps(state: DatabaseState) -> list[Step]:
    """Make the missing roles; let the login act as those it made, and as the owner."""
    login = state.login
    missing = [role for role in ROLES if role not in state.roles]
    statements = [f"create role {role} nologin" for role in missing]
    if not state.server_is_app and (missing or {"perdure_app", "perdure_server"} <= login.grantable):
        statements.append(_MEMBERSHIP)
    if not login.superuser:
        wanted = [
            role for role in ROLES if role in missing or (role == OWNER and OWNER not in login.settable)
        ]
        options = " with inherit true, set true" if state.version >= 160000 else ""
        if wanted:
            statements.append(f"grant {', '.join(wanted)} to current_user{options}")
    return [Step("roles", tuple(map(Statement, statements)))] if statements else []


def _name(identifier: str) -> str:
    return sql.Identifier(identifier).as_string()
