"""What the server says at its start as long as nobody owns its dashboard."""

import os
import sys
from urllib.parse import urlsplit

import httpx

from perdure_server.app import create_app
from perdure_server.cli.local.processes import Family
from perdure_server.dashboard.first_start import owner_link
from perdure_server.settings import Settings
from tests.server.dashboard.browser import words
from tests.sql.accounts.people import found
from tests.support.database import Database


def test_serve_prints_a_link_that_works(db: Database) -> None:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PERDURE_")}
    command = [sys.executable, "-m", "perdure_server.cli", "serve", "--port", "0"]
    with Family(stop_timeout_s=20) as family:
        server = family.start("it", command, variables={**variables, "PERDURE_DATABASE_URL": db.url})
        line = server.wait_for_line(lambda line: "make the first account" in line, timeout_s=60)
        server.wait_for_line(lambda line: line.startswith("perdure serve: http"), timeout_s=60)
        page = httpx.get(line.rpartition(" ")[2], trust_env=False)
        assert (page.status_code, "Welcome to Perdure" in words(page.text)) == (200, True)


async def test_the_link_has_the_public_url_and_there_is_none_once_there_is_an_owner(db: Database):
    app = create_app(Settings(db.url, public_url="https://jobs.example.com"))
    async with app.router.lifespan_context(app):
        link = await owner_link(app.services, "http://127.0.0.1:8030")
        assert link is not None
        assert urlsplit(link)[:3] == ("https", "jobs.example.com", "/dashboard/owner")
        found(db)
        assert await owner_link(app.services, "http://127.0.0.1:8030") is None
