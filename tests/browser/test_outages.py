"""The server is killed, the database is away: pages say so, and go on by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest
from playwright.sync_api import Page, expect
from psycopg import sql

from tests.browser.system import Environment, System
from tests.support.fix_database import TestServer

LONG_MS = 30_000


@pytest.fixture
def watched(system: System, works: Environment, owner: Page) -> tuple[Page, str]:
    """A page that shows a run which sleeps, and its id."""
    run_id = system.start(works, "reminder.wanted", {})
    system.wait(run_id, "WAITING_TO_CONTINUE")
    owner.goto(f"{works.path}/runs/{run_id}")
    expect(owner.locator(".title .status").first).to_contain_text("Waiting")
    return owner, run_id


def cancel(system: System, works: Environment, run_id: str) -> None:
    system.db.call("cancel_run", works.id, run_id)


def test_the_server_is_killed_and_comes_back(
    system: System, works: Environment, watched: tuple[Page, str]
) -> None:
    page, run_id = watched
    system.kill_server()
    banner = page.locator("#connection")
    expect(banner).to_contain_text("The connection to the server is lost.", timeout=LONG_MS)
    cancel(system, works, run_id)
    system.start_server()
    expect(page.locator(".title .status").first).to_contain_text("Canceled", timeout=LONG_MS)
    expect(banner).to_be_hidden()


@contextmanager
def no_database(postgres_server: TestServer, url: str) -> Iterator[None]:
    """The server's connections end, and it gets no new ones."""
    name = urlsplit(url).path.removeprefix("/")
    change = sql.SQL("alter database {} with allow_connections {}").format
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as conn:
        conn.execute(change(sql.Identifier(name), sql.Literal(False)))
        conn.execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
            " where datname = %s and application_name = 'perdure-server'",
            [name],
        )
        try:
            yield
        finally:
            conn.execute(change(sql.Identifier(name), sql.Literal(True)))


def test_the_database_is_away_for_a_while(
    system: System, works: Environment, watched: tuple[Page, str], postgres_server: TestServer
) -> None:
    page, run_id = watched
    banner = page.locator("#connection")
    with no_database(postgres_server, system.local.database_url):
        expect(banner).to_contain_text("The database does not answer.", timeout=LONG_MS)
        with page.context.new_page() as other:  # what is opened meanwhile says so, too
            answer = other.goto(f"{works.path}/runs")
            assert answer is not None
            assert answer.status == 503
            expect(other.get_by_role("heading", level=1)).to_be_visible()
        cancel(system, works, run_id)
    expect(page.locator(".title .status").first).to_contain_text("Canceled", timeout=LONG_MS)
    expect(banner).to_be_hidden()
