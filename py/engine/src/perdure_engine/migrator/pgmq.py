"""The queue of ready runs, and pgmq itself where it is missing."""

from psycopg import sql

from perdure_engine.errors import MigrationRefused

from .state import BUNDLED_PGMQ_COMMENT, OWNER, QUEUE, DatabaseState
from .step import Statement, Step


def steps(state: DatabaseState) -> list[Step]:
    """Install pgmq unless it is there, make our queue, and let the owner use it.

    Raises:
        MigrationRefused: there is a schema pgmq that is not pgmq's, or that the login may not use.
    """
    steps = []
    if not state.pgmq.present:
        steps.append(_install(state))
    elif not state.pgmq.complete:
        raise MigrationRefused(
            f"the schema pgmq in database {state.database} does not hold the extension pgmq: "
            f"rename or drop it, or use another database."
        )
    if not state.pgmq.queue:
        if state.pgmq.present and not state.pgmq.usable:
            login = sql.Identifier(state.login.name).as_string()
            raise MigrationRefused(
                f"the login {state.login.name} may not make the queue {QUEUE}: migrate as a superuser, "
                f"or have the owner of schema pgmq run:\n    grant usage, create on schema pgmq to {login};\n"
                f"    grant all on all tables in schema pgmq to {login};\n"
            )
        steps.append(Step(f"queue {QUEUE}", (Statement(f"select pgmq.create('{QUEUE}')"), *_rights())))
    elif not state.pgmq.queue_granted:
        steps.append(Step(f"rights on queue {QUEUE}", _rights()))
    return steps


def _install(state: DatabaseState) -> Step:
    if state.pgmq.installable:
        return Step("extension pgmq", (Statement("create extension pgmq"),))
    # Imported here: it brings parts that only an installation from SQL needs.
    from pgmq.install import get_embedded_install_sql, get_embedded_sql_version

    version = get_embedded_sql_version()
    comment = sql.Literal(f"{BUNDLED_PGMQ_COMMENT} {version}").as_string()
    return Step(
        f"pgmq {version} from SQL",
        (
            Statement(get_embedded_install_sql(), f"pgmq {version}"),
            Statement(f"comment on schema pgmq is {comment}"),
        ),
    )


def _rights() -> tuple[Statement, ...]:
    tables = f"pgmq.q_{QUEUE}, pgmq.a_{QUEUE}"
    return (
        Statement(f"grant usage on schema pgmq to {OWNER}"),
        Statement(f"grant select, insert, update, delete on {tables} to {OWNER}"),
    )
