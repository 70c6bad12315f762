"""``perdure dashboard``: a link that logs the first owner in."""

from __future__ import annotations

import os
import webbrowser

import httpx
import pytest

from perdure_server.cli.dashboard import make_owner
from perdure_server.cli.database import OWNER, run_in_database
from tests.support.builders import Environment
from tests.support.database import Database

from .conftest import Command


def test_the_link_leads_to_the_environment(
    connected: Command, environment: Environment, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--project", environment.project, "--database-url", db.url)
    assert "no owner yet" in connected.refused("dashboard", *options)
    run_in_database(db.url, OWNER, make_owner)
    run_in_database(db.url, OWNER, make_owner)  # the second time there is one
    assert db.rows("select email from perdure.users") == [("developer@localhost",)]
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    (link,) = connected.ok("dashboard", "--open", *options).lines()
    assert opened == [link]
    assert link.startswith(os.environ["PERDURE_API_URL"])
    answer = httpx.get(link, trust_env=False)
    assert answer.headers["location"] == f"/dashboard/orgs/acme/projects/{environment.project}/dev"
    assert "nowhere" in connected.refused("dashboard", "--project", "nowhere", "--database-url", db.url)
