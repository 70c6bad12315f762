"""One signed request to an endpoint, and what came of it: whatever happens, a judgement."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from perdure.wire.endpoint_request import EndpointRequest
from perdure.wire.http import HttpClient, HttpError
from perdure_dispatcher.verdict import Judgement, Verdict, judge_answer, judge_failure, judge_own_error

logger = logging.getLogger(__name__)

NO_KEY = "The environment has no active API key to sign the request with: create one"


class Claimed(Protocol):
    """What a claim says about the request to make."""

    @property
    def url(self) -> str:
        """Where to POST."""

    @property
    def timeout_ms(self) -> int:
        """For the whole exchange."""

    @property
    def signing_secrets(self) -> Sequence[bytes]:
        """One for each active key of the environment."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A judgement and how long it took to come by."""

    judgement: Judgement
    duration_ms: int


async def exchange(
    http: HttpClient,
    claimed: Claimed,
    build: Callable[[], EndpointRequest],
    parse: Callable[[bytes], object],
    *,
    max_response_bytes: int,
    what: str,
) -> Exchange:
    """POST what was claimed and judge the answer. Redirects are not followed.

    Args:
        build: makes the signed request; called once, just before it is sent.
        parse: reads the body of a good answer; raises MalformedMessage when it is none.
        max_response_bytes: largest answer.
        what: names the claim in the log.
    """
    started_at = time.monotonic()
    try:
        judgement = await _judged(http, claimed, build, parse, max_response_bytes)
    except Exception as error:  # a mistake of ours must not leave the claim without a result
        logger.exception("request failed in the dispatcher %s", what)
        judgement = judge_own_error(error)
    return Exchange(judgement, round((time.monotonic() - started_at) * 1000))


async def _judged(
    http: HttpClient,
    claimed: Claimed,
    build: Callable[[], EndpointRequest],
    parse: Callable[[bytes], object],
    max_response_bytes: int,
) -> Judgement:
    if not claimed.signing_secrets:
        return Judgement(Verdict.UNREACHABLE, message=NO_KEY)
    request = build()
    try:
        answer = await http.request(
            "POST",
            claimed.url,
            request.headers,
            request.body,
            timeout_s=claimed.timeout_ms / 1000,
            max_response_bytes=max_response_bytes,
        )
    except HttpError as error:
        return judge_failure(error)
    return judge_answer(answer, parse)
