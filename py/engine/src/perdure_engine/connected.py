"""Apps that hold a connection: one call for each SQL function of the concept. JSON is in wire shape."""

from collections.abc import Sequence
from datetime import timedelta

from ._call import fetch_value
from .pool import Connection


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
    conn: Connection, run_ids: Sequence[str], lease_numbers: Sequence[int], duration: timedelta
) -> set[str]:
    """Keep executions from being taken back; returns the runs whose lease it still is.

    Args:
        conn: a connection of the server.
        run_ids: the runs, and ``lease_numbers`` theirs, in pairs.
        duration: how long the leases last from now.
    """
    kept: list[str] = await fetch_value(
        conn,
        "select coalesce(array_agg(r::text), '{}')"
        " from perdure.renew_leases(%s::uuid[], %s::integer[], %s) as r",
        [list(run_ids), list(lease_numbers), duration],
        prepare=True,
    )
    return set(kept)
