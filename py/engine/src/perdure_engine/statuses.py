"""What runs tell people of their progress: one call for each SQL function. JSON is in wire shape."""

from ._call import fetch_value
from .adapters import Json
from .pool import Connection


async def get_run_statuses(conn: Connection, environment_id: str, run_id: str) -> bytes:
    """A run's statuses: ``{run: {id, status, output?}, statuses}``.

    Raises:
        NotFound: the environment has no such run.
    """
    statuses: bytes = await fetch_value(
        conn, "select perdure.get_run_statuses(%s, %s)", [environment_id, run_id]
    )
    return statuses


async def set_run_status(
    conn: Connection, environment_id: str, run_id: str, key: str, status: bytes
) -> bytes:
    """Set or change a status of a run; returns its StatusRecord.

    Args:
        conn: a connection of the server or an app.
        environment_id: where the run must be.
        run_id: which run.
        key: the status within the run.
        status: ``{label?, state?, data?}``; what is absent stays.
    Raises:
        NotFound: the environment has no such run.
        InvalidArgument: names the member.
    """
    record: bytes = await fetch_value(
        conn, "select perdure.set_run_status(%s, %s, %s, %s)", [environment_id, run_id, key, Json(status)]
    )
    return record
