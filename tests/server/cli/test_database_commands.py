"""The commands of administrators, which work in the database: migrate, uninstall, doctor, keys."""

from __future__ import annotations

import io
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.support.builders import Builders
from tests.support.database import Database

from .conftest import Command


def schemas(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("select nspname from pg_namespace where nspname like 'perdure%'").fetchall()
    return {name for (name,) in rows}


def test_migrate_installs_once_and_says_what_it_does_on_stderr(perdure: Command, empty_db_url: str) -> None:
    first = perdure.ok("migrate", "--database-url", empty_db_url)
    assert first.data == ""
    assert "0001_initial" in first.words
    assert "is current after" in first.words
    assert {"perdure", "perdure_views"} <= schemas(empty_db_url)
    again = perdure.ok("migrate", "--database-url", empty_db_url)
    assert "nothing to do" in again.words


def test_migrate_print_writes_sql_and_changes_nothing(
    perdure: Command, empty_db_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_db_url)
    result = perdure.ok("migrate", "--print")
    assert "create schema perdure" in result.data
    assert "nothing was changed" in result.words
    assert schemas(empty_db_url) == set()


def test_migrate_json_has_the_steps(perdure: Command, empty_db_url: str) -> None:
    report = perdure.ok("migrate", "--database-url", empty_db_url, "--json").json
    assert report["changed"] is True
    assert "migration 0001_initial" in report["steps"]
    assert perdure.ok("migrate", "--database-url", empty_db_url, "--json").json["steps"] == []


def test_migrate_without_a_database_is_wrong_usage(perdure: Command) -> None:
    result = perdure("migrate")
    assert result.status == 2
    assert "PERDURE_DATABASE_URL" in result.words


def test_a_database_that_does_not_answer_is_named(perdure: Command) -> None:
    words = perdure.refused("migrate", "--database-url", "postgresql://127.0.0.1:1/none")
    assert "Connection refused" in words
    assert "Is Postgres running" in words


def test_uninstall_wants_to_be_sure(perdure: Command, db_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert "nothing was changed" in perdure.refused("uninstall", "--database-url", db_url)
    assert "perdure" in schemas(db_url)


def test_uninstall_removes_what_migrate_made(perdure: Command, db_url: str) -> None:
    report = perdure.ok("uninstall", "--database-url", db_url, "--yes", "--json").json
    assert "schema perdure" in report["removed"]
    assert schemas(db_url) <= {"perdure_test"}
    assert "nothing of Perdure" in perdure.ok("uninstall", "--database-url", db_url, "--yes").words


def test_doctor_is_content_with_a_healthy_database(perdure: Command, db_url: str) -> None:
    result = perdure.ok("doctor", "--database-url", db_url, "--json")
    assert result.json == []
    assert "All is well" in result.words


def test_doctor_finds_a_stranded_run(perdure: Command, builders: Builders, db: Database) -> None:
    run = builders.claim().run_id
    db.execute("delete from perdure.leases")
    result = perdure("doctor", "--database-url", db.url, "--json")
    assert result.status == 1
    assert [finding["subject"] for finding in result.json] == [run]
    shown = perdure("doctor", "--database-url", db.url)
    assert shown.status == 1
    assert f"fix: {result.json[0]['fix']}" in shown.data
    assert "1 finding." in shown.words


def test_doctor_in_a_database_that_is_not_perdures(perdure: Command, empty_db_url: str) -> None:
    assert "perdure migrate" in perdure.refused("doctor", "--database-url", empty_db_url)


def test_keys_create_makes_the_project_and_prints_the_key_alone(perdure: Command, db: Database) -> None:
    result = perdure.ok(
        "keys", "create", "--database-url", db.url, "--project", "shop", "--organization", "acme"
    )
    key = result.data.strip()
    assert key.startswith("tr_dev_")
    assert "not shown again" in result.words
    (caller,) = db.call("authenticate", key)
    assert (caller.project_slug, caller.environment_slug, caller.kind) == ("shop", "dev", "SECRET")


def test_keys_create_makes_public_keys_of_other_environments(perdure: Command, db: Database) -> None:
    options = ("--project", "shop", "--environment", "prod", "--public", "--organization", "acme", "--json")
    made = perdure.ok("keys", "create", "--database-url", db.url, *options).json
    assert made["key"].startswith("pk_prod_")
    assert db.call("authenticate", made["key"])[0].environment_id == made["environmentId"]


def test_keys_create_names_a_project_that_is_not_there(perdure: Command, db_url: str) -> None:
    words = perdure.refused("keys", "create", "--database-url", db_url, "--project", "nowhere")
    assert "'nowhere'" in words
    assert "--organization" in words


def test_keys_create_names_the_role_that_a_login_lacks(perdure: Command, db: Database) -> None:
    login = f"clerk_{uuid4().hex}"
    db.execute("reset role")
    db.execute(f"create role {login} login password 'secret'")
    try:
        url = make_conninfo(db.url, user=login, password="secret")
        words = perdure.refused("keys", "create", "--database-url", url, "--organization", "acme")
    finally:
        db.execute(f"drop role {login}")
    assert "grant perdure_owner to LOGIN" in words


def test_a_database_that_is_not_named_is_asked_for(perdure: Command) -> None:
    result = perdure("migrate")
    assert result.status == 2
    assert "Invalid value for --database-url: give the Postgres that is meant" in result.words


def test_keys_revoke_refuses_the_key_from_now_on(
    perdure: Command, builders: Builders, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = builders.environment().key
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{key}\n"))
    perdure.ok("keys", "revoke", "--database-url", db.url)
    assert db.call("authenticate", key) == []
    assert "no such key in force" in perdure.refused("keys", "revoke", key, "--database-url", db.url)
