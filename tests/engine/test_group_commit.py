"""Group commit: batches by nature, and no caller suffers for another."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from perdure_engine.errors import DatabaseUnavailable, InvalidArgument
from perdure_engine.group_commit import GroupCommit


class Recorder:
    """Carries out batches of numbers by doubling them; holds a batch while its gate is shut."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failing: Callable[[Sequence[int]], Exception | None] = lambda _batch: None

    async def __call__(self, batch: Sequence[int]) -> Sequence[int | Exception]:
        self.batches.append(list(batch))
        await self.gate.wait()
        if error := self.failing(batch):
            raise error
        return [InvalidArgument(f"{number} is negative") if number < 0 else number * 2 for number in batch]


async def settled() -> None:
    """Let every task run until it waits for something outside."""
    for _ in range(5):
        await asyncio.sleep(0)


async def outcome_of(awaitable: Awaitable[int]) -> int | str:
    try:
        return await awaitable
    except Exception as error:
        return type(error).__name__


async def test_an_idle_group_passes_a_call_on_at_once() -> None:
    execute = Recorder()
    group: GroupCommit[int, int] = GroupCommit(execute)
    before = asyncio.get_running_loop().time()
    assert await group.submit(1) == 2
    assert await group.submit(2) == 4
    assert execute.batches == [[1], [2]]
    # No timer was involved: nothing in the loop was scheduled for later than now.
    assert asyncio.get_running_loop().time() - before < 1


async def test_calls_gather_while_a_batch_is_under_way() -> None:
    execute = Recorder()
    execute.gate.clear()
    group: GroupCommit[int, int] = GroupCommit(execute)
    first = asyncio.ensure_future(group.submit(1))
    await settled()
    others = [asyncio.ensure_future(group.submit(number)) for number in (2, 3, 4)]
    await settled()
    assert execute.batches == [[1]]
    execute.gate.set()
    assert await asyncio.gather(first, *others) == [2, 4, 6, 8]
    assert execute.batches == [[1], [2, 3, 4]]


async def test_calls_of_one_moment_go_together() -> None:
    execute = Recorder()
    group: GroupCommit[int, int] = GroupCommit(execute)
    assert await asyncio.gather(*(group.submit(number) for number in range(5))) == [0, 2, 4, 6, 8]
    assert execute.batches == [[0, 1, 2, 3, 4]]


async def test_a_batch_has_a_largest_size_and_weight() -> None:
    execute = Recorder()
    group: GroupCommit[int, int] = GroupCommit(
        execute, max_batch=3, max_weight=10, weigh=lambda number: number
    )
    await asyncio.gather(*(group.submit(number) for number in (1, 1, 1, 1, 9, 20, 2)))
    assert execute.batches == [[1, 1, 1], [1, 9], [20], [2]]


async def test_a_call_that_is_refused_is_refused_alone() -> None:
    execute = Recorder()
    group: GroupCommit[int, int] = GroupCommit(execute)
    outcomes = await asyncio.gather(*(outcome_of(group.submit(number)) for number in (1, -1, 3)))
    assert outcomes == [2, "InvalidArgument", 6]
    assert execute.batches == [[1, -1, 3]]


async def test_a_call_that_breaks_its_batch_is_found_by_halving() -> None:
    execute = Recorder()
    execute.failing = lambda batch: ValueError("not JSON") if 5 in batch else None
    group: GroupCommit[int, int] = GroupCommit(execute)
    outcomes = await asyncio.gather(*(outcome_of(group.submit(number)) for number in range(8)))
    assert outcomes == [0, 2, 4, 6, 8, "ValueError", 12, 14]
    assert len(execute.batches) == 1 + 2 * 3


async def test_a_lost_connection_is_everybodys_and_the_next_batch_goes_on() -> None:
    execute = Recorder()
    execute.failing = lambda _batch: DatabaseUnavailable("gone")
    group: GroupCommit[int, int] = GroupCommit(execute)
    outcomes = await asyncio.gather(*(outcome_of(group.submit(number)) for number in (1, 2)))
    assert outcomes == ["DatabaseUnavailable", "DatabaseUnavailable"]
    assert execute.batches == [[1, 2]]
    execute.failing = lambda _batch: None
    assert await group.submit(3) == 6


async def test_answers_that_do_not_match_the_calls_are_an_error() -> None:
    async def forgetful(_batch: Sequence[int]) -> Sequence[int | Exception]:
        return []

    group: GroupCommit[int, int] = GroupCommit(forgetful)
    with pytest.raises(RuntimeError, match="0 results for 1 calls"):
        await group.submit(1)


async def test_a_caller_cancelled_while_waiting_takes_the_call_back() -> None:
    execute = Recorder()
    execute.gate.clear()
    group: GroupCommit[int, int] = GroupCommit(execute)
    first = asyncio.ensure_future(group.submit(1))
    await settled()
    second, third = (asyncio.ensure_future(group.submit(number)) for number in (2, 3))
    await settled()
    second.cancel()
    await settled()
    execute.gate.set()
    assert [await first, await third] == [2, 6]
    assert execute.batches == [[1], [3]]


async def test_a_caller_cancelled_under_way_leaves_the_others_alone() -> None:
    execute = Recorder()
    execute.gate.clear()
    group: GroupCommit[int, int] = GroupCommit(execute)
    first, second = (asyncio.ensure_future(group.submit(number)) for number in (1, 2))
    await settled()
    first.cancel()
    await settled()
    execute.gate.set()
    assert await second == 4
    assert first.cancelled()
    assert await group.submit(3) == 6


async def test_drain_waits_for_every_answer() -> None:
    execute = Recorder()
    execute.gate.clear()
    group: GroupCommit[int, int] = GroupCommit(execute)
    calls = [asyncio.ensure_future(group.submit(number)) for number in (1, 2)]
    await settled()
    calls.append(asyncio.ensure_future(group.submit(3)))
    drained = asyncio.create_task(group.drain())
    await settled()
    assert not drained.done()
    execute.gate.set()
    await drained
    assert [call.done() for call in calls] == [True, True, True]
    await group.drain()


async def test_a_future_is_split_among_the_callers() -> None:
    loop = asyncio.get_running_loop()
    answers: list[asyncio.Future[str]] = []

    def execute(batch: Sequence[int]) -> asyncio.Future[str]:
        answers.append(loop.create_future())
        return answers[-1]

    def split(batch: Sequence[int], answer: str) -> list[str | Exception]:
        return [answer * number if number else InvalidArgument("none") for number in batch]

    group: GroupCommit[int, str] = GroupCommit(execute, split=split)
    calls = [group.submit(number) for number in (1, 0, 3)]
    await settled()
    answers[0].set_result("x")
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [outcomes[0], type(outcomes[1]), outcomes[2]] == ["x", InvalidArgument, "xxx"]
    assert not group.under_way


async def test_an_execute_that_cannot_even_begin_fails_its_calls() -> None:
    def refuse(_batch: Sequence[int]) -> asyncio.Future[Sequence[int]]:
        raise ValueError("no")

    group: GroupCommit[int, int] = GroupCommit(refuse)
    outcomes = await asyncio.gather(*(outcome_of(group.submit(number)) for number in range(100)))
    assert outcomes == ["ValueError"] * 100
    await group.drain()


class Alone:
    """A shorter way for calls that are even: a hundred times as much."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.error: Exception | None = None

    def __call__(self, call: int) -> asyncio.Future[int] | None:
        if call % 2:
            return None
        self.calls.append(call)
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if self.error is not None:
            future.set_exception(self.error)
        else:
            future.set_result(call * 100)
        return future


async def test_a_lone_call_takes_the_shorter_way_where_there_is_one() -> None:
    execute, alone = Recorder(), Alone()
    group: GroupCommit[int, int] = GroupCommit(execute, alone=alone)
    assert [await group.submit(number) for number in (2, 3, 4)] == [200, 6, 400]
    assert (execute.batches, alone.calls) == ([[3]], [2, 4])
    assert await asyncio.gather(group.submit(2), group.submit(4)) == [4, 8]
    assert execute.batches == [[3], [2, 4]]


async def test_what_the_shorter_way_does_not_do_goes_the_other() -> None:
    execute, alone = Recorder(), Alone()
    group: GroupCommit[int, int] = GroupCommit(execute, alone=alone)
    assert await group.submit(0) == 0
    alone.error = ValueError("no")
    assert await group.submit(2) == 4
    assert (execute.batches, alone.calls) == ([[0], [2]], [0, 2])
    assert not group.under_way


async def test_a_shorter_way_that_cannot_even_begin_is_none() -> None:
    def refuse(_call: int) -> asyncio.Future[int]:
        raise ValueError("no")

    group: GroupCommit[int, int] = GroupCommit(Recorder(), alone=refuse)
    assert await group.submit(1) == 2


async def test_a_connection_that_is_lost_on_the_shorter_way_is_told() -> None:
    execute, alone = Recorder(), Alone()
    alone.error = DatabaseUnavailable("gone")
    group: GroupCommit[int, int] = GroupCommit(execute, alone=alone)
    assert await outcome_of(group.submit(2)) == "DatabaseUnavailable"
    assert execute.batches == []
    assert not group.under_way


async def test_calls_gather_while_a_lone_call_is_under_way() -> None:
    execute = Recorder()
    begun: list[asyncio.Future[int]] = []

    def alone(_call: int) -> asyncio.Future[int]:
        begun.append(asyncio.get_running_loop().create_future())
        return begun[-1]

    group: GroupCommit[int, int] = GroupCommit(execute, alone=alone)
    first = group.submit(1)
    await settled()
    others = [group.submit(number) for number in (2, 3)]
    await settled()
    assert execute.batches == []
    begun[0].set_result(100)
    assert await asyncio.gather(first, *others) == [100, 4, 6]
    assert execute.batches == [[2, 3]]


async def test_something_in_place_of_a_batch_begins_at_once_and_the_others_gather() -> None:
    execute, begun = Recorder(), asyncio.get_running_loop().create_future()
    group: GroupCommit[int, int] = GroupCommit(execute)
    assert group.instead(lambda: begun) is begun
    assert group.under_way
    others = [group.submit(number) for number in (2, 3)]
    await settled()
    assert execute.batches == []
    assert group.instead(begin_nothing) is None
    begun.set_exception(ValueError("no"))  # is its caller's affair
    assert await asyncio.gather(*others) == [4, 6]
    assert execute.batches == [[2, 3]]
    assert isinstance(begun.exception(), ValueError)
    assert not group.under_way


async def test_nothing_is_begun_in_place_of_a_batch_that_is_under_way() -> None:
    group: GroupCommit[int, int] = GroupCommit(Recorder())
    submitted = group.submit(1)
    assert group.instead(begin_nothing) is None
    assert await submitted == 2


async def test_what_cannot_begin_in_place_of_a_batch_is_told_and_forgotten() -> None:
    group: GroupCommit[int, int] = GroupCommit(Recorder())
    with pytest.raises(ValueError, match="no"):
        group.instead(refuse_to_begin)
    assert not group.under_way
    assert await group.submit(1) == 2


def begin_nothing() -> asyncio.Future[int]:
    pytest.fail("it was begun")


def refuse_to_begin() -> asyncio.Future[int]:
    raise ValueError("no")


async def test_when_the_loop_ends_nobody_waits_for_ever() -> None:
    running: list[asyncio.Task[Sequence[int | Exception]]] = []

    async def work(batch: Sequence[int]) -> Sequence[int | Exception]:
        await asyncio.sleep(3600)
        return list(batch)

    def execute(batch: Sequence[int]) -> asyncio.Task[Sequence[int | Exception]]:
        running.append(asyncio.create_task(work(batch)))
        return running[-1]

    group: GroupCommit[int, int] = GroupCommit(execute)
    first = group.submit(1)
    await settled()
    second = group.submit(2)
    running[0].cancel()
    await asyncio.wait([first, second])
    assert first.cancelled()
    assert second.cancelled()
    await group.drain()
