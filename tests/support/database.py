"""A synchronous view of a test database: call the engine's functions, read anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple, Self

import psycopg
from psycopg import sql
from psycopg.rows import namedtuple_row, scalar_row
from psycopg.types.json import Json, Jsonb
from psycopg.types.string import TextLoader

OWNER = "perdure_owner"

_SIGNATURE = """
select
    coalesce(p.proargnames, '{}') as names,
    coalesce(p.proallargtypes, p.proargtypes::oid[])::regtype[]::text[] as types,
    p.pronargs as arguments,
    p.proretset as returns_set,
    coalesce(p.proallargtypes is not null, false) or t.typtype = 'c' as returns_rows
from pg_proc as p inner join pg_type as t on t.oid = p.prorettype
where p.pronamespace = 'perdure'::regnamespace and p.proname = %s
"""


class Signature(NamedTuple):
    """How a function of the engine is called, from the catalogue."""

    names: list[str]
    types: list[str]
    arguments: int
    returns_set: bool
    returns_rows: bool


class Database:
    """One connection to a test database, in autocommit, acting as one role. JSON comes decoded, ids as text.

    Args:
        url: the database, as a superuser.
        role: what to act as.
    """

    def __init__(self, url: str, role: str = OWNER) -> None:
        self.url = url
        self.role = role
        self._signatures: dict[str, Signature] = {}

    @cached_property
    def connection(self) -> psycopg.Connection[Any]:
        """The connection, opened when first used; for transactions: ``with db.connection.transaction():``."""
        connection = psycopg.connect(self.url, autocommit=True, row_factory=namedtuple_row)
        connection.adapters.register_loader("uuid", TextLoader)
        connection.execute(sql.SQL("set role {}").format(sql.Identifier(self.role)))
        return connection

    def call(self, function: str, *arguments: Any, **named: Any) -> Any:
        """Call ``perdure.<function>``; a named argument may lack its ``p_``.

        A Python value for a JSON parameter is encoded.

        Returns: a value, or a list of values (``setof``), or a list of named tuples (``table``).
        """
        signature = self._signature(function)
        inputs = dict(zip(signature.names, signature.types, strict=False))
        given = dict(zip(signature.names[: signature.arguments], arguments, strict=False))
        if len(arguments) > signature.arguments:
            raise TypeError(f"{function} takes {signature.arguments} arguments, not {len(arguments)}")
        given |= {name if name in inputs else f"p_{name}": value for name, value in named.items()}
        parts = [sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in given]
        query = sql.SQL("select * from perdure.{}({})").format(
            sql.Identifier(function), sql.SQL(", ").join(parts)
        )
        values = {name: _encode(value, inputs.get(name, "")) for name, value in given.items()}
        if signature.returns_rows:
            return self.connection.execute(query, values).fetchall()
        found = self.connection.cursor(row_factory=scalar_row).execute(query, values).fetchall()
        return found if signature.returns_set else found[0]

    def rows(self, query: str, *parameters: Any) -> list[Any]:
        """All rows of a query, as named tuples."""
        return self.connection.execute(query.encode(), parameters or None).fetchall()

    def value(self, query: str, *parameters: Any) -> Any:
        """The first column of the first row; ``None`` when there is no row."""
        return (
            self.connection.cursor(row_factory=scalar_row)
            .execute(query.encode(), parameters or None)
            .fetchone()
        )

    def execute(self, query: str, *parameters: Any) -> int:
        """Run a statement; returns how many rows it touched."""
        return self.connection.execute(query.encode(), parameters or None).rowcount

    @contextmanager
    def as_role(self, role: str) -> Iterator["Database"]:
        """Another connection that acts as ``role``: to try its rights, or to have a second connection."""
        with Database(self.url, role) as other:
            yield other

    def close(self) -> None:
        """Close the connection if there is one."""
        if "connection" in self.__dict__:
            self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _signature(self, function: str) -> Signature:
        if function not in self._signatures:
            found = self.connection.execute(_SIGNATURE, [function]).fetchall()
            if len(found) != 1:
                raise LookupError(f"there are {len(found)} functions perdure.{function}")
            self._signatures[function] = Signature(*found[0])
        return self._signatures[function]


def _encode(value: Any, type_name: str) -> Any:
    wrapper = {"json": Json, "jsonb": Jsonb}.get(type_name)
    if wrapper is None or value is None or isinstance(value, (Json, Jsonb)):
        return value
    return wrapper(value)
