"""Call one SQL function by a cursor: the parameters in, rows or one value out, errors translated."""

from collections.abc import Callable, Sequence
from typing import Any, LiteralString, TypeVar

from psycopg.rows import args_row, scalar_row

from .driver import Connection
from .errors import translated

Row = TypeVar("Row")


async def fetch_rows(
    conn: Connection,
    row: Callable[..., Row],
    query: LiteralString,
    parameters: Sequence[object],
) -> list[Row]:
    """All rows of ``query``, each made by ``row`` from its columns in order.

    Args:
        conn: in autocommit the call is one transaction; inside one it takes part in it.
        row: a row class whose fields are in the order of the query's columns.
        query: names its columns, so that a column added to the function changes nothing here.
        parameters: a value for each ``%s``.
    """
    with translated():
        async with conn.cursor(row_factory=args_row(row)) as cursor:
            await cursor.execute(query, parameters)
            return await cursor.fetchall()


async def fetch_value(conn: Connection, query: LiteralString, parameters: Sequence[object]) -> Any:
    """The one value that ``query`` returns."""
    with translated():
        async with conn.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(query, parameters)
            return await cursor.fetchone()
