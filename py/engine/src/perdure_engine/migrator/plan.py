"""Decide what a database needs: the steps to this release, or a refusal that says what to do."""

import importlib.metadata
from dataclasses import dataclass

from psycopg import sql

from perdure_engine.errors import MigrationRefused

from . import pgmq, roles
from .source import Migration, SqlSource
from .state import OWNER, DatabaseState
from .step import Statement, Step

OLDEST_SERVER = 140000

_AS_OWNER = Statement(f"set local role {OWNER}")
_SAFE_PATH = Statement("set local search_path = pg_catalog, pg_temp")


@dataclass(frozen=True, slots=True)
class Pending:
    """What of the files a database has not been through."""

    migrations: tuple[Migration, ...]
    functions: bool


def find_pending(state: DatabaseState, source: SqlSource) -> Pending:
    """Compare the ledger with the files.

    Raises:
        MigrationRefused: the ledger has numbers or checksums that the files do not have.
    """
    known = {migration.number: migration for migration in source.migrations}
    unknown = [
        f"{number:04d}_{name}" for number, (name, _) in sorted(state.applied.items()) if number not in known
    ]
    if unknown:
        raise MigrationRefused(
            f"the database is newer than this release: it has been through {', '.join(unknown)}, "
            f"which this release does not know. Install the release that migrated it, or a newer one."
        )
    for number, (_, checksum) in sorted(state.applied.items()):
        file = known[number].file
        if file.checksum != checksum:
            raise MigrationRefused(
                f"{file.path} was edited after this database had been through it (checksum then "
                f"{checksum[:12]}…, now {file.checksum[:12]}…): restore the file and put the change into a "
                f"new migration. A database without data worth keeping can be uninstalled and migrated anew."
            )
    migrations = tuple(m for m in source.migrations if m.number not in state.applied)
    newest = max(state.applied, default=0)
    late = [migration.label for migration in migrations if migration.number < newest]
    if late:
        raise MigrationRefused(
            f"{', '.join(late)} comes before {newest:04d}, which this database has been through already: "
            f"give it the next free number."
        )
    # A migration may have dropped a function that the set, unchanged in the files, must bring back.
    functions = bool(migrations) or state.functions_checksum != source.functions_checksum
    return Pending(migrations, functions)


def plan(state: DatabaseState, source: SqlSource) -> list[Step]:
    """The steps that bring a database to ``source``; none when it is there.

    Raises:
        MigrationRefused: it cannot be done; with what, why, and what to do.
    """
    if state.version < OLDEST_SERVER:
        raise MigrationRefused(
            f"this server is PostgreSQL {state.version // 10000}, and Perdure needs functions that came "
            f"with 14: upgrade the server, or use another one."
        )
    pending = find_pending(state, source)
    if state.schemas and not state.has_ledger:
        raise MigrationRefused(
            f"database {state.database} has a schema {' and '.join(sorted(state.schemas))} that was not made "
            f"by Perdure's migrations: rename or drop it, or use another database."
        )
    needs_create = any(migration.creates_schema for migration in pending.migrations)
    roles.check_rights(state, needs_create=needs_create)
    steps = [*roles.steps(state), *pgmq.steps(state)]
    steps += [_migration_step(state, migration) for migration in pending.migrations]
    if pending.functions:
        steps.append(_functions_step(source))
    return steps


def _migration_step(state: DatabaseState, migration: Migration) -> Step:
    file = Statement(migration.file.text, migration.file.path)
    record = Statement(
        sql.SQL("insert into perdure.migrations (number, name, checksum) values ({}, {}, {})")
        .format(migration.number, migration.name, migration.file.checksum)
        .as_string()
    )
    title = f"migration {migration.label}"
    if not migration.in_transaction:
        before, after = Statement(f"set role {OWNER}"), Statement("reset role")
        return Step(title, (before, file, record, after), in_transaction=False)
    statements = [_AS_OWNER, _SAFE_PATH, file, record]
    if migration.creates_schema and not state.owner_may_create:
        # For the length of this transaction only: the owner needs the right just to make its schemas.
        right = sql.SQL("create on database {}").format(sql.Identifier(state.database)).as_string()
        statements.insert(0, Statement(f"grant {right} to {OWNER}"))
        statements += [Statement("reset role"), Statement(f"revoke {right} from {OWNER}")]
    return Step(title, tuple(statements))


def _functions_step(source: SqlSource) -> Step:
    files = [Statement(file.text, file.path) for file in source.functions]
    record = Statement(
        sql.SQL("insert into perdure.function_sets (checksum, release) values ({}, {})")
        .format(source.functions_checksum, _release())
        .as_string()
    )
    unchecked = Statement("set local check_function_bodies = off")  # they may call each other in any order
    return Step(f"{len(files)} function files", (_AS_OWNER, _SAFE_PATH, unchecked, *files, record))


def _release() -> str:
    try:
        return importlib.metadata.version("perdure-engine")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
