"""A limit on the requests of each API key: a bucket of tokens that is filled again in steps."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from perdure_server.errors import ApiError


@dataclass(frozen=True, slots=True)
class RateLimit:
    """``burst`` requests at once, and ``refill`` more every ``period_s`` seconds."""

    burst: int
    refill: int
    period_s: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``750+250/10s``.

        Raises:
            ValueError: it has another form, or a zero.
        """
        found = re.fullmatch(r"([1-9]\d*)\+([1-9]\d*)/([1-9]\d*)s", text, re.ASCII)
        if found is None:
            raise ValueError(
                "must be such as 750+250/10s (750 requests at once, and 250 more every 10 seconds), "
                f"not {text!r}"
            )
        return cls(*map(int, found.groups()))


class TooManyRequests(ApiError):
    """The key's bucket is empty."""

    def __init__(self, limit: RateLimit, reset_at: float) -> None:
        super().__init__(
            429,
            "RATE_LIMITED",
            f"too many requests with this key: {limit.burst} at once, and {limit.refill} more every "
            f"{limit.period_s} s; x-ratelimit-reset says when there are more",
            headers={
                "x-ratelimit-limit": str(limit.burst),
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": str(int(reset_at * 1000)),  # the v2 JavaScript SDK yields until then
            },
        )


@dataclass(slots=True)
class _Bucket:
    tokens: int
    filled_at: float


class RateLimiter:
    """The buckets of one server process, one for each key.

    Args:
        limit: for each key.
        now: unix seconds.
    """

    def __init__(self, limit: RateLimit, now: Callable[[], float] = time.time) -> None:
        self._limit = limit
        self._now = now
        self._buckets: dict[str, _Bucket] = {}

    def take(self, key_id: str) -> None:
        """Count one request.

        Args:
            key_id: of a key that exists, so that there are no more buckets than keys.
        Raises:
            TooManyRequests: 429.
        """
        limit, now = self._limit, self._now()
        bucket = self._buckets.setdefault(key_id, _Bucket(limit.burst, now))
        steps = int((now - bucket.filled_at) // limit.period_s)
        if steps > 0:
            bucket.tokens = min(limit.burst, bucket.tokens + steps * limit.refill)
            bucket.filled_at += steps * limit.period_s
        if bucket.tokens == 0:
            raise TooManyRequests(limit, bucket.filled_at + limit.period_s)
        bucket.tokens -= 1
