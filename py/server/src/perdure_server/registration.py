"""Registering an app's endpoint and reading its jobs: ask the app first, then tell the engine."""

from __future__ import annotations

from perdure_engine import endpoints, environments
from perdure_engine.errors import InvalidArgument, WrongState
from perdure_server.endpoint_client import EndpointFailure
from perdure_server.json_text import decode_json, encode_json
from perdure_server.services import Services


async def register_endpoint(
    services: Services, environment_id: str, slug: str, url: str, timeout_ms: int | None
) -> bytes:
    """Register an app's URL after it answered there, then read its jobs.

    Args:
        slug: the id that the app gives itself.
        timeout_ms: longest execution; None: unchanged.
    Returns: the endpoint as JSON, with ``endpointIndex: {id}``; the index says whether reading went well.
    Raises:
        EndpointFailure: the app does not answer as it should; nothing is registered.
        InvalidArgument: from the engine, with what is wrong.
    """
    async with services.connection() as conn:
        secrets = await environments.get_signing_secrets(conn, environment_id)
    url = await services.endpoints.ping(url, slug, secrets)
    async with services.connection() as conn:
        await endpoints.register_endpoint(conn, environment_id, slug, url, timeout_ms)
    index = await index_endpoint(services, environment_id, slug)
    async with services.connection() as conn:  # again: reading the jobs may have changed the URL
        endpoint = await endpoints.get_endpoint(conn, environment_id, slug)
    reference = encode_json({"endpointIndex": {"id": decode_json(index).value["id"]}})
    return endpoint.rstrip()[:-1] + b"," + reference[1:].encode()


async def index_endpoint(services: Services, environment_id: str, slug: str) -> bytes:
    """Read an endpoint's jobs; keep its new URL when it redirects.

    Returns: the index as JSON; its ``status`` is FAILURE, with the reason, when the endpoint did not answer
        as it should or the engine refuses what it has.
    Raises:
        NotFound: the environment has no endpoint of this slug.
    """
    async with services.connection() as conn:
        endpoint = decode_json(await endpoints.get_endpoint(conn, environment_id, slug)).value
        secrets = await environments.get_signing_secrets(conn, environment_id)
    try:
        answer = await services.endpoints.index(endpoint["url"], secrets)
    except EndpointFailure as failure:
        async with services.connection() as conn:
            return await endpoints.record_index_failure(conn, endpoint["id"], failure.text)
    async with services.connection() as conn:
        if answer.url != endpoint["url"]:
            await endpoints.register_endpoint(conn, environment_id, slug, answer.url)
        try:
            return await endpoints.index_endpoint(
                conn, endpoint["id"], answer.document.text.encode(), encode_json(answer.sdk).encode()
            )
        except (InvalidArgument, WrongState) as error:
            return await endpoints.record_index_failure(conn, endpoint["id"], error.message)
