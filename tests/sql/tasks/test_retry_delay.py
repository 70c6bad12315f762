"""The delay before the next attempt: section 6.1 of the protocol."""

from typing import Any

import pytest

from tests.support.database import Database


def delay_ms(db: Database, policy: Any, attempt: int) -> float:
    delay = db.call("_retry_delay", policy, attempt)
    milliseconds: float = delay.total_seconds() * 1000
    return milliseconds


def expected_ms(attempt: int, *, factor: float, minimum: float, maximum: float) -> float:
    """The protocol's formula, without the random factor."""
    exponent = max(attempt - 2, 0)
    return min(max(minimum, 1) * float(factor) ** exponent, maximum)


@pytest.mark.parametrize("attempt", range(1, 9))
@pytest.mark.parametrize(
    ("factor", "minimum", "maximum"),
    [(1.8, 1000, 60_000), (2, 1000, 30_000), (1, 200, 60_000), (0.5, 800, 900), (3, 0, 50)],
)
def test_without_a_random_factor_it_is_exact(
    pure_db: Database, attempt: int, factor: float, minimum: float, maximum: float
) -> None:
    policy = {"factor": factor, "minTimeoutInMs": minimum, "maxTimeoutInMs": maximum, "randomize": False}
    expected = expected_ms(attempt, factor=factor, minimum=minimum, maximum=maximum)
    assert delay_ms(pure_db, policy, attempt) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("policy", [None, {}, {"factor": None, "randomize": None}, {"limit": 3}])
@pytest.mark.parametrize("attempt", [1, 2, 3, 5, 20])
def test_what_is_not_said_has_a_default(pure_db: Database, policy: Any, attempt: int) -> None:
    """The random factor lies between one and two, and the longest delay caps the product."""
    base = expected_ms(attempt, factor=1.8, minimum=1000, maximum=60_000)
    delays = [delay_ms(pure_db, policy, attempt) for _ in range(50)]
    assert min(delays) >= base - 0.01
    assert max(delays) <= min(2 * base, 60_000) + 0.01
    if 2 * base <= 60_000:
        assert max(delays) - min(delays) > 0.2 * base  # misses by chance once in 10^34


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"factor": 10, "randomize": False}, 60_000),
        ({"factor": 1e300, "randomize": False}, 60_000),
        ({"factor": 0.001, "minTimeoutInMs": 1000, "randomize": False}, 0),
        ({"factor": 0, "randomize": False}, 1000),
        ({"factor": -2, "randomize": False}, 1000),
    ],
)
def test_an_odd_policy_and_many_attempts_stay_within_bounds(
    pure_db: Database, policy: Any, expected: float
) -> None:
    assert delay_ms(pure_db, policy, 100_000) == pytest.approx(expected, abs=0.01)
