"""``perdure jobs`` and ``perdure keys list``, in a real database and with a real server."""

from __future__ import annotations

import pytest

from tests.support.builders import Builders, Environment, job
from tests.support.database import Database

from .conftest import Command


@pytest.fixture
def place(builders: Builders, environment: Environment, db: Database) -> tuple[str, ...]:
    """The options that name the environment; it has the jobs ``greet`` and ``bill``."""
    builders.endpoint(job("greet"), job("bill"), environment=environment)
    (row,) = db.rows("select project, slug from perdure_views.environments where id = %s", environment.id)
    return ("--project", row.project, "--environment", row.slug, "--database-url", db.url)


def test_jobs_are_listed_and_shown(connected: Command, place: tuple[str, ...]) -> None:
    titles, *lines = connected.ok("jobs", "list", *place).lines()
    assert titles.split()[:3] == ["job", "state", "version"]
    assert [line.split()[:4] for line in lines] == [
        ["bill", "ACTIVE", "1.0.0", "greet"],
        ["greet", "ACTIVE", "1.0.0", "greet"],
    ]
    assert [entry["slug"] for entry in connected.ok("jobs", "list", *place, "--json").json] == [
        "bill",
        "greet",
    ]
    facts = dict(line.split(maxsplit=1) for line in connected.ok("jobs", "get", "greet", *place).lines())
    assert facts["state"] == "ACTIVE"
    assert facts["versions"] == "1.0.0"
    assert connected.ok("jobs", "get", "greet", *place, "--json").json["trigger"]["type"] == "static"
    assert "perdure jobs list" in connected.refused("jobs", "get", "other", *place)


def test_a_job_is_run_without_an_event(connected: Command, place: tuple[str, ...]) -> None:
    result = connected.ok("jobs", "run", "bill", "--payload", '{"n": 1}')
    (run_id,) = result.lines()
    assert f"perdure runs watch {run_id}" in result.words
    (run,) = connected.ok("runs", "list", "--job", "bill", "--json").json["runs"]
    assert run["id"] == run_id
    assert "--payload" in connected.refused("jobs", "run", "bill", "--payload", "{")


def test_a_job_is_paused_and_resumed(connected: Command, place: tuple[str, ...]) -> None:
    words = connected.ok("jobs", "pause", "bill", *place, "--reason", "the bank is closed").words
    assert "perdure jobs resume bill" in words
    lines = connected.ok("jobs", "list", *place).lines()
    assert [line.split()[1] for line in lines[1:]] == ["PAUSED", "ACTIVE"]
    assert "the bank is closed" in connected.ok("jobs", "get", "bill", *place).data
    assert connected.ok("jobs", "resume", "bill", *place, "--json").json == {"resumed": True, "runs": 0}
    assert "was not paused" in connected.ok("jobs", "resume", "bill", *place).words
    connected.ok("jobs", "pause", "--all", *place)
    assert "environment since" in connected.ok("jobs", "get", "greet", *place).data
    connected.ok("jobs", "resume", "--all", *place)
    assert connected("jobs", "pause", *place).status == 2


def test_keys_are_listed_by_their_beginnings_rotated_and_revoked(
    connected: Command, place: tuple[str, ...], environment: Environment
) -> None:
    new = connected.ok("keys", "create", *place, "--public").data.strip()
    titles, first, *_ = connected.ok("keys", "list", *place).lines()
    assert titles.split() == ["id", "state", "begins", "kind", "made"]
    assert new.startswith(first.split()[3].rstrip("…"))
    assert first.split()[1:3] + first.split()[4:5] == ["in", "force", "public"]
    assert new not in connected.ok("keys", "list", *place, "--json").data
    key_id = first.split()[0]
    rotated = connected.ok("keys", "rotate", key_id, "--overlap-h", "2", *place).data.strip()
    assert rotated.startswith("pk_")
    assert "until" in next(line for line in connected.ok("keys", "list", *place).lines() if key_id in line)
    assert "rotated or revoked before" in connected.refused("keys", "rotate", key_id, *place)
    connected.ok("keys", "revoke", key_id, *place)
    before = connected.ok("keys", "list", *place, "--json").json
    connected.ok("keys", "revoke", environment.key, *place)
    assert len(connected.ok("keys", "list", *place, "--json").json) == len(before) - 1
    assert "revoked" in connected.ok("keys", "list", *place, "--all").data


def test_runs_are_found_by_what_the_database_knows(connected: Command, place: tuple[str, ...]) -> None:
    (ada,) = connected.ok("jobs", "run", "bill", "--payload", '{"name": "Ada"}').lines()
    (bob,) = connected.ok("jobs", "run", "greet", "--payload", '{"name": "Bob"}').lines()
    for options, found in (
        (("--text", "ada"), [ada]),
        (("--job", "greet", "--version", "1.0.0"), [bob]),
        (("--status", "queued", "--status", "failure"), [bob, ada]),
        (("--since", "2020-01-01", "--take", "1"), [bob]),
        (("--until", "2020-01-01"), []),
    ):
        page = connected.ok("runs", "find", *options, *place, "--json").json
        assert [run["id"] for run in page["runs"]] == found
    titles, row = connected.ok("runs", "find", "--text", ada, *place).lines()
    assert titles.split() == ["run", "status", "job", "created", "worked", "error"]
    assert row.split()[:4] == [ada, "QUEUED", "bill", "1.0.0"]
