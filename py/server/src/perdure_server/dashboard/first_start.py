"""What the server says at its start when the dashboard has no owner yet."""

from __future__ import annotations

from perdure_engine import first_owner
from perdure_server.dashboard import paths
from perdure_server.services import Services


async def owner_link(services: Services, url: str) -> str | None:
    """The link by which the first owner is made; None: there is one.

    Args:
        services: of the started server.
        url: where this server listens; its public URL goes before.
    """
    async with services.connection() as conn:
        secret = await first_owner.create_owner_link(conn)
    if secret is None:
        return None
    return (services.settings.public_url or url) + paths.with_query(paths.OWNER, link=secret)
