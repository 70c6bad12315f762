"""Endpoints and their indexes: one call for each SQL function of the concept. JSON is in wire shape."""

from collections.abc import Sequence
from dataclasses import dataclass

from ._call import fetch_rows, fetch_value
from .adapters import Json
from .pool import Connection


@dataclass(frozen=True, slots=True)
class EndpointAccess:
    """Where an endpoint is, and how a request to it proves that it is the platform's."""

    endpoint_id: str
    url: str
    signing_secrets: list[bytes]
    sealed_api_key: str | None
    """The key to send in clear, sealed; ``None``: requests are signed only."""


async def register_endpoint(
    conn: Connection,
    environment_id: str,
    slug: str,
    url: str,
    timeout_ms: int | None = None,
    api_key_id: str | None = None,
) -> bytes:
    """Make an endpoint, or change the URL and timeout of the one with this slug; returns it.

    Args:
        conn: a connection of the server.
        environment_id: where the endpoint's jobs run.
        slug: the app's name.
        url: where the app answers.
        timeout_ms: longest execution; ``None`` keeps the present one, or the default.
        api_key_id: of the key to send it in clear, kept by ``keep_sealed_key``; ``None`` changes nothing.
    Raises:
        InvalidArgument: names what is wrong.
        NotFound: the environment keeps no such key.
    """
    endpoint: bytes = await fetch_value(
        conn,
        "select perdure.register_endpoint(%s, %s, %s, %s, %s)",
        [environment_id, slug, url, timeout_ms, api_key_id],
    )
    return endpoint


async def get_endpoint_access(conn: Connection, environment_id: str, slug: str) -> EndpointAccess:
    """How to reach an endpoint.

    Raises:
        NotFound: the environment has no endpoint of this slug.
    """
    (access,) = await fetch_rows(
        conn,
        EndpointAccess,
        "select endpoint_id, url, coalesce(signing_secrets, '{}'), sealed_api_key"
        " from perdure.get_endpoint_access(%s, %s)",
        [environment_id, slug],
    )
    return access


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


async def list_index_durations(conn: Connection, index_ids: Sequence[str]) -> dict[str, int]:
    """Milliseconds that apps took to answer these readings; without those that the server made itself."""
    rows = await fetch_rows(
        conn,
        lambda index_id, duration_ms: (index_id, duration_ms),
        """
        select d.subject_id::text, d.duration_ms
        from perdure_views.deliveries as d
        where d.subject_id = any(%s::uuid[]) and d.kind = 'INDEX' and d.duration_ms is not null
        """,
        [list(index_ids)],
    )
    return dict(rows)


async def index_endpoint(
    conn: Connection,
    endpoint_id: str,
    manifest: bytes,
    sdk: bytes = b"{}",
    index_id: str | None = None,
    cause: str = "SQL",
    reason: str | None = None,
    data: bytes | None = None,
) -> bytes:
    """Take over what an endpoint says of its jobs, sources and so on; returns the index.

    Args:
        conn: a connection of the server.
        endpoint_id: whose index it is.
        manifest: the answer to INDEX_ENDPOINT.
        sdk: ``{"name": "perdure" | "trigger", "version": …}``, from the answer's headers.
        index_id: the reading that was asked for; ``None``: one of its own, with the rest.
        cause: ``API``, ``HOOK``, ``SCHEDULE`` or ``SQL``.
        reason: said by who wanted it; ``data``, JSON, likewise.
    Raises:
        InvalidArgument: names what is wrong with the manifest.
    """
    index: bytes = await fetch_value(
        conn,
        "select perdure.index_endpoint(%s, %s, %s, %s, %s, %s, %s)",
        [endpoint_id, Json(manifest), Json(sdk), index_id, cause, reason, _optional_json(data)],
    )
    return index


async def record_index_failure(
    conn: Connection,
    endpoint_id: str,
    error: str,
    index_id: str | None = None,
    cause: str = "SQL",
    reason: str | None = None,
    data: bytes | None = None,
) -> bytes:
    """Record that an endpoint could not be indexed, and why; returns the index.

    The last four arguments are those of ``index_endpoint``.
    """
    index: bytes = await fetch_value(
        conn,
        "select perdure.record_index_failure(%s, %s, %s, %s, %s, %s)",
        [endpoint_id, error, index_id, cause, reason, _optional_json(data)],
    )
    return index


async def request_index(
    conn: Connection, environment_id: str, slug: str, hook_id: str, data: bytes | None = None
) -> bytes:
    """Have an endpoint's jobs read in five seconds, because its deploy hook was called; returns the index.

    Raises:
        NotFound: there is no such endpoint, or its hook has another id.
    """
    index: bytes = await fetch_value(
        conn,
        "select perdure.request_index(%s, %s, %s, %s)",
        [environment_id, slug, hook_id, _optional_json(data)],
    )
    return index


async def probe_endpoint(conn: Connection, endpoint_id: str) -> str:
    """Find out how long an endpoint's host lets a function live; returns the id of the delivery that asks.

    Raises:
        NotFound: there is no such endpoint.
    """
    delivery_id: str = await fetch_value(conn, "select perdure.probe_endpoint(%s)", [endpoint_id])
    return delivery_id


async def get_index(conn: Connection, environment_id: str, index_id: str) -> bytes:
    """One index: its status, and its statistics or its error.

    Raises:
        NotFound: the environment has no such index.
    """
    index: bytes = await fetch_value(conn, "select perdure.get_index(%s, %s)", [environment_id, index_id])
    return index


def _optional_json(document: bytes | None) -> Json | None:
    return None if document is None else Json(document)


async def rotate_index_hook(conn: Connection, environment_id: str, slug: str) -> None:
    """Give an endpoint's deploy hook another secret.

    Raises:
        NotFound: the environment has no such endpoint.
    """
    await fetch_value(conn, "select perdure.rotate_index_hook(%s, %s)", [environment_id, slug])
