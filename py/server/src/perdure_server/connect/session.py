"""One connection of an app, from its HELLO to its end."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from perdure.wire.base import MalformedMessage
from perdure.wire.headers import AUTHORIZATION
from perdure_connect.frames import (
    ANSWER,
    CALL,
    CONNECT_PATH,
    HELLO,
    REFUSED,
    RESPONSE,
    SLOTS,
    WELCOME,
    Frame,
    pack,
    unpack,
)
from perdure_engine.connected import connect_endpoint
from perdure_engine.endpoints import index_endpoint
from perdure_engine.errors import PerdureError
from perdure_server.api.tasks import stored_answer
from perdure_server.auth import authenticate, key_of
from perdure_server.connect.calls import check_call, serve_call
from perdure_server.connect.seat import RequestId, Seat
from perdure_server.errors import ApiError
from perdure_server.json_text import decode_json, encode_json
from perdure_server.params import is_minimal
from perdure_server.services import Services, services_of
from perdure_server.steps import begin_step, run_of

logger = logging.getLogger("perdure.server.connect")

_HELLO_WITHIN_S = 30.0
_MOST_SLOTS = 10_000
_LOST = (WebSocketDisconnect, RuntimeError)  # Starlette's for a socket that is closed while we send


class Session:
    """Serves one WebSocket."""

    def __init__(self, socket: WebSocket, services: Services) -> None:
        self._socket = socket
        self._services = services
        self._calls: set[asyncio.Task[None]] = set()
        self._key = ""
        self._is_open = True

    async def run(self) -> None:
        """Serve until the app leaves, or what it sends is no message of the protocol."""
        await self._socket.accept()
        try:
            async with asyncio.timeout(_HELLO_WITHIN_S):
                seat = await self._welcome()
        except (ApiError, PerdureError, MalformedMessage, TimeoutError) as error:
            await self._refuse(error)
            return
        except _LOST:
            return
        connector = self._services.connector
        sending = asyncio.create_task(seat.run())
        connector.add(seat)
        logger.info(
            "app connected endpoint_id=%s slots=%d held=%d", seat.endpoint_id, seat.slots, len(seat.held)
        )
        try:
            # A task of its own: else each message wakes all the layers of the app around this one.
            await asyncio.create_task(self._serve(seat))
        except MalformedMessage as error:
            logger.warning("connection closed endpoint_id=%s: %s", seat.endpoint_id, error)
            await self._socket.close(1002, _close_reason(error))
        except _LOST:
            pass
        finally:
            self._is_open = False
            sending.cancel()
            for call in self._calls:
                call.cancel()
            await asyncio.wait([sending, *self._calls])
            await connector.remove(seat)
            logger.info("app disconnected endpoint_id=%s held=%d", seat.endpoint_id, len(seat.held))

    async def _welcome(self) -> Seat:
        (hello,) = unpack(await self._socket.receive_bytes())
        caller = await authenticate(self._socket, public=False)
        self._key = key_of(self._socket)
        app, slots, held, sdk = _read_hello(hello)
        async with self._services.connection() as conn:
            endpoint = await connect_endpoint(conn, caller.environment_id, app)
            endpoint_id: str = decode_json(endpoint.decode()).value["id"]
            await index_endpoint(conn, endpoint_id, hello.body, sdk, cause="CONNECT")
        await self._send(Frame({"kind": WELCOME, "endpointId": endpoint_id}))
        return Seat(caller.environment_id, endpoint_id, slots, held, self._socket.send_bytes)

    async def _refuse(self, error: Exception) -> None:
        if isinstance(error, ApiError):
            text = error.text
        elif isinstance(error, PerdureError):
            text = error.message
        else:
            text = str(error) or f"there was no hello within {_HELLO_WITHIN_S:g} s"
        try:
            await self._send(Frame({"kind": REFUSED, "error": text}))
            await self._socket.close(1008, "refused")
        except _LOST:
            pass

    async def _send(self, frame: Frame) -> None:
        await self._socket.send_bytes(pack([frame]))

    async def _serve(self, seat: Seat) -> None:
        # What authenticates a call is the key that opened the connection, asked anew for each.
        key = self._socket.headers[AUTHORIZATION].encode()
        scope = {**self._socket.scope, "perdure.headers": [(AUTHORIZATION.encode(), key)]}
        connector = self._services.connector
        while True:
            for head, body in unpack(await self._socket.receive_bytes()):
                kind = head["kind"]
                if kind == CALL:
                    check_call(head)
                    if not self._store(seat, scope, head, body):
                        self._call(seat, scope, head, body)
                elif kind == ANSWER:
                    connector.answer(seat, head, body)
                elif kind == SLOTS:
                    connector.resize(seat, _read_slots(head))
                # Anything else is of a later version, and not for us.

    def _call(self, seat: Seat, scope: dict[str, Any], head: dict[str, Any], body: bytes) -> None:
        async def serve() -> None:
            seat.put(await serve_call(self._socket.app, scope, head, body))

        call = asyncio.create_task(serve())
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    def _store(self, seat: Seat, scope: dict[str, Any], head: dict[str, Any], body: bytes) -> bool:
        """The call that an execution makes for each of its steps, by the shortest way.

        Returns: False: it is another call, or one that is to be refused: the API says why.
        """
        run_id = run_of(head["path"]) if head["method"] == "PUT" else None
        if run_id is None:
            return False
        minimal = is_minimal(head.get("headers") or {})
        begun = begin_step(self._services, self._key, run_id, body, minimal=minimal)
        if begun is None:
            return False

        def answer(storing: asyncio.Future[list[bytes]]) -> None:
            if storing.cancelled():
                return
            if storing.exception() is None:
                told = {"kind": RESPONSE, "id": head["id"], "status": 200, "headers": {}}
                seat.put(Frame(told, stored_answer(storing.result())))
            elif self._is_open:
                self._call(seat, scope, head, body)  # storing the same again changes nothing

        begun.add_done_callback(answer)
        return True


def _read_hello(frame: Frame) -> tuple[str, int, dict[str, RequestId], bytes]:
    head = frame.head
    try:
        if head["kind"] != HELLO:
            raise ValueError(f"it is {head['kind']!r}")
        held = {text: RequestId.parse(text) for text in head.get("holding", [])}
        return str(head["app"]), _read_slots(head), held, encode_json(head.get("sdk", {})).encode()
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise MalformedMessage(f"the first message must be a hello: {error!r}") from error


def _close_reason(error: MalformedMessage) -> str:
    """What a close frame has room for: 123 bytes (RFC 6455, section 5.5)."""
    return str(error).encode(errors="replace")[:123].decode(errors="ignore")


def _read_slots(head: dict[str, Any]) -> int:
    slots = head.get("slots")
    if not isinstance(slots, int) or not 0 <= slots <= _MOST_SLOTS:
        raise MalformedMessage(f"slots must be a whole number in 0..{_MOST_SLOTS}, not {slots!r}")
    return slots


async def _connect(socket: WebSocket) -> None:
    await Session(socket, services_of(socket)).run()


connect_route = WebSocketRoute(CONNECT_PATH, _connect)
