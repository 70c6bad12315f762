"""Results on their way to the database: in groups, kept while it is away, given up in the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

import pytest

from perdure_dispatcher.results import LATE_S, Result, Results
from perdure_engine.errors import DatabaseUnavailable, InvalidArgument
from tests.support.waiting import eventually_async


class ScriptedDatabase:
    """Takes documents, which are ids here; away or slow when told so."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.away = False
        self.open = asyncio.Event()
        self.open.set()

    async def apply(self, documents: Sequence[bytes]) -> Mapping[str, str]:
        ids = [document.decode() for document in documents]
        self.groups.append(ids)
        await self.open.wait()
        if self.away:
            raise DatabaseUnavailable("away")
        if "bad" in ids:
            raise InvalidArgument("a bad document")
        return {document_id: f"stored {document_id}" for document_id in ids}


class Kept:
    """Counts the calls that say that a result is kept."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1


@pytest.fixture
def database() -> ScriptedDatabase:
    return ScriptedDatabase()


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def results(database: ScriptedDatabase, kept: Kept) -> Results:
    return Results(database.apply, dict, on_kept=kept)


def store(results: Results, name: str, *, lease_ends_in_s: float = 60) -> asyncio.Task[str]:
    result = Result(name, name.encode())
    return asyncio.create_task(results.store(result, lease_ends_at=time.monotonic() + lease_ends_in_s))


async def test_results_that_come_during_a_call_go_together_in_the_next(
    database: ScriptedDatabase, results: Results
) -> None:
    database.open.clear()
    stored = [store(results, "a")]
    await eventually_async(lambda: database.groups == [["a"]])
    stored += [store(results, name) for name in ("b", "c", "d")]
    await asyncio.sleep(0)
    database.open.set()
    assert await asyncio.gather(*stored) == ["stored a", "stored b", "stored c", "stored d"]
    assert database.groups == [["a"], ["b", "c", "d"]]


async def test_a_bad_result_fails_alone(results: Results) -> None:
    good, bad, other = (store(results, name) for name in ("good", "bad", "other"))
    with pytest.raises(InvalidArgument):
        await bad
    assert [await good, await other] == ["stored good", "stored other"]
    assert results.kept == 0


async def test_results_are_kept_while_the_database_is_away(
    database: ScriptedDatabase, results: Results, kept: Kept
) -> None:
    database.away = True
    stored = [store(results, name) for name in ("a", "b")]
    await eventually_async(lambda: results.kept == 2)
    assert kept.calls == 2
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable):
            await results.retry()
        assert results.kept == 2
    database.away = False
    await results.retry()
    assert await asyncio.gather(*stored) == ["stored a", "stored b"]
    assert results.kept == 0


async def test_a_result_is_given_up_long_after_its_lease(
    database: ScriptedDatabase, results: Results
) -> None:
    database.away = True
    hopeless = store(results, "hopeless", lease_ends_in_s=-LATE_S - 1)
    hopeful = store(results, "hopeful", lease_ends_in_s=-LATE_S + 60)
    await eventually_async(lambda: results.kept == 2)
    with pytest.raises(DatabaseUnavailable):
        await results.retry()
    with pytest.raises(DatabaseUnavailable):
        await hopeless
    assert results.kept == 1
    database.away = False
    await results.retry()
    assert await hopeful == "stored hopeful"


async def test_nobody_waits_for_a_result_whose_task_was_cancelled(
    database: ScriptedDatabase, results: Results
) -> None:
    database.away = True
    cancelled = store(results, "cancelled")
    await eventually_async(lambda: results.kept == 1)
    cancelled.cancel()
    await asyncio.wait([cancelled])
    database.away = False
    await results.retry()
    assert results.kept == 0
    assert database.groups == [["cancelled"]], "it is not handed in again"
