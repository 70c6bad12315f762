"""Deliveries: a request that came in or went out, what became of it, and handing it over again."""

from __future__ import annotations

import json
from codecs import getincrementaldecoder
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from perdure_engine import deliveries
from perdure_engine.deliveries import Delivery, DeliveryFacts
from perdure_engine.pool import Connection
from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page, Visit
from perdure_server.dashboard.rendering import pretty_json, render
from perdure_server.params import path_uuid

_BODY_LIMIT = 64 * 1024  # bytes of a body that are shown
_HEX_LIMIT = 4 * 1024  # bytes of one that is no text
_IN_A_LINE = 16

KINDS = {
    "SOURCE_REQUEST": "a source's request",
    "WEBHOOK_REQUEST": "a webhook's request",
    "RUN_NOTIFICATION": "the end of a run, told to the app",
    "RUN_WEBHOOK": "the end of a run, told to a URL",
    "EVENT": "an event that somebody waited for",
    "FETCH": "a request of a task",
    "INDEX": "a reading of the app",
    "PROBE": "a probe of the app's time limit",
    "PREPROCESS": "the properties of a run",
}
"""What deliveries are about, for people."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery, in words; ``kind`` is that of a badge."""

    kind: str
    word: str
    reason: str = ""


async def show_delivery(visit: Visit) -> Response:
    """One delivery: the request as it came, without what lets somebody in, and the answer to it."""
    async with visit.connection() as conn:
        one = await _found(visit, conn)
        brought = await deliveries.list_delivery_events(conn, visit.environment.id, [one.id])
    request: Any = json.loads(one.request or b"null")
    came_in = one.kind in ("SOURCE_REQUEST", "WEBHOOK_REQUEST") and isinstance(request, dict)
    return render(
        visit,
        "delivery.html",
        one=one,
        kind=KINDS.get(one.kind, one.kind),
        outcome=outcome_of(one),
        came_in=came_in,
        request=request if came_in else None,
        body=body_text(one.body) if one.body is not None else None,
        is_text=is_text(one.body or b""),
        is_cut=one.body is not None and (one.body_size or 0) > len(one.body),
        brought=brought,
        subject=_subject(visit, one),
        may_redeliver=one.status != "PENDING"
        and one.kind in ("SOURCE_REQUEST", "WEBHOOK_REQUEST", "RUN_NOTIFICATION", "RUN_WEBHOOK"),
    )


async def redeliver(visit: Visit) -> Response:
    """Hand what was kept to its receiver again, as a new delivery."""
    async with visit.connection() as conn:
        one = await _found(visit, conn)
    async with visit.changing("delivery.redeliver", one.id) as change:
        new_id = await deliveries.redeliver(change.conn, visit.environment.id, one.id)
        change.after = {"delivery": new_id}
    return visit.redirect(
        visit.here(f"/triggers/deliveries/{new_id}"), notice="This is the new delivery. It is on its way."
    )


def outcome_of(delivery: Delivery | DeliveryFacts) -> Outcome:
    """Verified or not, taken or not, and why."""
    if delivery.status == "FAILED":
        return Outcome("bad", "Failed", delivery.message or "")
    if delivery.status == "PENDING":
        if delivery.attempt_count == 0:
            return Outcome("busy", "On its way")
        return Outcome("wait", "Tried again later", delivery.message or "")
    response: Any = json.loads(delivery.response or b"null")
    if not isinstance(response, dict):
        return Outcome("good", "Delivered")
    if delivery.kind == "WEBHOOK_REQUEST":
        if response.get("verified") is False:
            return Outcome("bad", "Not verified", str(response.get("error") or ""))
        return Outcome("good", "Verified" if response.get("verified") is True else "Delivered")
    status = response.get("status")
    if delivery.kind == "SOURCE_REQUEST" and isinstance(status, int) and status >= 400:
        return Outcome("bad", "Refused by the app", f"It answered {status} to the provider's request")
    return Outcome("good", "Delivered")


def is_text(body: bytes) -> bool:
    """Whether it can be shown as a text: UTF-8, perhaps cut within a letter, without control characters."""
    try:
        text = getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter in "\n\r\t" or ord(letter) > 0x9F for letter in text)


def body_text(body: bytes) -> str:
    """A body for people: JSON on several lines, another text as it is, else bytes in hexadecimal."""
    if is_text(body):
        return pretty_json(body)
    lines = []
    for start in range(0, min(len(body), _HEX_LIMIT), _IN_A_LINE):
        part = body[start : start + _IN_A_LINE]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{start:06x}  {part.hex(' '):<47}  {letters}")
    if len(body) > _HEX_LIMIT:
        lines.append("…")
    return "\n".join(lines)


def _subject(visit: Visit, one: DeliveryFacts) -> tuple[str, str] | None:
    """What it is about: a word for it, and its page."""
    match one.kind:
        case "SOURCE_REQUEST":
            return "the source", visit.here(f"/triggers/sources/{one.subject_id}")
        case "WEBHOOK_REQUEST":
            return "the webhook", visit.here(f"/triggers/webhooks/{one.subject_id}")
        case "RUN_NOTIFICATION" | "RUN_WEBHOOK" | "PREPROCESS":
            return "the run", visit.here(f"/runs/{one.subject_id}")
        case _:
            return None


async def _found(visit: Visit, conn: Connection) -> DeliveryFacts:
    delivery_id = path_uuid(visit.request, "delivery_id", what="delivery")
    one = await deliveries.read_delivery(conn, visit.environment.id, delivery_id, _BODY_LIMIT)
    if one is None:
        raise HTTPException(404)
    return one


_PATH = f"{ENVIRONMENT}/triggers/deliveries/{{delivery_id}}"
PAGES = (
    Page(_PATH, show_delivery, Needs.VIEWER, live_s=2),
    Page(f"{_PATH}/redeliver", redeliver, Needs.MEMBER, "POST"),
)
