"""What executions and deliveries share: claim, send with no transaction open, hand in what came back."""

from __future__ import annotations

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import psycopg
from psycopg.errors import ProgramLimitExceeded, StatementTooComplex

from perdure_dispatcher.clients import Clients
from perdure_dispatcher.results import Result, Results
from perdure_dispatcher.settings import Settings
from perdure_dispatcher.slots import Slots, wave_of
from perdure_dispatcher.turnover import Turnover
from perdure_dispatcher.verdict import Judgement, Verdict, judge_own_error, judge_refused
from perdure_dispatcher.wake import Wake
from perdure_engine.errors import DatabaseUnavailable, NotMigrated, PerdureError
from perdure_engine.pool import Connection, Pool
from perdure_engine.sealing import SecretBox

logger = logging.getLogger(__name__)

LEASE_LOST = "LEASE_LOST"
"""The outcome of a result that came too late: somebody else has the lease, or had it."""

_REFUSALS = (psycopg.DataError, psycopg.IntegrityError, StatementTooComplex, ProgramLimitExceeded)
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0


class LeasedClaim(Protocol):
    """What was claimed, for as long as its lease holds."""

    @property
    def lease_number(self) -> int:
        """Which claim it is; a result carries it."""

    @property
    def timeout_ms(self) -> int:
        """For the whole exchange."""


ClaimT = TypeVar("ClaimT", bound=LeasedClaim)


class Work(ABC, Generic[ClaimT]):
    """One kind of claim and the requests that are under way for it.

    Args:
        clients: shared between kinds; not closed here.
        wake: told of free slots, and of what results make due.
        slots: most requests at the same time.
    """

    noun: ClassVar[str]
    """For the log."""
    id_member: ClassVar[str]
    """What a result calls the claim's id."""
    hint: ClassVar[str]
    """What Wake calls more of them."""
    largest_claim: ClassVar[int]
    """Most in one claim: a bound for what comes in one answer from the database."""
    waiting: ClassVar[frozenset[str]]
    """Outcomes after which something is due later."""

    def __init__(self, pool: Pool, clients: Clients, settings: Settings, wake: Wake, *, slots: int) -> None:
        self._pool = pool
        self._clients = clients
        self._settings = settings
        self._box = SecretBox.from_setting(settings.secret_keys)
        self._wake = wake
        self._is_claiming = False
        self._turnover = Turnover()
        self.slots = Slots(slots, on_free=self._slot_freed)
        self._wave = wave_of(slots)
        self.results = Results(self.apply, self.outcomes, on_kept=wake.hint_everything)

    @property
    def may_claim(self) -> bool:
        """Whether a claim is worth its call: a claim of many costs hardly more than one of a few.

        Results that are being handed in will free slots in a moment, together; until then a wave of slots
        must be free. One claim at a time: no slot is promised twice.
        """
        return (
            self.slots.free > 0
            and not self._is_claiming
            and (not self.results.under_way or self.slots.free >= self._wave)
        )

    @property
    def is_claiming(self) -> bool:
        """Whether a claim is under way, which may bring requests."""
        return self._is_claiming

    async def claim(self) -> None:
        """Claim for the free slots and start the requests.

        Raises:
            DatabaseUnavailable: no answer. What was claimed all the same comes back when its lease ends.
        """
        limit = self.begin_claim()
        claims: Sequence[ClaimT] = ()
        try:
            async with self._pool.connection() as conn:
                claims = await self.claim_some(conn, limit)
        finally:
            self.end_claim(limit, claims)

    def lacking(self, count: int) -> int:
        """How many more slots it takes for a claim that brings this many, or fills all of them.

        While another claim is under way one at least.
        """
        return max(min(count, self.slots.limit) - self.slots.free, int(self._is_claiming))

    async def wait_for_room(self, count: int) -> None:
        """Wait for slots that will be free in a moment, a wave at most: for more, others would stay empty."""
        if count <= self._wave:
            await self._turnover.wait_for_room(lambda: self.lacking(count))

    def begin_claim(self, least: int = 1) -> int:
        """Promise free slots to a claim; returns how many it may bring.

        Args:
            least: it should bring at least this many, if there are slots for them.
        """
        self._is_claiming = True
        return min(self.slots.free, max(min(self._wave, self.largest_claim), least))

    def end_claim(self, limit: int, claims: Sequence[ClaimT]) -> None:
        """Start the requests of a claim of up to ``limit``."""
        self._is_claiming = False
        if len(claims) == limit:
            self._wake.hint(self.hint)  # there may be more
        else:
            self._wake.slot_freed()  # a look may have been put off meanwhile
        self._turnover.look_again()
        claimed_at = time.monotonic()
        alone = len(claims) == 1
        for claim in claims:
            self.slots.start(self._carry_out(claim, claimed_at, alone), name=self.claim_id(claim))

    def _slot_freed(self) -> None:
        self._turnover.slot_freed()
        self._wake.slot_freed()

    @abstractmethod
    async def claim_some(self, conn: Connection, limit: int) -> Sequence[ClaimT]:
        """Take up to ``limit`` that are ready."""

    @abstractmethod
    def claim_id(self, claim: ClaimT) -> str:
        """What the database calls it."""

    @abstractmethod
    async def send(self, claim: ClaimT, *, alone: bool) -> Judgement:
        """Send the request and judge what comes back.

        Args:
            alone: nothing else was claimed with it.
        """

    @abstractmethod
    def apply(self, results: Sequence[bytes]) -> Awaitable[Any]:
        """Hand in results, JSON each, in one transaction."""

    @abstractmethod
    def outcomes(self, rows: Any) -> Mapping[str, str]:
        """The outcome for each id, of what ``apply`` brought."""

    def unseal(self, sealed: str | None) -> str | None:
        """A secret in clear.

        Raises:
            NoSecretKey: this process has no keys.
            UnknownSecretKey: none of its keys has sealed it.
        """
        return None if sealed is None else self._box.open(sealed)

    async def _carry_out(self, claim: ClaimT, claimed_at: float, alone: bool) -> None:
        begun_at = time.monotonic()
        try:
            judgement = await self.send(claim, alone=alone)
        except Exception as error:  # a mistake of ours must not leave the claim without a result
            logger.exception("request failed in the dispatcher %s", self._describe(claim))
            judgement = judge_own_error(error)
        duration_ms = round((time.monotonic() - begun_at) * 1000)
        lease_ends_at = claimed_at + claim.timeout_ms / 1000 + self._settings.lease_margin_s
        try:
            outcome = await self._hand_in(claim, judgement, duration_ms, lease_ends_at)
        except Exception as error:
            if not _is_about_the_result(error):
                raise
            # The database must learn of it, or the same would be asked and answered again and again.
            logger.warning("result refused %s: %s", self._describe(claim), error)
            judgement = judge_refused(judgement, error)
            outcome = await self._hand_in(claim, judgement, duration_ms, lease_ends_at)
        self._log_end(claim, judgement, duration_ms, outcome)
        if outcome in self.waiting:
            self._wake.hint("due")

    async def _hand_in(
        self, claim: ClaimT, judgement: Judgement, duration_ms: int, lease_ends_at: float
    ) -> str:
        """Store the result; what is no fault of its own, such as a missing right, may be cured meanwhile."""
        id = self.claim_id(claim)
        document = judgement.result(
            self.id_member, id, lease_number=claim.lease_number, duration_ms=duration_ms
        )
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return await self.results.store(Result(id, document), lease_ends_at=lease_ends_at)
            except DatabaseUnavailable:
                raise
            except Exception as error:
                if _is_about_the_result(error) or time.monotonic() + pause_s > lease_ends_at:
                    raise
                logger.error("result not stored %s: %s", self._describe(claim), error)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _describe(self, claim: ClaimT) -> str:
        return f"{self.noun} id={self.claim_id(claim)} lease_number={claim.lease_number}"

    def _log_end(self, claim: ClaimT, judgement: Judgement, duration_ms: int, outcome: str) -> None:
        unusual = judgement.verdict is not Verdict.REPLY or outcome == LEASE_LOST
        level = logging.WARNING if unusual else logging.INFO
        if logger.isEnabledFor(level):
            logger.log(
                level,
                "%s verdict=%s http_status=%s duration_ms=%d outcome=%s message=%r",
                self._describe(claim),
                judgement.verdict,
                judgement.http_status,
                duration_ms,
                outcome,
                judgement.message,
            )


def _is_about_the_result(error: Exception) -> bool:
    """Whether the database refuses this one result, and would refuse it again."""
    if isinstance(error, PerdureError):
        return not isinstance(error, DatabaseUnavailable | NotMigrated)
    return isinstance(error, _REFUSALS)
