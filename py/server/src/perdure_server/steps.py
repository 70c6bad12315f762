"""The call that an execution makes for each of its steps, by the shortest way (ADR 0061).

It is nearly all that an app asks for, and an app waits for each. What is not plain, or is to be refused,
takes the way of every other call: storing the same again changes nothing.
"""

from __future__ import annotations

import asyncio
import re

from perdure_server.api.tasks import calls_of
from perdure_server.auth import is_secret
from perdure_server.grouped_writes import LoneTask
from perdure_server.services import Services

PATH = r"/api/v1/runs/(?P<run_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/tasks"
"""A regular expression: the call is a PUT to such a path."""
_PATH = re.compile(PATH)


def run_of(path: str) -> str | None:
    """The id of the run whose tasks a PUT to this path stores; None: it is another call's."""
    found = _PATH.fullmatch(path)
    return None if found is None else found["run_id"]


def begin_step(
    services: Services, key: str, run_id: str, body: bytes, *, minimal: bool, at_once: bool = False
) -> asyncio.Future[list[bytes]] | None:
    """Store what such a call brings.

    Args:
        key: the API key that came with it.
        run_id: in the form in which ids are written.
        body: of the call.
        minimal: as ``TaskWriter.upsert``.
        at_once: the call came by itself, so a ``minimal`` one need not wait for others in this turn.
    Returns: the answers; ``None``: nothing was begun, and the API says what is to be said. So it does where
        there are no answers, which only ``at_once`` has.
    """
    caller = services.callers.remembered(key)
    if (
        caller is None
        or not is_secret(caller)
        or services.rate_limiter is not None
        or len(body) > services.settings.json_body_limit
    ):
        return None
    try:
        calls = calls_of(caller.environment_id, run_id, body)
        begun = None
        if at_once and minimal and isinstance(calls, LoneTask):
            begun = services.tasks.begin_lone(calls)
    except Exception:  # whatever is wrong: the API says it
        return None
    return begun or services.tasks.upsert(calls, minimal=minimal)
