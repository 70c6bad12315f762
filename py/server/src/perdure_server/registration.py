"""Registering an app's endpoint and reading its jobs: ask the app first, then tell the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perdure_engine import endpoints, environments
from perdure_engine.errors import InvalidArgument, NoSecretKey, WrongState
from perdure_server.endpoint_client import EndpointFailure, Identity, KeyWanted
from perdure_server.json_text import decode_json, encode_json
from perdure_server.services import Services


@dataclass(frozen=True, slots=True)
class ClearKey:
    """A secret key of the environment, in clear."""

    id: str
    text: str


async def register_endpoint(
    services: Services,
    environment_id: str,
    *,
    url: str,
    slug: str | None,
    timeout_ms: int | None,
    key: ClearKey | None,
) -> bytes:
    """Register an app's URL after it answered there, then read its jobs.

    An app with the v2 JavaScript SDK is sent ``key``, which is kept sealed for the calls to come.

    Args:
        key: None: such an app cannot be registered.
        slug: the id that the app gives itself; None: the app is asked.
        timeout_ms: longest execution; None: unchanged.
    Returns: the endpoint as JSON, with ``endpointIndex: {id}``; the index says whether reading went well.
    Raises:
        EndpointFailure: the app does not answer as it should; nothing is registered.
        InvalidArgument: from the engine, with what is wrong.
    """
    async with services.connection() as conn:
        secrets = await environments.get_signing_secrets(conn, environment_id)
    try:
        app, sealed = await _ask(services, url, slug, secrets), None
    except KeyWanted:
        if key is None:
            raise
        sealed = _seal(services, key.text, url)
        app = await _ask(services, url, slug, secrets, key.text)
    async with services.connection() as conn:
        if key is not None and sealed is not None:
            await environments.keep_sealed_key(conn, key.id, sealed)
        await endpoints.register_endpoint(
            conn, environment_id, app.id, app.url, timeout_ms, key.id if key is not None and sealed else None
        )
    index = await index_endpoint(services, environment_id, app.id)
    async with services.connection() as conn:  # again: reading the jobs may have changed the URL
        endpoint = await endpoints.get_endpoint(conn, environment_id, app.id)
    reference = encode_json({"endpointIndex": {"id": decode_json(index).value["id"]}})
    return endpoint.rstrip()[:-1] + b"," + reference[1:].encode()


async def index_endpoint(
    services: Services,
    environment_id: str,
    slug: str,
    *,
    reason: str | None = None,
    data: bytes | None = None,
) -> bytes:
    """Read an endpoint's jobs; keep its new URL when it redirects.

    Args:
        reason: said by who wants it; ``data``, JSON, likewise.
    Returns: the index as JSON; its ``status`` is FAILURE, with the reason, when the endpoint did not answer
        as it should or the engine refuses what it has.
    Raises:
        NotFound: the environment has no endpoint of this slug.
        UnknownSecretKey: the endpoint is to be sent a key that this server cannot open.
    """
    async with services.connection() as conn:
        access = await endpoints.get_endpoint_access(conn, environment_id, slug)
    sealed = access.sealed_api_key
    key = None if sealed is None else services.secrets.open(sealed)
    try:
        answer = await services.endpoints.index(access.url, access.signing_secrets, key)
    except EndpointFailure as failure:
        async with services.connection() as conn:
            return await endpoints.record_index_failure(
                conn, access.endpoint_id, failure.text, cause="API", reason=reason, data=data
            )
    manifest, sdk = answer.document.text.encode(), encode_json(answer.sdk).encode()
    async with services.connection() as conn:
        if answer.url != access.url:
            await endpoints.register_endpoint(conn, environment_id, slug, answer.url)
        try:
            return await endpoints.index_endpoint(
                conn, access.endpoint_id, manifest, sdk, cause="API", reason=reason, data=data
            )
        except (InvalidArgument, WrongState) as error:
            return await endpoints.record_index_failure(
                conn, access.endpoint_id, error.message, cause="API", reason=reason, data=data
            )


async def _ask(
    services: Services, url: str, slug: str | None, secrets: Sequence[bytes], key: str | None = None
) -> Identity:
    if slug is None:
        return await services.endpoints.validate(url, secrets, key)
    return await services.endpoints.ping(url, slug, secrets, key)


def _seal(services: Services, key: str, url: str) -> str:
    try:
        return services.secrets.seal(key)
    except NoSecretKey as error:
        raise EndpointFailure(
            "ENDPOINT_NEEDS_KEY",
            f"{url} is an app of the v2 JavaScript SDK, which wants the API key itself: {error.message}",
        ) from error
