"""One request, and what came of it: whatever happens, a judgement."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable
from dataclasses import dataclass

from perdure_dispatcher.verdict import Judgement, judge_own_error

logger = logging.getLogger(__name__)

NO_KEY = "The environment has no active API key to sign the request with: create one"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A judgement and how long it took to come by."""

    judgement: Judgement
    duration_ms: int


async def exchange(sending: Awaitable[Judgement], *, what: str) -> Exchange:
    """Send, and take the time.

    Args:
        sending: sends the request and judges the answer.
        what: names the claim in the log.
    """
    started_at = time.monotonic()
    try:
        judgement = await sending
    except Exception as error:  # a mistake of ours must not leave the claim without a result
        logger.exception("request failed in the dispatcher %s", what)
        judgement = judge_own_error(error)
    return Exchange(judgement, round((time.monotonic() - started_at) * 1000))
