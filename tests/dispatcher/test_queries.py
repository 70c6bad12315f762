"""How many statements a dispatcher costs: almost none when idle, few for each run when busy."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from perdure_dispatcher.settings import Settings
from perdure_dispatcher.wake import DUE_GAP_S
from perdure_engine.embedded import FAST_SETTINGS, EmbeddedPostgres
from perdure_engine.migrator import migrate
from tests.dispatcher.running import running_dispatcher, wait_for_status
from tests.support.builders import Builders, task
from tests.support.database import Database
from tests.support.fix_endpoint import Answer, ScriptedEndpoint
from tests.support.waiting import eventually

FUNCTIONS = ("promote_due", "claim_runs", "claim_deliveries", "apply_results", "apply_delivery_results")


@pytest.fixture(scope="module")
def counted_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database on a server that counts statements."""
    settings = {**FAST_SETTINGS, "shared_preload_libraries": "pg_stat_statements"}
    server = EmbeddedPostgres(tmp_path_factory.mktemp("counted") / "server", settings=settings)
    server.start()
    try:
        migrate(server.url(), echo=lambda _line: None)
        with Database(server.url(), role="postgres") as db:
            db.execute("create extension pg_stat_statements")
        yield server.url()
    finally:
        server.delete()


def statements(db: Database) -> dict[str, int]:
    """Statements of dispatchers so far, by the function they call; ``other`` for the rest."""
    rows = db.rows(
        "select query, calls from pg_stat_statements"
        " where toplevel and userid = 'perdure_dispatcher'::regrole"
    )
    counts = dict.fromkeys((*FUNCTIONS, "other"), 0)
    for row in rows:
        name = next((name for name in FUNCTIONS if f"perdure.{name}(" in row.query), "other")
        counts[name] += row.calls
    return counts


@pytest.fixture
def db(counted_url: str) -> Iterator[Database]:
    """The database whose statements are counted, as a superuser."""
    with Database(counted_url, role="postgres") as database:
        yield database


def test_an_idle_dispatcher_makes_three_statements_in_its_longest_sleep(db: Database) -> None:
    looks = 10
    before = statements(db)
    with running_dispatcher(db.url, max_sleep_s=0.1):
        eventually(lambda: statements(db)["promote_due"] >= before["promote_due"] + looks)
    counts = {name: count - before[name] for name, count in statements(db).items()}
    done = counts["promote_due"]
    assert counts["apply_results"] == counts["apply_delivery_results"] == 0
    # Once more for the start, when nothing is known yet, and for the listener that has begun.
    for name in ("claim_runs", "claim_deliveries"):
        assert done - 2 <= counts[name] <= done + 2, counts
    assert counts["other"] <= 10, counts  # roles and sessions: a few for the whole life of each connection
    assert 3 / Settings(db.url).max_sleep_s < 1, "statements in a second, with the default settings"


def test_a_busy_dispatcher_makes_fewer_statements_than_runs(
    db: Database, scripted_endpoint: ScriptedEndpoint
) -> None:
    scripted_endpoint.default("EXECUTE_JOB", Answer.json({"status": "SUCCESS"}))
    builders = Builders(db)
    environment = builders.environment("prod", project="busy")
    runs = builders.runs(300, builders.endpoint(environment=environment, url=scripted_endpoint.url))
    before = statements(db)
    with running_dispatcher(db.url):
        for run in runs:
            wait_for_status(run, "SUCCESS", timeout_s=30)
    counts = {name: count - before[name] for name, count in statements(db).items()}
    assert sum(counts.values()) < len(runs), counts


def test_many_waits_do_not_cost_a_statement_each(db: Database, scripted_endpoint: ScriptedEndpoint) -> None:
    wait = task("wait", noop=True, delaySeconds=86_400)
    scripted_endpoint.default("EXECUTE_JOB", Answer.json({"status": "RESUME_WITH_TASK", "task": wait}))
    builders = Builders(db)
    environment = builders.environment("prod", project="waiting")
    runs = builders.runs(300, builders.endpoint(environment=environment, url=scripted_endpoint.url))
    before = statements(db)
    began_at = time.monotonic()
    with running_dispatcher(db.url):
        for run in runs:
            wait_for_status(run, "WAITING_TO_CONTINUE", timeout_s=30)
    took_s = time.monotonic() - began_at
    looks = statements(db)["promote_due"] - before["promote_due"]
    assert looks <= took_s / DUE_GAP_S + 2
