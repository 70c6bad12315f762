"""The exceptions of this package, and the one place where those of psycopg become ours.

::

    PerdureError
    ├── NotFound               JQ001  no such row, or not in this environment
    ├── WrongState             JQ002  the row's status does not allow this transition
    ├── AlreadyFinished        JQ003  the run or task has ended
    ├── KeyConflict            JQ004  the key is taken by something else
    ├── LeaseLost              JQ005  another execution of the run has begun since
    ├── InvalidArgument        JQ010  an argument is missing, malformed or out of range
    ├── DatabaseUnavailable    UNAVAILABLE        no answer from Postgres; the same call may be made again
    ├── NotMigrated            NOT_MIGRATED       the database lacks our schema, or has an older one
    ├── MigrationRefused       MIGRATION_REFUSED  this database cannot be migrated as it is
    ├── MigrationFailed        MIGRATION_FAILED   a statement of a migration failed
    ├── EmbeddedPostgresError  EMBEDDED_POSTGRES  the embedded server could not be set up, started or stopped
    ├── NoSecretKey            NO_SECRET_KEY      a secret is to be stored or read, but there is no key
    ├── UnknownSecretKey       UNKNOWN_SECRET_KEY a stored secret was sealed with a key this process lacks
    └── InvalidSecretKey       INVALID_SECRET_KEY a key in PERDURE_SECRET_KEYS is malformed
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import psycopg
from psycopg import errors as pg


class PerdureError(Exception):
    """Base of everything that this package raises itself.

    Args:
        message: what is wrong and how to put it right, for people.
        detail: the ids concerned, when there are any.
        code: what programs tell errors apart by; the class's own unless given.
    """

    default_code: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, *, detail: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.code = code or self.default_code


class NotFound(PerdureError):
    """There is no such row, or it belongs to another environment."""

    default_code = "JQ001"


class WrongState(PerdureError):
    """The row's status does not allow this transition."""

    default_code = "JQ002"


class AlreadyFinished(PerdureError):
    """The run or task has ended; what it ended with stays."""

    default_code = "JQ003"


class KeyConflict(PerdureError):
    """The key is taken by something else."""

    default_code = "JQ004"


class LeaseLost(PerdureError):
    """The caller's lease number is not the run's any more: another execution has begun."""

    default_code = "JQ005"


class InvalidArgument(PerdureError):
    """An argument is missing, malformed or out of range."""

    default_code = "JQ010"


class DatabaseUnavailable(PerdureError):
    """Postgres did not answer, ended the connection, or undid the transaction for another's sake.

    Nothing is wrong with the call: it may be made again, later.
    """

    default_code = "UNAVAILABLE"


class NotMigrated(PerdureError):
    """The database lacks the schema, a role or a function that this release needs."""

    default_code = "NOT_MIGRATED"


class MigrationRefused(PerdureError):
    """This database cannot be migrated as it is. The message says what, why, and what to do."""

    default_code = "MIGRATION_REFUSED"


class MigrationFailed(PerdureError):
    """A statement of a migration failed. The message names the file, the line, and what was kept."""

    default_code = "MIGRATION_FAILED"


class EmbeddedPostgresError(PerdureError):
    """The embedded server could not be set up, started or stopped."""

    default_code = "EMBEDDED_POSTGRES"


class NoSecretKey(PerdureError):
    """A secret is to be stored or read, but PERDURE_SECRET_KEYS is not set for this process."""

    default_code = "NO_SECRET_KEY"


class UnknownSecretKey(PerdureError):
    """A stored secret was sealed with a key that this process does not have, or is damaged."""

    default_code = "UNKNOWN_SECRET_KEY"


class InvalidSecretKey(PerdureError):
    """A key in PERDURE_SECRET_KEYS is malformed."""

    default_code = "INVALID_SECRET_KEY"


BY_SQLSTATE: dict[str, type[PerdureError]] = {
    error.default_code: error
    for error in (NotFound, WrongState, AlreadyFinished, KeyConflict, LeaseLost, InvalidArgument)
}
"""The exception for each SQLSTATE of ours."""

_MALFORMED = (
    pg.InvalidTextRepresentation,  # an id that is no UUID, a document that is no JSON
    pg.UntranslatableCharacter,  # \\u0000 in a document
    pg.CharacterNotInRepertoire,  # bytes that are not UTF-8
    pg.InvalidDatetimeFormat,
    pg.DatetimeFieldOverflow,
    pg.NumericValueOutOfRange,
    pg.ProgramLimitExceeded,  # a name or key too long for the index that finds it
)
_MISSING = (pg.UndefinedFunction, pg.InvalidSchemaName)
_OVERRULED = (pg.SerializationFailure, pg.DeadlockDetected)
_UNAVAILABLE_CLASSES = ("08", "53", "57P")  # connection, resources (too many clients), shutdown and start-up


def error_for(code: str, message: str, detail: str | None = None) -> PerdureError:
    """The exception for an error code that SQL returned in a row (``upsert_tasks``, ``finish_tasks``)."""
    return BY_SQLSTATE.get(code, PerdureError)(message, detail=detail, code=code)


def translate(error: psycopg.Error) -> PerdureError | None:
    """Our exception for one of psycopg's, or ``None`` when it means a mistake in our own SQL."""
    state = error.sqlstate
    message = error.diag.message_primary or str(error)
    if state in BY_SQLSTATE:
        return error_for(state, message, error.diag.message_detail)
    if isinstance(error, _MALFORMED):
        return InvalidArgument(message, detail=error.diag.message_detail)
    if isinstance(error, _MISSING):
        return NotMigrated(f"{message}: run `perdure migrate` on this database")
    if state is None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return DatabaseUnavailable(f"no connection to Postgres: {message}")
    if isinstance(error, _OVERRULED) or (state or "").startswith(_UNAVAILABLE_CLASSES):
        return DatabaseUnavailable(f"Postgres cannot answer now: {message}")
    return None


def in_our_words(error: psycopg.Error) -> Exception:
    """Our exception for one of psycopg's, caused by it; itself when it means a mistake in our own SQL."""
    ours = translate(error)
    if ours is None:
        return error
    ours.__cause__ = error
    return ours


@contextmanager
def translated() -> Iterator[None]:
    """The boundary to psycopg: its errors leave this block as ours, as far as ``translate`` knows them."""
    try:
        yield
    except psycopg.Error as error:
        ours = translate(error)
        if ours is None:
            raise
        raise ours from error
