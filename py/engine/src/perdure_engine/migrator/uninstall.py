"""Take everything of ours out of a database again."""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from psycopg import sql

from .session import Echo, migration_session
from .state import BUNDLED_PGMQ_COMMENT, OWNER, ROLES, SCHEMAS, Connection, DatabaseState, read_state


@dataclass(frozen=True, slots=True)
class UninstallReport:
    """What ``uninstall`` removed, and what it left."""

    removed: tuple[str, ...]
    kept: tuple[str, ...]
    """With the reason each."""


def uninstall(url: str, *, echo: Echo = print, lock_wait_s: float = 300.0) -> UninstallReport:
    """Remove our schemas with all their data, our queue, pgmq if we brought it from SQL, and our roles.

    What others have built on it goes, too, as far as it cannot be without: views on our tables, triggers
    that call our functions. pgmq stays while it has other queues, and a role stays while anything depends
    on it, such as another database of the cluster.

    Args:
        url: the database, as a login that may act as perdure_owner and drop the roles; a superuser may.
        echo: gets a line for each thing removed or kept.
        lock_wait_s: seconds to wait for a migrator at work.
    Raises:
        DatabaseUnavailable: no connection.
        psycopg.errors.InsufficientPrivilege: the login may not drop our schemas or our queue; nothing was
        changed.
    """
    removed: list[str] = []
    kept: list[str] = []

    def say(what: list[str], text: str) -> None:
        what.append(text)
        echo(f"-- {'removed' if what is removed else 'kept'}: {text}")

    with migration_session(url, echo=echo, lock_wait_s=lock_wait_s) as conn:
        state = read_state(conn)
        with conn.transaction():
            _drop_schemas(conn, state, lambda text: say(removed, text))
            _drop_queue(conn, state, lambda text: say(removed, text), lambda text: say(kept, text))
        for role in (role for role in reversed(ROLES) if role in state.roles):
            try:
                conn.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))
                say(removed, f"role {role}")
            except (psycopg.errors.DependentObjectsStillExist, psycopg.errors.InsufficientPrivilege) as error:
                say(kept, f"role {role}: {error.diag.message_detail or error.diag.message_primary}")
    return UninstallReport(tuple(removed), tuple(kept))


def _drop_schemas(conn: Connection, state: DatabaseState, removed: Callable[[str], None]) -> None:
    for schema in SCHEMAS:
        if schema in state.schemas:
            conn.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
            removed(f"schema {schema}")


def _drop_queue(
    conn: Connection, state: DatabaseState, removed: Callable[[str], None], kept: Callable[[str], None]
) -> None:
    for queue in sorted(state.pgmq.queues):
        conn.execute("select pgmq.drop_queue(%s)", [queue])
        removed(f"queue {queue}")
    if not state.pgmq.complete:
        return
    if not state.pgmq.comment.startswith(BUNDLED_PGMQ_COMMENT):
        kept("pgmq: it was there before")
    elif queues := [name for (name,) in conn.execute("select queue_name from pgmq.meta")]:
        kept(f"pgmq: other queues use it ({', '.join(queues)})")
    else:
        conn.execute("drop schema pgmq cascade")
        removed("pgmq")
        return
    if OWNER in state.roles:
        conn.execute(sql.SQL("revoke usage on schema pgmq from {}").format(sql.Identifier(OWNER)))
