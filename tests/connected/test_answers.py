"""Answers of connected apps on their way to the database."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import pytest

from perdure_dispatcher.verdict import Judgement, Verdict
from perdure_engine.pool import Connection, open_pool
from perdure_server.connect.answers import Answer, Answers
from perdure_server.connect.seat import RequestId
from tests.support.builders import Builders
from tests.support.database import Database


@pytest.mark.parametrize(("length", "calls"), [(10, 1), (3_000_000, 2), (9_000_000, 4)])
async def test_answers_go_together_unless_they_are_heavy(
    db: Database, db_url: str, builders: Builders, length: int, calls: int
) -> None:
    builders.runs(4)
    settled: list[str] = []
    connections = 0
    stored = asyncio.Event()
    reply = b'{"status":"SUCCESS","output":"%b"}' % (b"x" * length)
    async with await open_pool(db_url, role="perdure_server", application_name="test") as pool:

        def connect() -> AbstractAsyncContextManager[Connection]:
            nonlocal connections
            connections += 1
            return pool.connection()

        def settle(ids: Sequence[str]) -> None:
            settled.extend(ids)

        answers = Answers(connect, on_idle=stored.set)
        ids = [RequestId.of("run", str(one.run_id), one.lease_number) for one in builders.claims()]
        for id in ids:
            answers.add(Answer(id, Judgement(Verdict.REPLY, 200, reply=reply), 1, settle))
        await asyncio.wait_for(stored.wait(), 30)
    assert (connections, settled) == (calls, [id.text for id in ids])
    assert {row.status for row in db.rows("select status from perdure.runs")} == {"SUCCESS"}
