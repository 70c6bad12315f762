"""Tokens for one run: whoever holds one reads that run for a while."""

from datetime import timedelta

import pytest

from tests.support.builders import Builders, Run
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


def new_token(db: Database, run: Run, **options: timedelta) -> str:
    made = db.call("create_run_token", run.environment.id, run.id, **options)
    token: str = made["token"]
    return token


def run_of(db: Database, token: str) -> list[tuple[str, str]]:
    return [(row.environment_id, row.run_id) for row in db.call("authenticate_run_token", token)]


def test_a_token_opens_its_run_until_it_expires(db: Database, builders: Builders, clock: Clock) -> None:
    run, other = builders.runs(2)
    token = new_token(db, run, lifetime=timedelta(minutes=5))
    second = new_token(db, run)
    of_other = new_token(db, other)
    assert token.startswith("rt_dev_")
    assert len({token, second, of_other}) == 3
    assert run_of(db, token) == run_of(db, second) == [(run.environment.id, run.id)]
    assert run_of(db, of_other) == [(run.environment.id, other.id)]
    assert run_of(db, token[:-1]) == run_of(db, "") == []
    clock.advance(timedelta(minutes=5))
    assert run_of(db, token) == []
    assert run_of(db, second) == [(run.environment.id, run.id)]


def test_a_token_is_not_stored_and_expired_ones_are_forgotten(
    db: Database, builders: Builders, clock: Clock
) -> None:
    run = builders.run()
    token = new_token(db, run)
    assert token not in str(db.rows("select t::text from perdure.run_tokens as t"))
    clock.advance(timedelta(hours=1))
    new_token(db, run)
    assert db.value("select count(*) from perdure.run_tokens") == 1


@pytest.mark.parametrize(
    "lifetime", [timedelta(0), timedelta(seconds=-1), timedelta(days=30, seconds=1), None]
)
def test_a_lifetime_that_is_none_is_refused(
    db: Database, builders: Builders, lifetime: timedelta | None
) -> None:
    run = builders.run()
    with refused("JQ010", "from 1 second to 30 days"):
        db.call("create_run_token", run.environment.id, run.id, lifetime)


def test_a_run_of_another_environment_gets_no_token(db: Database, builders: Builders) -> None:
    run = builders.run()
    with refused("JQ001", run.id):
        db.call("create_run_token", builders.environment().id, run.id)
