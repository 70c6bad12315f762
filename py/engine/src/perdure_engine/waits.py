"""Why a run has not ended: one call for the SQL function that knows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ._call import fetch_value
from .pool import Connection


@dataclass(frozen=True, slots=True)
class Wait:
    """What a run waits for, or who is executing it."""

    reason: str
    """``PAUSED``, ``LIMIT``, ``TIMER`` …, each with its facts: see perdure.explain_wait."""
    sentence: str
    """For people; says no instant."""
    since: datetime | None
    until: datetime | None
    """``None``: open."""
    facts: Mapping[str, Any]


async def explain_wait(conn: Connection, environment_id: str, run_id: str) -> Wait | None:
    """Why a run has not ended; ``None``: it has.

    Args:
        conn: a connection of the server or an app.
        environment_id: where the run is.
        run_id: which one.
    Raises:
        NotFound: the environment has no such run.
    """
    document: bytes | None = await fetch_value(
        conn, "select perdure.explain_wait(%s, %s)", [environment_id, run_id]
    )
    if document is None:
        return None
    found = json.loads(document)
    return Wait(
        found["reason"],
        found["sentence"],
        _instant(found.get("since")),
        _instant(found.get("until")),
        found["facts"],
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
