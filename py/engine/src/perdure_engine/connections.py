"""Accounts at services: one call for each SQL function. JSON is in wire shape, tokens are sealed."""

from ._call import fetch_value
from .adapters import Json
from .pool import Connection


async def create_connection(
    conn: Connection, environment_id: str, account: str | None, integration_slug: str, connection: bytes
) -> bytes:
    """Store an account at a service, or its new token; runs that waited for it go on. Returns it, tokenless.

    Args:
        conn: a connection of the server.
        environment_id: where the integration is.
        account: the end user whose account it is; None: the developer's own.
        integration_slug: the integration's id in the app.
        connection: ``{type, sealedToken, scopes?, additionalFields?, metadata?, expiresAt?}``.
    Raises:
        NotFound: the environment has no such integration.
        InvalidArgument: names the member that is wrong.
    """
    created: bytes = await fetch_value(
        conn,
        "select perdure.create_connection(%s, %s, %s, %s)",
        [environment_id, account, integration_slug, Json(connection)],
    )
    return created


async def get_connection(
    conn: Connection, environment_id: str, integration_slug: str, connection_id: str
) -> bytes:
    """An account at a service, without its token.

    Raises:
        NotFound: the integration has no such connection.
    """
    found: bytes = await fetch_value(
        conn, "select perdure.get_connection(%s, %s, %s)", [environment_id, integration_slug, connection_id]
    )
    return found


async def delete_connection(
    conn: Connection, environment_id: str, integration_slug: str, connection_id: str
) -> bytes:
    """Forget an account at a service and its token; returns it as it was, without the token.

    Raises:
        NotFound: the integration has no such connection.
    """
    deleted: bytes = await fetch_value(
        conn,
        "select perdure.delete_connection(%s, %s, %s)",
        [environment_id, integration_slug, connection_id],
    )
    return deleted


async def get_auth(conn: Connection, environment_id: str, client_id: str, integration_slug: str) -> bytes:
    """The developer's account at a service: ``{type, sealedToken, scopes?, additionalFields?}``.

    Raises:
        NotFound: there is no such app or integration, or it is not connected.
    """
    auth: bytes = await fetch_value(
        conn, "select perdure.get_auth(%s, %s, %s)", [environment_id, client_id, integration_slug]
    )
    return auth
