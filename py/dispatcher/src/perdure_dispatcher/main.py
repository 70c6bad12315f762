"""Start a dispatcher, stop it by signals."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from perdure_dispatcher.clients import Clients
from perdure_dispatcher.collector import spare_collector
from perdure_dispatcher.dispatcher import ROLE, Dispatcher
from perdure_dispatcher.settings import Settings
from perdure_engine.pool import open_pool

logger = logging.getLogger(__name__)

_POOL_SIZE = 3  # the loop, results of executions, results of deliveries


@asynccontextmanager
async def open_dispatcher(settings: Settings) -> AsyncIterator[Dispatcher]:
    """A dispatcher that has all that it needs, to be run.

    Raises:
        DatabaseUnavailable: no database answered at the start; later the dispatcher waits for it.
        NotMigrated: the database lacks the dispatcher's role: ``perdure migrate``.
        psycopg.errors.InsufficientPrivilege: the login may not act as that role.
    """
    async with await open_pool(
        settings.database_url,
        role=ROLE,
        max_size=_POOL_SIZE,
        application_name="perdure dispatcher",
        wait_s=settings.database_wait_s,
    ) as pool:
        clients = Clients(private=settings.fetch_private)
        try:
            yield Dispatcher(settings, pool, clients)
        finally:
            await clients.close()


async def dispatch(settings: Settings, stop: asyncio.Event) -> bool:
    """Dispatch until ``stop`` is set, then drain.

    Returns: True when everything in flight has ended, False when the drain time was over first.
    Raises: as ``open_dispatcher``.
    """
    async with open_dispatcher(settings) as dispatcher:
        stopping = asyncio.create_task(_stop_when(stop, dispatcher))
        try:
            return await dispatcher.run()
        finally:
            stopping.cancel()


def run(settings: Settings) -> int:
    """Dispatch until SIGTERM or SIGINT; a second one stops at once.

    Returns: the exit code: 0 when everything in flight has ended, 1 when something was cut off and is left to
    its lease.
    Raises: as ``dispatch``.
    """
    with asyncio.Runner(loop_factory=_fast_loop()) as runner:
        return runner.run(_run(settings))


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where there is one: it halves what a request costs the loop (ADR 0021)."""
    try:
        import uvloop
    except ImportError:  # Windows, PyPy
        return None
    return uvloop.new_event_loop


async def _run(settings: Settings) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    spare_collector()
    dispatching = asyncio.create_task(dispatch(settings, stop))

    def on_signal(name: str) -> None:
        if stop.is_set():
            logger.warning("stopping at once signal=%s", name)
            dispatching.cancel()
        else:
            logger.info("stopping signal=%s", name)
            stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number.name)
    try:
        return 0 if await dispatching else 1
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        return 1


async def _stop_when(stop: asyncio.Event, dispatcher: Dispatcher) -> None:
    await stop.wait()
    dispatcher.stop()
