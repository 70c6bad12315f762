"""The hourly budget of API calls and the headers that tell it."""

from __future__ import annotations

import time


class RateLimit:
    """Counts calls down from ``limit`` until ``reset_at`` (unix seconds), then starts again."""

    def __init__(self, limit: int = 5000) -> None:
        self.limit = limit
        self.remaining = limit
        self.reset_at = int(time.time()) + 3600

    def take(self) -> bool:
        """Count one call; False when none is left."""
        if time.time() >= self.reset_at:
            self.remaining, self.reset_at = self.limit, int(time.time()) + 3600
        if self.remaining == 0:
            return False
        self.remaining -= 1
        return True

    def set(self, *, remaining: int, reset_in_s: int) -> int:
        """Leave ``remaining`` calls for the next ``reset_in_s`` seconds; returns the reset, unix seconds."""
        self.remaining, self.reset_at = remaining, int(time.time()) + reset_in_s
        return self.reset_at

    def headers(self) -> dict[str, str]:
        """The headers of every answer."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-reset": str(self.reset_at),
            "x-ratelimit-used": str(self.limit - self.remaining),
            "x-ratelimit-resource": "core",
        }
