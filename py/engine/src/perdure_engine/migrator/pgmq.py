"""The queues of ready runs, and pgmq itself where it is missing."""

from psycopg import sql

from perdure_engine.errors import MigrationRefused

from .state import BUNDLED_PGMQ_COMMENT, CONNECTED_QUEUE, OWNER, QUEUES, DatabaseState
from .step import Statement, Step


def steps(state: DatabaseState) -> list[Step]:
    """Install pgmq unless it is there, make our queues, and let the owner use them.

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
    for queue in QUEUES:
        if queue not in state.pgmq.queues:
            if state.pgmq.present and not state.pgmq.usable:
                login = sql.Identifier(state.login.name).as_string()
                raise MigrationRefused(
                    f"the login {state.login.name} may not make the queue {queue}: migrate as a superuser, "
                    "or have the owner of schema pgmq run:\n"
                    f"    grant usage, create on schema pgmq to {login};\n"
                    f"    grant all on all tables in schema pgmq to {login};\n"
                )
            steps.append(Step(f"queue {queue}", (*_creation(queue), *_rights(queue))))
        elif queue not in state.pgmq.granted_queues:
            steps.append(Step(f"rights on queue {queue}", _rights(queue)))
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


def _creation(queue: str) -> tuple[Statement, ...]:
    create = Statement(f"select pgmq.create('{queue}')")
    # Nothing is ever parked in a queue: messages are found by msg_id, and each would pay for this index.
    drop = Statement(f"drop index if exists pgmq.q_{queue}_vt_idx")
    if queue != CONNECTED_QUEUE:
        return create, drop
    # It is asked for the runs of some apps, and those of an app that is away may be many.
    by_app = f"create index {queue}_endpoint_idx on pgmq.q_{queue} ((message ->> 'endpoint_id'), msg_id)"
    return create, drop, Statement(by_app)


def _rights(queue: str) -> tuple[Statement, ...]:
    tables = f"pgmq.q_{queue}, pgmq.a_{queue}"
    return (
        Statement(f"grant usage on schema pgmq to {OWNER}"),
        Statement(f"grant select, insert, update, delete, truncate on {tables} to {OWNER}"),
    )
