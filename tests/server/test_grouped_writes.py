import asyncio
import json
from collections.abc import Sequence
from typing import Any, cast

import pytest

from perdure_engine import events, tasks
from perdure_engine.driver import Database
from perdure_engine.errors import DatabaseUnavailable, InvalidArgument, LeaseLost
from perdure_engine.tasks import TaskOutcome
from perdure_server.grouped_writes import EventSender, TaskWriter

DB = cast(Database, None)  # the SQL functions below need none


class Sql:
    """Stands for the SQL functions: keeps the batches; holds each until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.called = asyncio.Event()
        self.gate = asyncio.Semaphore(0)

    async def upsert_tasks(
        self, db: Database, calls: Sequence[bytes], minimal: bool = False
    ) -> list[TaskOutcome]:
        self.batches.append([call.decode() for call in calls])
        self.called.set()
        await self.gate.acquire()
        if minimal and calls == [b"told nothing"] * len(calls):
            return []
        return [
            TaskOutcome(n, "JQ005", "the lease is over", None)
            if call == b"late"
            else TaskOutcome(n, None, None, call)
            for n, call in enumerate(calls, start=1)
        ]

    async def send_events(
        self, db: Database, environment_id: str, sent: bytes, options: bytes, *, minimal: bool
    ) -> list[bytes]:
        documents = json.loads(sent)
        self.batches.append([environment_id, options.decode(), *documents])
        self.called.set()
        await self.gate.acquire()
        if "bad" in documents:
            raise InvalidArgument("name must be a text")
        if "away" in documents:
            raise DatabaseUnavailable("gone")
        return [] if minimal else [json.dumps(document).encode() for document in documents]


@pytest.fixture
def sql(monkeypatch: pytest.MonkeyPatch) -> Sql:
    stand_in = Sql()
    monkeypatch.setattr(tasks, "upsert_tasks", stand_in.upsert_tasks)
    monkeypatch.setattr(events, "send_events", stand_in.send_events)
    return stand_in


async def all_of(*calls: Any) -> list[Any]:
    return await asyncio.gather(*calls, return_exceptions=True)


async def test_tasks_of_concurrent_requests_share_a_call_and_keep_their_answers(sql: Sql):
    sql.gate = asyncio.Semaphore(100)
    writer = TaskWriter(DB)
    answers = await all_of(writer.upsert((b"a",)), writer.upsert((b"b1", b"b2")), writer.upsert((b"c",)))
    assert answers == [[b"a"], [b"b1", b"b2"], [b"c"]]
    assert sql.batches == [["a", "b1", "b2", "c"]]


async def test_who_wants_every_task_told_shares_no_call_with_who_does_not(sql: Sql):
    sql.gate = asyncio.Semaphore(100)
    writer = TaskWriter(DB)
    calls = [writer.upsert((name.encode(),), minimal=name.isupper()) for name in "aAbB"]
    assert await all_of(*calls) == [[b"a"], [b"A"], [b"b"], [b"B"]]
    assert sorted(sql.batches) == [["A", "B"], ["a", "b"]]


async def test_no_rows_say_null_to_those_who_need_no_more(sql: Sql):
    sql.gate = asyncio.Semaphore(100)
    writer = TaskWriter(DB)
    calls = (b"told nothing",), (b"told nothing",) * 2
    assert await all_of(*[writer.upsert(sent, minimal=True) for sent in calls]) == [[b"null"], [b"null"] * 2]


async def test_tasks_that_come_during_a_call_go_together_in_the_next(sql: Sql):
    writer = TaskWriter(DB)
    first = asyncio.ensure_future(writer.upsert((b"a",)))
    await sql.called.wait()
    others = [asyncio.ensure_future(writer.upsert((name,))) for name in (b"b", b"c", b"d")]
    await asyncio.sleep(0)
    sql.gate.release()
    assert await first == [b"a"]
    sql.gate.release()
    assert await all_of(*others) == [[b"b"], [b"c"], [b"d"]]
    assert sql.batches == [["a"], ["b", "c", "d"]]


async def test_one_late_task_fails_its_own_request_only(sql: Sql):
    sql.gate = asyncio.Semaphore(100)
    writer = TaskWriter(DB)
    answers = await all_of(writer.upsert((b"a", b"late")), writer.upsert((b"b",)))
    assert isinstance(answers[0], LeaseLost)
    assert answers[1] == [b"b"]


async def test_no_tasks_need_no_call(sql: Sql):
    assert await TaskWriter(DB).upsert(()) == []
    assert sql.batches == []


async def test_events_are_grouped_by_environment(sql: Sql):
    sql.gate = asyncio.Semaphore(100)
    sender = EventSender(DB)
    answers = await all_of(
        sender.send("e1", (b'"a"',)), sender.send("e2", (b'"b"',)), sender.send("e1", (b'"c"', b'"d"'))
    )
    assert answers == [[b'"a"'], [b'"b"'], [b'"c"', b'"d"']]
    assert sorted(sql.batches) == [["e1", "{}", "a", "c", "d"], ["e2", "{}", "b"]]


async def test_events_that_nobody_wants_back_share_a_call_of_their_own(sql: Sql):
    sql.gate = asyncio.Semaphore(100)
    sender = EventSender(DB)
    answers = await all_of(
        sender.send("e1", (b'"a"',), minimal=True),
        sender.send("e1", (b'"b"',)),
        sender.send("e1", (b'"c"', b'"d"'), minimal=True),
    )
    assert answers == [[], [b'"b"'], []]
    assert sorted(sql.batches) == [["e1", "{}", "a", "c", "d"], ["e1", "{}", "b"]]


async def test_events_with_options_go_alone(sql: Sql):
    sql.gate = asyncio.Semaphore(100)
    sender = EventSender(DB)
    await all_of(sender.send("e1", (b'"a"',), b'{"deliverAfter":5}'), sender.send("e1", (b'"b"',)))
    assert sorted(sql.batches) == [["e1", '{"deliverAfter":5}', "a"], ["e1", "{}", "b"]]


async def test_one_bad_event_fails_its_own_request_only(sql: Sql):
    sql.gate = asyncio.Semaphore(100)
    sender = EventSender(DB)
    sent = [b'"a"', b'"b"', b'"bad"', b'"c"']
    answers = await all_of(*(sender.send("e1", (event,)) for event in sent))
    assert isinstance(answers[2], InvalidArgument)
    assert [answers[0], answers[1], answers[3]] == [[b'"a"'], [b'"b"'], [b'"c"']]


async def test_without_a_database_every_request_hears_of_it(sql: Sql):
    sql.gate = asyncio.Semaphore(100)
    sender = EventSender(DB)
    answers = await all_of(*(sender.send("e1", (event,)) for event in (b'"a"', b'"away"')))
    assert [type(answer) for answer in answers] == [DatabaseUnavailable] * 2


async def test_draining_waits_for_what_is_under_way(sql: Sql):
    writer = TaskWriter(DB)
    under_way = asyncio.ensure_future(writer.upsert((b"a",)))
    await sql.called.wait()
    draining = asyncio.create_task(writer.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    sql.gate.release()
    await draining
    assert await under_way == [b"a"]
