"""A limit on the requests of each API key."""

from collections.abc import AsyncIterator

import pytest

from perdure_server.rate_limit import RateLimit, RateLimiter, TooManyRequests
from perdure_server.settings import Settings
from tests.server.conftest import Server, error_of, serving
from tests.support.builders import Builders


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(limiter: RateLimiter, key: str = "a") -> int:
    """How many requests pass now."""
    count = 0
    try:
        while True:
            limiter.take(key)
            count += 1
    except TooManyRequests:
        return count


def test_a_bucket_is_filled_in_steps_and_never_overflows() -> None:
    clock = Clock()
    limiter = RateLimiter(RateLimit(burst=7, refill=2, period_s=10), clock)
    assert taken(limiter) == 7
    clock.now += 9.9
    assert taken(limiter) == 0
    clock.now += 0.2
    assert taken(limiter) == 2
    clock.now += 25
    assert taken(limiter) == 4
    clock.now += 1000
    assert taken(limiter) == 7


def test_keys_have_buckets_of_their_own() -> None:
    limiter = RateLimiter(RateLimit(3, 1, 10), Clock())
    assert (taken(limiter, "a"), taken(limiter, "b"), taken(limiter, "a")) == (3, 3, 0)


def test_a_clock_that_is_set_back_gives_nothing() -> None:
    clock = Clock()
    limiter = RateLimiter(RateLimit(3, 1, 10), clock)
    taken(limiter)
    clock.now -= 500
    assert taken(limiter) == 0


@pytest.mark.parametrize(
    "text", ["", "750", "750+250", "750+250/10", "0+250/10s", "750+0/10s", "7+2/0s", "٣+2/1s"]
)
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be such as 750\+250/10s"):
        RateLimit.parse(text)


@pytest.fixture
async def limited(db_url: str, builders: Builders) -> AsyncIterator[Server]:
    endpoint = builders.endpoint()
    settings = Settings(db_url, database_timeout_s=10, rate_limit=RateLimit.parse("2+1/3600s"))
    async with serving(settings) as (_, client):
        key = endpoint.environment.key
        client.headers["authorization"] = f"Bearer {key}"
        yield Server(client, builders, endpoint, key, "", builders.environment().key)


async def test_a_key_that_asks_too_often_is_told_when_to_come_again(limited):
    before = [(await limited.client.get("/api/v1/runs")).status_code for _ in range(2)]
    assert before == [200, 200]
    response = await limited.client.get("/api/v1/runs")
    assert "2 at once, and 1 more every 3600 s" in error_of(response, 429, "RATE_LIMITED")
    assert (response.headers["x-ratelimit-limit"], response.headers["x-ratelimit-remaining"]) == ("2", "0")
    assert len(response.headers["x-ratelimit-reset"]) == 13  # milliseconds
    other = await limited.client.get("/api/v1/runs", headers=limited.as_foreigner)
    assert other.status_code == 200


async def test_urls_without_a_key_are_not_limited(limited):
    hook = f"/api/v1/endpoints/{limited.environment_id}/app/index/none"
    for _ in range(5):
        error_of(await limited.client.post(hook), 404, "JQ001")
    assert (await limited.client.get("/api/v1/runs")).status_code == 200
