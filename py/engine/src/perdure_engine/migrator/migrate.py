"""Bring a database to this release, and say how far it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from perdure_engine.errors import MigrationFailed

from .plan import find_pending, plan
from .session import Echo, migration_session, open_connection, run_step
from .source import SqlSource, default_source
from .state import Connection, DatabaseState, read_state
from .step import as_script

# How it looks when the migrators of two databases of one cluster make the same roles in the same moment:
# unique_violation, duplicate_object, and "tuple concurrently updated", which is an internal_error.
_RACES = ("23505", "42710", "XX000")
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Report:
    """What ``migrate`` did, or would do."""

    database: str
    server_version: str
    """Such as ``18.6``."""
    steps: tuple[str, ...]
    """Titles of the steps done, in order; none: the database was current."""
    dry_run: bool

    @property
    def changed(self) -> bool:
        """Whether there was anything to do."""
        return bool(self.steps)


@dataclass(frozen=True, slots=True)
class Status:
    """How far a database is."""

    database: str
    server_version: str
    applied: tuple[str, ...]
    """Names of the migrations it has been through."""
    pending: tuple[str, ...]
    """Names of those that it has not."""
    functions_current: bool

    @property
    def current(self) -> bool:
        """Whether ``migrate`` would find nothing to do in ``perdure``."""
        return self.functions_current and not self.pending


def migrate(
    url: str,
    *,
    dry_run: bool = False,
    echo: Echo = print,
    source: SqlSource | None = None,
    lock_wait_s: float = 300.0,
) -> Report:
    """Bring a database to this release: roles, pgmq, migrations, functions. When it is current, do nothing.

    Migrators of one database wait for each other. Each step is a transaction: after a failure the steps
    before it are kept, and the next call goes on from there.

    Args:
        url: the database, as a login that may create roles and schemas; not through a pooler.
        dry_run: pass the SQL that would run to ``echo`` and change nothing.
        echo: gets a line for each step done, or the SQL.
        source: other SQL files than this release's.
        lock_wait_s: seconds to wait for another migrator.
    Raises:
        MigrationRefused: it cannot be done; with what, why, and what to do.
        MigrationFailed: a statement failed; with its file.
        DatabaseUnavailable: no connection.
    """
    source = source or default_source()
    with migration_session(url, echo=echo, lock_wait_s=lock_wait_s) as conn:
        if not dry_run:
            return _apply(conn, source, echo)
        state = read_state(conn)
        steps = plan(state, source)
        for step in steps:
            echo(as_script(step))
        return _report(state, [step.title for step in steps], dry_run=True)


def status(url: str, *, source: SqlSource | None = None) -> Status:
    """How far a database is; changes nothing and waits for nobody.

    Args:
        url: the database.
        source: other SQL files than this release's.
    Raises:
        MigrationRefused: the ledger does not fit the files.
        DatabaseUnavailable: no connection.
    """
    source = source or default_source()
    with open_connection(url) as conn:
        state = read_state(conn)
    pending = find_pending(state, source)
    return Status(
        database=state.database,
        server_version=_version(state),
        applied=tuple(f"{number:04d}_{name}" for number, (name, _) in sorted(state.applied.items())),
        pending=tuple(migration.label for migration in pending.migrations),
        functions_current=not pending.functions,
    )


def _apply(conn: Connection, source: SqlSource, echo: Echo) -> Report:
    done: list[str] = []
    for attempt in range(1, _TRIES + 1):
        state = read_state(conn)
        try:
            for step in plan(state, source):
                run_step(conn, step)
                done.append(step.title)
                echo(f"-- done: {step.title}")
        except MigrationFailed as error:
            if attempt < _TRIES and getattr(error.__cause__, "sqlstate", None) in _RACES:
                continue  # nothing of the step was kept: look again
            raise
        break
    return _report(state, done, dry_run=False)


def _report(state: DatabaseState, titles: Sequence[str], *, dry_run: bool) -> Report:
    return Report(state.database, _version(state), tuple(titles), dry_run)


def _version(state: DatabaseState) -> str:
    return f"{state.version // 10000}.{state.version % 10000}"
