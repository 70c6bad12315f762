"""The loop: promote what is due, claim what is ready, sleep until there is more."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence

from perdure_dispatcher.clients import Clients
from perdure_dispatcher.deliveries import Deliveries
from perdure_dispatcher.executions import Executions
from perdure_dispatcher.settings import Settings
from perdure_dispatcher.slots import least_of
from perdure_dispatcher.wake import Wake
from perdure_engine.errors import DatabaseUnavailable, PerdureError
from perdure_engine.maintenance import promote_due
from perdure_engine.notifications import listen
from perdure_engine.pool import Pool
from perdure_engine.runs import ClaimedRun, ClaimOffer

logger = logging.getLogger(__name__)

ROLE = "perdure_dispatcher"
CHANNEL = "perdure_ready"

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_DRAIN_STEP_S = 0.25
_CLAIM_STEP_S = 0.01


class Dispatcher:
    """One dispatcher. Killed at any moment, its leases bring back what it had in hand.

    Args:
        pool: connections that act as ROLE; at most three are used at the same time. Not closed here.
        clients: for the requests to the apps and to others. Not closed here.
    """

    def __init__(self, settings: Settings, pool: Pool, clients: Clients) -> None:
        self._settings = settings
        self._pool = pool
        self._wake = Wake(max_sleep_s=settings.max_sleep_s)
        self._stopping = asyncio.Event()
        self._pause_s = 0.0
        self._executions = Executions(pool, clients, settings, self._wake, slots=settings.slots)
        self._deliveries = Deliveries(pool, clients, settings, self._wake, slots=settings.delivery_slots)

    @property
    def in_flight(self) -> int:
        """Claims whose result has not been handed in yet, or that are only being made."""
        held = self._executions.slots.held + self._deliveries.slots.held
        return held + self._executions.is_claiming

    def stop(self) -> None:
        """Claim nothing more; ``run`` returns when what is in flight has ended, or the drain time is over."""
        self._stopping.set()
        self._wake.rouse()

    def serves(self, environment_id: str) -> bool:
        """Whether it executes runs of an environment: of all, until it is told to stop."""
        return not self._stopping.is_set()

    def lacking(self, environment_id: str, events: int) -> int:
        """How many more slots it takes until what so many events start may begin, one run each."""
        return self._executions.lacking(events)

    async def wait_for_room(self, environment_id: str, events: int) -> None:
        """Wait for slots that will be free in a moment."""
        await self._executions.wait_for_room(events)

    def offer(self, environment_id: str, events: int) -> ClaimOffer | None:
        """What could be claimed at this moment by somebody else in this process, who then calls ``take``.

        Args:
            environment_id: not needed here: a dispatcher serves all environments.
            events: how many are sent.
        """
        if self._stopping.is_set() or not self._executions.may_claim:
            return None
        limit = self._executions.begin_claim(least_of(events))
        return ClaimOffer(self._settings.name, limit, self._settings.lease_margin, None)

    def take(self, offer: ClaimOffer, claims: Sequence[ClaimedRun]) -> None:
        """Execute what was claimed for an offer, which ends with it."""
        self._executions.end_claim(offer.limit, claims)

    async def run(self) -> bool:
        """Dispatch until ``stop`` is called, then drain. Cancelled: end at once, requests in flight too.

        Returns: True when everything in flight has ended, False when the drain time was over first.
        """
        logger.info("dispatching name=%s slots=%d", self._settings.name, self._settings.slots)
        listening = asyncio.create_task(self._listen(), name="listener")
        try:
            while not self._stopping.is_set():
                await self._round()
                if not self._stopping.is_set():
                    await self._wake.sleep()
            listening.cancel()
            return await self._drain()
        finally:
            listening.cancel()
            await asyncio.wait([listening])
            await self._executions.slots.cancel()
            await self._deliveries.slots.cancel()

    async def _round(self) -> None:
        """Look at whatever wants a look; one that fails for a reason of its own stops no other."""
        self._wake.begin()
        failed = False
        for look in self._wanted():
            if self._stopping.is_set():
                return
            try:
                await look()
            except DatabaseUnavailable as error:
                self._log_unavailable(error)
                failed = True
                break
            except PerdureError as error:  # says itself what to do about it
                logger.error("dispatcher failed in=%s: %s", look.__name__, error)
                failed = True
            except Exception:
                logger.exception("dispatcher failed in=%s", look.__name__)
                failed = True
        if failed:
            self._wake.hint_everything()
            await self._pause()
        elif self._pause_s:
            self._pause_s = 0.0
            logger.info("database answers again in_flight=%d", self.in_flight)

    def _wanted(self) -> Iterator[Callable[[], Awaitable[None]]]:
        """The looks that are wanted, each found out when it is its turn."""
        if self._executions.results.kept or self._deliveries.results.kept:
            yield self._hand_in_again
        if self._wake.due_wanted:
            yield self._promote
        if self._wake.runs_wanted and self._executions.may_claim:
            yield self._claim_runs
        if self._wake.deliveries_wanted and self._deliveries.may_claim:
            yield self._claim_deliveries

    async def _hand_in_again(self) -> None:
        """Kept results go first: before promote_due, which takes back the leases that ended meanwhile."""
        await self._executions.results.retry()
        await self._deliveries.results.retry()

    async def _promote(self) -> None:
        self._wake.look_at_due()
        async with self._pool.connection() as conn:
            promotion = await promote_due(conn)
        moved = promotion.promoted_runs + promotion.delivered_events + promotion.reaped_leases
        self._wake.saw_due(next_due_ms=promotion.next_due_ms, moved=moved > 0)
        if moved:
            self._wake.hint("runs")
            logger.log(
                logging.WARNING if promotion.reaped_leases else logging.INFO,
                "promoted runs=%d events=%d reaped_leases=%d next_due_ms=%s",
                promotion.promoted_runs,
                promotion.delivered_events,
                promotion.reaped_leases,
                promotion.next_due_ms,
            )

    async def _claim_runs(self) -> None:
        self._wake.look_at_runs()
        await self._executions.claim()

    async def _claim_deliveries(self) -> None:
        self._wake.look_at_deliveries()
        await self._deliveries.claim()

    def _log_unavailable(self, error: DatabaseUnavailable) -> None:
        kept = self._executions.results.kept + self._deliveries.results.kept
        logger.warning("database unavailable in_flight=%d kept=%d: %s", self.in_flight, kept, error)

    async def _pause(self) -> None:
        """Wait a little longer after each failure in a row, unless told to stop."""
        self._pause_s = min(max(2 * self._pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        jitter = random.uniform(0.8, 1.2)  # noqa: S311  # so that many dispatchers do not come back in step
        try:
            async with asyncio.timeout(self._pause_s * jitter):
                await self._stopping.wait()
        except TimeoutError:
            pass

    async def _listen(self) -> None:
        """Hints are welcome but not needed: whatever is wrong with listening must not end the loop."""
        while True:
            try:
                await listen(
                    self._settings.database_url,
                    role=ROLE,
                    channel=CHANNEL,
                    on_notify=self._wake.hint,
                    on_reconnect=self._wake.hint_everything,
                    application_name="perdure dispatcher listener",
                )
            except Exception:
                logger.exception("cannot listen; looking every %g s instead", self._settings.max_sleep_s)
            await asyncio.sleep(self._settings.max_sleep_s)

    async def _drain(self) -> bool:
        deadline = time.monotonic() + self._settings.drain_s
        logger.info("draining in_flight=%d drain_s=%g", self.in_flight, self._settings.drain_s)
        while self.in_flight and (left_s := deadline - time.monotonic()) > 0:
            if self._executions.is_claiming:
                await asyncio.sleep(_CLAIM_STEP_S)
            await self._executions.slots.wait_empty(min(left_s, _DRAIN_STEP_S))
            await self._deliveries.slots.wait_empty(min(left_s, _DRAIN_STEP_S))
            try:
                await self._hand_in_again()
            except DatabaseUnavailable as error:
                self._log_unavailable(error)
        if self.in_flight:
            logger.warning("drain time is over in_flight=%d: their leases bring them back", self.in_flight)
        else:
            logger.info("drained")
        return not self.in_flight
