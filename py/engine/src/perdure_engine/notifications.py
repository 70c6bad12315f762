"""Listen to a channel of Postgres, also after the connection was lost."""

import asyncio
import logging
import random
from collections.abc import Callable

from psycopg import sql

from .driver import Connection
from .errors import DatabaseUnavailable, translated
from .pool import CONNECTION_OPTIONS

_log = logging.getLogger(__name__)

_FIRST_RETRY_S = 0.1
_LONGEST_RETRY_S = 5.0


async def listen(
    url: str,
    *,
    role: str,
    channel: str,
    on_notify: Callable[[str], None],
    on_reconnect: Callable[[], None],
    application_name: str = "perdure listener",
) -> None:
    """Call ``on_notify`` for every notification, on a connection of our own, until cancelled.

    What is notified while there is no connection is lost, so a notification can only be a hint;
    ``on_reconnect`` is the moment to look for oneself. Both are called in the event loop and should return
    at once, for instance set an event.

    Args:
        url: where to connect; not through a pooler that shares connections.
        role: what the connection acts as.
        channel: the channel's name.
        on_notify: gets the payload.
        on_reconnect: called whenever listening has begun, the first time included.
        application_name: shown in ``pg_stat_activity``.
    Raises:
        psycopg.Error: the connection is refused for a reason that time does not cure, such as an unknown
        role.
    """
    pause_s = _FIRST_RETRY_S

    def connected() -> None:
        nonlocal pause_s
        pause_s = _FIRST_RETRY_S
        on_reconnect()

    begin = [
        sql.SQL("set role {}").format(sql.Identifier(role)),
        sql.SQL("listen {}").format(sql.Identifier(channel)),
    ]
    while True:
        try:
            with translated():
                await _listen_once(url, begin, on_notify, connected, application_name)
        except DatabaseUnavailable as error:
            _log.warning("not listening to %s: %s; next try in about %.1f s", channel, error, pause_s)
        await asyncio.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311  # so that a fleet does not come back at once
        pause_s = min(pause_s * 2, _LONGEST_RETRY_S)


async def _listen_once(
    url: str,
    begin: list[sql.Composed],
    on_notify: Callable[[str], None],
    connected: Callable[[], None],
    application_name: str,
) -> None:
    """One connection's life; returns or raises when it ends."""
    async with await Connection.connect(
        url, autocommit=True, application_name=application_name, **CONNECTION_OPTIONS
    ) as conn:
        for statement in begin:
            await conn.execute(statement)
        connected()
        await conn.hear(on_notify)
