"""Retry policies of tasks."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.wire.tasks import RetryPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How a failing task is tried again. The platform computes the delays, from its own clock.

    Args:
        limit: tries in all, the first included.
        factor: how the delay grows from one retry to the next.
        min_delay_s: seconds before the first retry.
        max_delay_s: most seconds between two tries.
        randomize: multiply each delay by 1 to 2 at random, so that failing tasks do not move in step.
    """

    limit: int = 5
    factor: float = 1.8
    min_delay_s: float = 1.0
    max_delay_s: float = 60.0
    randomize: bool = True

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError(f"limit counts every try, so it must be 1 or more, not {self.limit}")
        if self.factor < 1:
            raise ValueError(f"factor must be 1 or more, not {self.factor}")
        if not 0 <= self.min_delay_s <= self.max_delay_s:
            raise ValueError(f"delays must be 0 <= min <= max, not {self.min_delay_s} and {self.max_delay_s}")

    def to_wire(self) -> RetryPolicy:
        """The policy as it travels, in milliseconds."""
        return RetryPolicy(
            limit=self.limit,
            factor=self.factor,
            min_timeout_in_ms=round(self.min_delay_s * 1000),
            max_timeout_in_ms=round(self.max_delay_s * 1000),
            randomize=self.randomize,
        )


STANDARD_BACKOFF = Retry(limit=8, factor=1.8, min_delay_s=0.5, max_delay_s=30)
"""For calls to other services: 8 tries over about a minute."""

EXPONENTIAL_BACKOFF = Retry(limit=8, factor=2, min_delay_s=1, max_delay_s=30)
"""Slower: 8 tries over about two minutes."""
