"""io.transaction under kill -9: between any two statements, and at any moment."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Any
from uuid import uuid4

import pytest

from perdure.wire.headers import ACTION, Action
from perdure.wire.signing import sign
from tests.support.builders import SDK, Builders, Claim, job, manifest
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.fix_database import TestServer

RANDOM_KILLS = int(os.environ.get("PERDURE_TEST_KILLS", "500"))
MOST_KILLS_OF_A_RUN = 3
PROCESSES = 2
JOBS = {"async-order": "order.async", "plain-order": "order.plain"}
STATEMENTS = 12  # of an order: twice begin, begin_task, two of the app's, end_task, commit
MOMENTS = ("before", "sent", "after")

Answer = dict[str, Any]


class DyingApp:
    """The app's warm process, from which one is forked for each execution."""

    def __init__(self, database_url: str, key: str) -> None:
        environment = {**os.environ, "PERDURE_DATABASE_URL": database_url, "PERDURE_API_KEY": key}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.exactly_once_app"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def execute(self, claim: Claim, **how: Any) -> Answer:
        """Execute a claimed run; ``reply`` is None when the process was killed.

        Args:
            how: ``kill``, ``killAfter`` or ``warm``, as the app's module says.
        """
        body = json.dumps(claim.body)
        headers = sign(
            claim.signing_secrets,
            message_id=f"EXECUTE_JOB_{uuid4().hex}",
            timestamp=int(time.time()),
            body=body.encode(),
        )
        request = {"body": body, "headers": {**headers, ACTION: Action.EXECUTE_JOB.value}, **how}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: Answer = json.loads(self._process.stdout.readline())
        if answer["reply"] is None:
            assert os.WTERMSIG(answer["status"]) == signal.SIGKILL, answer
        else:
            assert answer["reply"]["status"] in ("SUCCESS", "AUTO_YIELD_EXECUTION"), answer
        return answer

    def close(self) -> None:
        """End the warm process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()


@dataclass(frozen=True, slots=True)
class Shop:
    """The engine, the app's tables and its processes, which are warm."""

    db: Database
    clock: Clock
    apps: list[DyingApp]
    environment_id: str

    def start(self, *jobs: str) -> None:
        """Start runs of these jobs."""
        self.db.call("send_events", self.environment_id, [{"name": JOBS[job_id]} for job_id in jobs])

    def claims(self) -> list[Claim]:
        """Everything that can be executed now."""
        return Builders(self.db).claims(100)

    def hand_in(self, claims: list[Claim], answers: list[Answer]) -> None:
        """Hand the replies in, or that none came, and let the pause after that pass."""
        results = [
            {"runId": claim.run_id, "leaseNumber": claim.lease_number, "durationMs": 5}
            | (
                {"verdict": "LEASE_EXPIRED"}
                if answer["reply"] is None
                else {"verdict": "REPLY", "httpStatus": 200, "reply": answer["reply"]}
            )
            for claim, answer in zip(claims, answers, strict=True)
        ]
        outcomes = {row.outcome for row in self.db.call("apply_results", results)}
        assert not outcomes & {"DROPPED", "LEASE_LOST"}
        self.clock.advance(timedelta(minutes=10))
        self.db.call("promote_due")

    def check(self) -> None:
        """Every run succeeded with the ids of its rows, of which there is one for each step."""
        runs = self.db.rows("select id, status, output from perdure_views.runs")
        rows = self.db.rows("select run_id, array_agg(id order by step) as ids from public.orders group by 1")
        written = {row.run_id: row.ids for row in rows}
        assert {run.id: (run.status, run.output) for run in runs} == {
            run.id: ("SUCCESS", written.get(run.id)) for run in runs
        }
        assert {len(ids) for ids in written.values()} == {2}
        totals = self.db.rows("select step, amount from public.totals order by step")
        assert [(row.step, row.amount) for row in totals] == [("charge", len(runs)), ("ship", len(runs))]
        tasks = self.db.rows("select status, count(*) from perdure_views.tasks group by status")
        assert [(row.status, row.count) for row in tasks] == [("COMPLETED", 2 * len(runs))]
        # Nobody delivers anything here.
        unwell = "select * from perdure.doctor() where problem <> 'delivery is overdue'"
        assert self.db.rows(unwell) == []


@pytest.fixture(scope="module")
def shop(postgres_server: TestServer, template_database: str) -> Iterator[Shop]:
    name = f"perdure_e2e_{uuid4().hex[:12]}"
    with ExitStack() as stack:
        stack.enter_context(postgres_server.janitor(name, template_database))
        db = stack.enter_context(Database(postgres_server.url(name)))
        with db.as_role("none") as admin:
            admin.execute("create table public.orders (id serial, run_id uuid, step text)")
            admin.execute("create table public.totals (step text primary key, amount int)")
            admin.execute("insert into public.totals values ('charge', 0), ('ship', 0)")
            admin.execute("grant select on public.orders, public.totals to public")
        environment = Builders(db).environment("prod")
        row = db.call("register_endpoint", environment.id, "shop", "http://127.0.0.1:9/")
        jobs = [job(job_id, event=event) for job_id, event in JOBS.items()]
        db.call("index_endpoint", row["id"], manifest(*jobs), SDK)
        apps = [
            stack.enter_context(closing(DyingApp(db.url, environment.key))) for _process in range(PROCESSES)
        ]
        shop = Shop(db, Clock(db), apps, environment.id)
        for app in apps:
            shop.start(*JOBS)
            claims = shop.claims()
            answers = [app.execute(claim, warm=True) for claim in claims]
            assert {answer["statements"] for answer in answers} == {STATEMENTS}
            shop.hand_in(claims, answers)
        yield shop


@pytest.mark.parametrize("job_id", JOBS)
def test_killed_between_any_two_statements(shop: Shop, job_id: str) -> None:
    app = shop.apps[0]
    for statement in range(1, STATEMENTS + 1):
        for moment in MOMENTS:
            shop.start(job_id)
            (claim,) = shop.claims()
            answer = app.execute(claim, kill={"statement": statement, "moment": moment})
            assert answer["reply"] is None, f"killed {moment} statement {statement}"
            shop.hand_in([claim], [answer])
            # At once: what the dead process had sent may still be under way in Postgres.
            while claims := shop.claims():
                shop.hand_in(claims, [app.execute(claim) for claim in claims])
    shop.check()


def test_killed_at_any_moment(shop: Shop) -> None:
    seed = int(os.environ.get("PERDURE_TEST_SEED", time.time()))
    print(f"PERDURE_TEST_SEED={seed}")
    chance = random.Random(seed)  # noqa: S311  # not for secrets
    kills: Counter[str] = Counter()
    undisturbed_s = 0.05

    def execute(app: DyingApp, claims: list[Claim]) -> list[Answer]:
        nonlocal undisturbed_s
        answers = []
        for claim in claims:
            if kills[claim.run_id] < MOST_KILLS_OF_A_RUN:
                answers.append(app.execute(claim, killAfter=chance.uniform(0, undisturbed_s)))
            else:
                begun_at = time.monotonic()
                answers.append(app.execute(claim))
                undisturbed_s = 0.9 * undisturbed_s + 0.1 * (time.monotonic() - begun_at)
        return answers

    with ThreadPoolExecutor(PROCESSES) as threads:
        while kills.total() < RANDOM_KILLS:
            shop.start(*chance.choices(list(JOBS), k=40))
            while claims := shop.claims():
                shares = [claims[number::PROCESSES] for number in range(PROCESSES)]
                answers = list(chain.from_iterable(threads.map(execute, shop.apps, shares)))
                claims = list(chain.from_iterable(shares))
                kills.update(
                    claim.run_id
                    for claim, answer in zip(claims, answers, strict=True)
                    if answer["reply"] is None
                )
                shop.hand_in(claims, answers)
    shop.check()
