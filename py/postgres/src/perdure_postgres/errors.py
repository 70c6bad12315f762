"""What can go wrong in direct mode, told apart by SQLSTATE, whatever driver raised it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from perdure.errors import PerdureError

NOT_FOUND, WRONG_STATE, FINISHED, LEASE_LOST = "JQ001", "JQ002", "JQ003", "JQ005"
_OURS = "JQ"
_NO_PRIVILEGE = "42501"
_MISSING = ("3F000", "42883")  # no such schema, no such function
_LOST_CONNECTION = ("08", "53", "57P")  # connection, resources, shutdown and start-up
_OVERRULED = ("40001", "40P01")  # serialization failure, deadlock
_DRIVERS = ("psycopg", "psycopg_pool", "psycopg2", "sqlalchemy", "django", "asyncpg")
_LOST_CLASSES = {"OperationalError", "InterfaceError", "PoolTimeout"}


class DirectModeError(PerdureError):
    """Postgres refused a call of Perdure's SQL functions; the transaction can only be rolled back.

    Attributes:
        code: the SQLSTATE, such as ``JQ010``.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


def sqlstate_of(error: BaseException) -> str | None:
    """The SQLSTATE in an error of psycopg, psycopg2, asyncpg, SQLAlchemy or Django; None when it has none."""
    seen: BaseException | None = error
    while seen is not None:
        for name in ("sqlstate", "pgcode"):
            state = getattr(seen, name, None)
            if isinstance(state, str):
                return state
        seen = getattr(seen, "orig", None) or seen.__cause__
    return None


def is_overruled(error: BaseException) -> bool:
    """True when Postgres undid the transaction for another's sake: the same again may succeed."""
    return sqlstate_of(error) in _OVERRULED


def is_connection_lost(error: BaseException) -> bool:
    """True when there is no connection, or not any more."""
    state = sqlstate_of(error)
    if state is not None:
        return state.startswith(_LOST_CONNECTION)
    if isinstance(error, ConnectionError):
        return True
    return any(
        one.__name__ in _LOST_CLASSES and one.__module__.split(".")[0] in _DRIVERS
        for one in type(error).__mro__
    )


@contextmanager
def translated(login: str | None) -> Iterator[None]:
    """Errors of our own functions leave this block as DirectModeError, and lacking rights with the fix.

    Args:
        login: the role that the connection logged in as, if it is known.
    """
    try:
        yield
    except Exception as error:
        ours = _translate(error, login)
        if ours is None:
            raise
        raise ours from error


def _translate(error: Exception, login: str | None) -> DirectModeError | None:
    state = sqlstate_of(error)
    if state is None:
        return None
    if state == _NO_PRIVILEGE:
        role = f'"{login}"' if login else "the role that your app logs in as"
        return DirectModeError(
            f"{role} may not call Perdure's functions: let the owner of the database run "
            f"`grant perdure_app to {role};` ({_first_line(error)})",
            code=state,
        )
    if state in _MISSING:
        return DirectModeError(
            "this database does not have Perdure's functions, or older ones: connect to the one that the "
            f"Perdure server uses, or run `perdure migrate` ({_first_line(error)})",
            code=state,
        )
    return DirectModeError(_first_line(error), code=state) if state.startswith(_OURS) else None


def _first_line(error: BaseException) -> str:
    """Postgres's own words, without what drivers put around them."""
    while (inner := getattr(error, "orig", None)) is not None:
        error = inner
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    return str(primary) if primary else str(error.__cause__ or error).split("\n", 1)[0]
