"""Apps that hold a connection: one call for each SQL function of the concept. JSON is in wire shape."""

from collections.abc import Sequence
from datetime import timedelta

from ._call import fetch_value
from .adapters import interval, text_array
from .driver import Connection, Database, Statement

_RENEW_LEASES = Statement("renew_leases", "select r from perdure.renew_leases($1, $2, $3) as r", str)


async def connect_endpoint(conn: Connection, environment_id: str, slug: str) -> bytes:
    """Say that an app fetches its executions over a connection; returns its endpoint.

    Args:
        conn: a connection of the server.
        environment_id: where the app's jobs run.
        slug: the app's id.
    Raises:
        InvalidArgument: names what is wrong.
        NotFound: there is no such environment.
    """
    endpoint: bytes = await fetch_value(
        conn, "select perdure.connect_endpoint(%s, %s)", [environment_id, slug]
    )
    return endpoint


async def renew_leases(
    db: Database, run_ids: Sequence[str], lease_numbers: Sequence[int], duration: timedelta
) -> set[str]:
    """Keep executions from being taken back; returns the runs whose lease it still is.

    Args:
        db: a connection or a pool of the server.
        run_ids: the runs, and ``lease_numbers`` theirs, in pairs.
        duration: how long the leases last from now.
    """
    kept = await db.call(_RENEW_LEASES, text_array(run_ids), text_array(lease_numbers), interval(duration))
    return set(kept)
