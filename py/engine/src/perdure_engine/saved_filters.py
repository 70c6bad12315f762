"""Filters that people save: one call for each SQL function."""

from dataclasses import dataclass

from ._call import fetch_rows, fetch_value
from .driver import Connection


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """What somebody looks for again and again."""

    id: str
    name: str
    query: str
    """Of the page's address."""


async def save_filter(conn: Connection, environment_id: str, user_id: str, name: str, query: str) -> str:
    """Keep a filter by a name, in place of one with the same; returns its id.

    Raises:
        InvalidArgument: the name is empty, or one of both is too long.
        WrongState: the user has saved too many here.
    """
    filter_id: str = await fetch_value(
        conn, "select perdure.save_filter(%s, %s, %s, %s)", [environment_id, user_id, name, query]
    )
    return filter_id


async def list_saved_filters(conn: Connection, environment_id: str, user_id: str) -> list[SavedFilter]:
    """What somebody has saved in an environment, by name."""
    return await fetch_rows(
        conn,
        SavedFilter,
        "select id, name, query from perdure.list_saved_filters(%s, %s)",
        [environment_id, user_id],
    )


async def delete_saved_filter(conn: Connection, environment_id: str, user_id: str, filter_id: str) -> None:
    """Forget a filter.

    Raises:
        NotFound: the user has no such filter here.
    """
    await fetch_value(
        conn, "select perdure.delete_saved_filter(%s, %s, %s)", [environment_id, user_id, filter_id]
    )
