"""Endpoints and their indexes: one call for each SQL function of the concept. JSON is in wire shape."""

from ._call import fetch_value
from .adapters import Json
from .pool import Connection


async def register_endpoint(
    conn: Connection, environment_id: str, slug: str, url: str, timeout_ms: int | None = None
) -> bytes:
    """Make an endpoint, or change the URL and timeout of the one with this slug; returns it.

    Args:
        conn: a connection of the server.
        environment_id: where the endpoint's jobs run.
        slug: the app's name.
        url: where the app answers.
        timeout_ms: longest execution; ``None`` keeps the present one, or the default.
    Raises:
        InvalidArgument: names what is wrong.
    """
    endpoint: bytes = await fetch_value(
        conn, "select perdure.register_endpoint(%s, %s, %s, %s)", [environment_id, slug, url, timeout_ms]
    )
    return endpoint


async def get_endpoint(conn: Connection, environment_id: str, slug: str) -> bytes:
    """One endpoint.

    Raises:
        NotFound: the environment has no endpoint of this slug.
    """
    endpoint: bytes = await fetch_value(conn, "select perdure.get_endpoint(%s, %s)", [environment_id, slug])
    return endpoint


async def list_endpoints(conn: Connection, environment_id: str) -> bytes:
    """The environment's endpoints, a JSON array."""
    endpoints: bytes = await fetch_value(conn, "select perdure.list_endpoints(%s)", [environment_id])
    return endpoints


async def index_endpoint(conn: Connection, endpoint_id: str, manifest: bytes, sdk: bytes = b"{}") -> bytes:
    """Take over what an endpoint says of its jobs and sources; returns the index.

    Args:
        conn: a connection of the server.
        endpoint_id: whose index it is.
        manifest: the answer to INDEX_ENDPOINT.
        sdk: ``{"name": "perdure" | "trigger", "version": …}``, from the answer's headers.
    Raises:
        InvalidArgument: names what is wrong with the manifest.
    """
    index: bytes = await fetch_value(
        conn, "select perdure.index_endpoint(%s, %s, %s)", [endpoint_id, Json(manifest), Json(sdk)]
    )
    return index


async def record_index_failure(conn: Connection, endpoint_id: str, error: str) -> bytes:
    """Record that an endpoint could not be indexed, and why; returns the index."""
    index: bytes = await fetch_value(
        conn, "select perdure.record_index_failure(%s, %s)", [endpoint_id, error]
    )
    return index


async def get_index(conn: Connection, environment_id: str, index_id: str) -> bytes:
    """One index: its status, and its statistics or its error.

    Raises:
        NotFound: the environment has no such index.
    """
    index: bytes = await fetch_value(conn, "select perdure.get_index(%s, %s)", [environment_id, index_id])
    return index
