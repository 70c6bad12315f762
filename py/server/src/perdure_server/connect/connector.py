"""The dispatcher of connected apps: claims what is ready for them, stores answers, renews leases."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from perdure.wire.base import MalformedMessage
from perdure.wire.headers import EXTENSION_VERSION, PERDURE_VERSION, Action
from perdure.wire.http import ConnectionFailed, HttpResponse
from perdure_connect.frames import DROP, Frame
from perdure_dispatcher.executions import body_with_connections
from perdure_dispatcher.slots import least_of, wave_of
from perdure_dispatcher.turnover import Turnover
from perdure_dispatcher.verdict import judge_unsendable
from perdure_engine.connected import renew_leases
from perdure_engine.deliveries import ClaimedDelivery, claim_deliveries
from perdure_engine.errors import DatabaseUnavailable, NoSecretKey, PerdureError, UnknownSecretKey
from perdure_engine.notifications import listen
from perdure_engine.runs import ClaimedRun, ClaimOffer, claim_runs
from perdure_engine.sealing import SecretBox
from perdure_server.connect.answers import Answer, Answers, Connect, judge
from perdure_server.connect.seat import RequestId, Seat

logger = logging.getLogger("perdure.server.connect")

RUNS, DELIVERIES = "connected", "deliveries"
"""What there may be to claim, as notifications say it."""
LEASE = timedelta(seconds=15)
"""How long an execution is left to an app; renewed as long as it is connected."""
GRACE = timedelta(seconds=5)
"""How long it is left to an app whose connection was lost: it may come back, here or to another server."""
_RENEW_EVERY_S = GRACE.total_seconds() / 2
"""Often enough for a server that learns late of a lost connection, and cuts what is renewed here already."""
_LARGEST_CLAIM = 200  # from the queue: each may bring megabytes of finished tasks
_LARGEST_DELIVERY_CLAIM = 10
_LOOK_EVERY_S = 15.0  # for when hints are lost
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


class Connector:
    """Serves the apps whose connections this server holds. Killed, the leases bring back what they had.

    Args:
        url: of the database, to listen; ``role`` acts on it.
        name: kept with the leases, for people.
        connect: gives a connection for one call.
        box: opens the stored tokens of connections to services.
    """

    def __init__(self, *, url: str, role: str, name: str, connect: Connect, box: SecretBox) -> None:
        self._url = url
        self._role = role
        self._name = name
        self._connect = connect
        self._box = box
        self._seats: list[Seat] = []
        self._questions: dict[str, asyncio.Future[HttpResponse]] = {}
        self._answers = Answers(connect, on_idle=self._look_again)
        self._promised = 0
        self._wanted = {RUNS, DELIVERIES}
        self._wake = asyncio.Event()
        self._turnover = Turnover()
        self._seated = asyncio.Event()
        self._came_back = asyncio.Event()

    async def run(self) -> None:
        """Serve until cancelled. Without an app it does nothing at all."""
        await self._seated.wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._renew())
            group.create_task(self._claim())

    async def drain(self, timeout_s: float) -> None:
        """Wait until the answers that came are stored."""
        await self._answers.drain(timeout_s)

    def add(self, seat: Seat) -> None:
        """An app is connected."""
        self._seats.append(seat)
        self._seated.set()
        self._want(RUNS, DELIVERIES)
        if seat.held:  # their leases were cut short when the earlier connection was lost
            self._came_back.set()

    async def remove(self, seat: Seat) -> None:
        """Its connection is lost: what it has is soon given to others, unless it comes back."""
        self._seats.remove(seat)
        for id in seat.held:
            if (future := self._questions.get(id)) is not None and not future.done():
                future.set_exception(ConnectionFailed("the connection of the app was lost"))
        if held := _runs_of(seat):
            try:
                await self._renew_for(held, GRACE)
            except PerdureError as error:
                logger.warning("leases not shortened count=%d: %s", len(held), error)

    def resize(self, seat: Seat, slots: int) -> None:
        """An app takes more or fewer requests from now on."""
        seat.slots = slots
        self._want(RUNS, DELIVERIES)

    async def ask(
        self, endpoint_id: str, action: str, headers: Mapping[str, str], body: bytes
    ) -> HttpResponse:
        """Ask an app something whose answer is wanted at once.

        Raises:
            ConnectionFailed: it is not connected to this server, or not any more.
        """
        seat = self._seat_for(endpoint_id)
        if seat is None:
            raise ConnectionFailed("the app is not connected to this server")
        id = RequestId.of("question", str(uuid4()), 0)
        future: asyncio.Future[HttpResponse] = asyncio.get_running_loop().create_future()
        self._questions[id.text] = future
        seat.give(id, {"action": action, "headers": dict(headers)}, body)
        try:
            return await future
        finally:
            del self._questions[id.text]

    def answer(self, seat: Seat, head: Mapping[str, Any], body: bytes) -> None:
        """An app answered a request, perhaps one of an earlier connection.

        Raises:
            MalformedMessage: it is no answer.
        """
        try:
            id = seat.held.get(head["id"]) or RequestId.parse(head["id"])
            response = HttpResponse(int(head["status"]), dict(head.get("headers") or {}), body)
            duration_ms = int(head.get("ms", 0))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise MalformedMessage(f"not an answer: {error!r}") from error
        seat.held.pop(id.text, None)
        self._turnover.slot_freed()
        if self._wanted:
            self._wake.set()
        if id.kind == "question":
            if (future := self._questions.get(id.text)) is not None and not future.done():
                future.set_result(response)
            seat.settle([id.text])
            return
        self._answers.add(Answer(id, judge(id, response), duration_ms, seat.settle))

    async def _claim(self) -> None:
        pause_s = 0.0
        while True:
            try:
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._wake.wait()
            except TimeoutError:
                self._want(RUNS, DELIVERIES)
            self._wake.clear()
            try:
                if RUNS in self._wanted:
                    await self._claim_runs()
                if DELIVERIES in self._wanted:
                    await self._claim_deliveries()
            except Exception as error:
                if isinstance(error, DatabaseUnavailable):
                    logger.warning("cannot claim: %s", error)
                else:
                    logger.exception("cannot claim")
                self._want(RUNS, DELIVERIES)
                pause_s = min(max(2 * pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
                await asyncio.sleep(pause_s)
            else:
                pause_s = 0.0

    def serves(self, environment_id: str) -> bool:
        """Whether an app of this environment is connected."""
        return any(seat.environment_id == environment_id for seat in self._seats)

    def lacking(self, environment_id: str, events: int) -> int:
        """How many more slots it takes until what so many events start may begin, one run each."""
        seats = self._seats_of(environment_id)
        return min(events, sum(seat.slots for seat in seats)) - self._free(seats)

    async def wait_for_room(self, environment_id: str, events: int) -> None:
        """Wait for slots that will be free in a moment, a wave at most: for more, others would stay empty."""
        if events <= _wave_of(self._seats_of(environment_id)):
            await self._turnover.wait_for_room(lambda: self.lacking(environment_id, events))

    def offer(self, environment_id: str, events: int) -> ClaimOffer | None:
        """The free slots of an environment's apps, for runs that its events start; ``take`` ends it."""
        return self._offer(self._seats_of(environment_id), least_of(events))

    def take(self, offer: ClaimOffer, claims: Sequence[ClaimedRun]) -> None:
        """Give what was claimed for an offer to the apps."""
        self._promised -= offer.limit
        if len(claims) == offer.limit:  # there may be more
            self._want(RUNS)
        self._look_again()
        self._give_runs(claims)

    def _want(self, *what: str) -> None:
        """There may be something to claim."""
        self._wanted.update(what)
        self._wake.set()

    def _look_again(self) -> None:
        """There may be room for what was wanted and could not be claimed."""
        self._turnover.look_again()
        if self._wanted:
            self._wake.set()

    async def _claim_runs(self) -> None:
        offer = self._offer(self._seats)
        if offer is None:
            return
        self._wanted.discard(RUNS)
        claims: list[ClaimedRun] = []
        try:
            async with self._connect() as conn:
                claims = await claim_runs(conn, *offer)
        finally:
            self.take(offer, claims)

    def _offer(self, seats: Sequence[Seat], least: int = 1) -> ClaimOffer | None:
        """A wave of the free slots of these seats, or as many as are needed, each promised to one claim only.

        While answers are being stored, or a claim is under way, more slots will be free in a moment: till
        then it takes a whole wave to be worth a claim.
        """
        wave = min(_wave_of(seats), _LARGEST_CLAIM)
        limit = min(self._free(seats), max(wave, least))
        if limit <= 0 or (limit < wave and (self._promised or self._answers.under_way)):
            return None
        self._promised += limit
        return ClaimOffer(self._name, limit, LEASE, _endpoints([seat for seat in seats if seat.room]))

    def _seats_of(self, environment_id: str) -> list[Seat]:
        return [seat for seat in self._seats if seat.environment_id == environment_id]

    def _free(self, seats: Sequence[Seat]) -> int:
        """Slots that are neither held nor promised."""
        return sum(seat.room for seat in seats) - self._promised

    def _give_runs(self, claims: Sequence[ClaimedRun]) -> None:
        head = {"action": Action.EXECUTE_JOB, "headers": {PERDURE_VERSION: EXTENSION_VERSION}}
        for claim in claims:
            id = RequestId.of("run", claim.run_id, claim.lease_number)
            try:
                body = body_with_connections(claim, self._box.open)
            except (NoSecretKey, UnknownSecretKey) as error:
                self._refuse(id, error.message)
            else:
                self._give(claim, id, head, body)

    async def _claim_deliveries(self) -> None:
        free = [seat for seat in self._seats if seat.room]
        limit = min(sum(seat.room for seat in free), _LARGEST_DELIVERY_CLAIM)
        if not limit:
            return
        self._wanted.discard(DELIVERIES)
        async with self._connect() as conn:
            claims = await claim_deliveries(conn, self._name, limit, LEASE, _endpoints(free))
        if len(claims) == limit:
            self._want(DELIVERIES)
        for claim in claims:
            id = RequestId.of("delivery", claim.delivery_id, claim.lease_number)
            head = {"action": claim.action, "headers": json.loads(claim.headers or b"{}")}
            self._give(claim, id, head, claim.body or b"")

    def _give(
        self, claim: ClaimedRun | ClaimedDelivery, id: RequestId, head: dict[str, Any], body: bytes
    ) -> None:
        seat = self._seat_for(claim.endpoint_id)
        if seat is None:  # lost in this moment; the lease brings it back
            return
        seat.give(id, head, body)

    def _seat_for(self, endpoint_id: str | None) -> Seat | None:
        """The one with most room."""
        seats = [seat for seat in self._seats if seat.endpoint_id == endpoint_id]
        if len(seats) == 1:
            return seats[0]
        return max(seats, key=lambda seat: seat.slots - len(seat.held), default=None)

    def _refuse(self, id: RequestId, reason: str) -> None:
        self._answers.add(Answer(id, judge_unsendable(reason), 0, _tell_nobody))

    async def _renew(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_RENEW_EVERY_S):
                    await self._came_back.wait()
            self._came_back.clear()
            held = [one for seat in self._seats for one in _runs_of(seat)]
            if not held:
                continue
            try:
                kept = await self._renew_for(held, LEASE)
            except DatabaseUnavailable as error:
                logger.warning("leases not renewed count=%d: %s", len(held), error)
                continue
            except Exception:
                logger.exception("leases not renewed count=%d", len(held))
                continue
            lost = {one.text for one in held if one.subject_id not in kept}
            for seat in self._seats:
                for text in lost & seat.held.keys():
                    del seat.held[text]
                    seat.put(Frame({"kind": DROP, "id": text}))
            if lost:
                self._look_again()

    async def _renew_for(self, held: Collection[RequestId], duration: timedelta) -> set[str]:
        async with self._connect() as conn:
            return await renew_leases(
                conn, [one.subject_id for one in held], [one.lease_number for one in held], duration
            )

    async def _listen(self) -> None:
        while True:
            try:
                await listen(
                    self._url,
                    role=self._role,
                    channel="perdure_ready",
                    on_notify=self._hear,
                    on_reconnect=lambda: self._want(RUNS, DELIVERIES),
                    application_name="perdure-server listener",
                )
            except Exception:
                logger.exception("cannot listen; looking every %g s instead", _LOOK_EVERY_S)
            await asyncio.sleep(_LOOK_EVERY_S)

    def _hear(self, payload: str) -> None:
        if payload in (RUNS, DELIVERIES):
            self._want(payload)


def _runs_of(seat: Seat) -> list[RequestId]:
    return [one for one in seat.held.values() if one.kind == "run"]


def _tell_nobody(ids: Sequence[str]) -> None:
    """No app has these requests."""


def _wave_of(seats: Sequence[Seat]) -> int:
    return wave_of(sum(seat.slots for seat in seats))


def _endpoints(seats: Collection[Seat]) -> list[str]:
    return list({seat.endpoint_id for seat in seats})
