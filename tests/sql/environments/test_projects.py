"""Projects and their environments, and the installation's settings."""

import pytest

from tests.sql.rows import snapshot
from tests.support.database import Database
from tests.support.refusals import refused

TYPES = {"dev": "DEVELOPMENT", "stg": "STAGING", "prod": "PRODUCTION", "prev": "PREVIEW"}


def test_a_project_has_four_environments(db: Database) -> None:
    project_id = db.call("create_project", "acme", "site", "The site")
    rows = db.rows("select id, slug, type from perdure_views.environments where project = 'site'")
    assert {row.slug: row.type for row in rows} == TYPES
    for row in rows:
        assert db.call("get_environment", "site", row.slug) == row.id
    with refused("JQ001", "no environment 'dev2' in project 'site'"):
        db.call("get_environment", "site", "dev2")
    kinds = db.rows("select environment_id, kind, hint from perdure_views.api_keys order by environment_id")
    assert [(row.environment_id, row.kind) for row in kinds] == [
        (id, "PUBLIC") for id in sorted(row.id for row in rows)
    ]
    (project,) = db.rows(
        "select p.id, p.name, o.slug from perdure.projects p join perdure.organizations o on true"
    )
    assert tuple(project) == (project_id, "The site", "acme")


def test_the_same_project_again_changes_nothing_but_the_name(db: Database) -> None:
    project_id = db.call("create_project", "acme", "site")
    assert db.value("select name from perdure.projects") == "site"
    before = snapshot(db)
    assert db.call("create_project", "acme", "site") == project_id
    assert db.call("create_project", "acme", "site", "site") == project_id
    assert snapshot(db) == before
    assert db.call("create_project", "acme", "site", "The site") == project_id
    assert db.call("create_project", "acme", "site") == project_id
    assert db.value("select name from perdure.projects") == "The site"
    assert db.call("create_project", "acme", "shop") != project_id
    assert db.value("select count(*) from perdure.organizations") == 1
    assert db.value("select count(*) from perdure.environments") == 8


def test_a_project_stays_with_its_organization(db: Database) -> None:
    db.call("create_project", "acme", "site")
    before = snapshot(db)
    with refused("JQ004", "'site'", "another organization"):
        db.call("create_project", "rival", "site", "Ours now")
    assert snapshot(db) == before


@pytest.mark.parametrize("slug", ["", None, "-site", "a b", "a/b", "ä", "a" * 101])
def test_slugs_are_checked(pure_db: Database, slug: str | None) -> None:
    with refused("JQ010", "p_project", "1 to 100 letters"):
        pure_db.call("create_project", "acme", slug)
    with refused("JQ010", "p_organization", "1 to 100 letters"):
        pure_db.call("create_project", slug, "site")
    assert pure_db.value("select count(*) from perdure.organizations") == 0


@pytest.mark.parametrize("arguments", [("shop", "dev"), (None, "dev"), ("shop", None)])
def test_an_unknown_environment_is_not_found(
    pure_db: Database, arguments: tuple[str | None, str | None]
) -> None:
    with refused("JQ001", "no environment"):
        pure_db.call("get_environment", *arguments)


def test_a_setting_is_kept_and_replaced(db: Database) -> None:
    db.call("set_setting", "public_url", "https://one.example")
    before = snapshot(db)
    db.call("set_setting", "public_url", "https://one.example")
    assert snapshot(db) == before
    db.call("set_setting", "public_url", "http://localhost:3030")
    assert db.value("select value from perdure.settings") == "http://localhost:3030"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("color", "red", ["p_name", "'color'"]),
        (None, "red", ["p_name"]),
        ("public_url", None, ["public_url", "origin"]),
        ("public_url", "", ["public_url", "origin"]),
        ("public_url", "https://one.example/", ["public_url", "slash"]),
        ("public_url", "https://one.example/path", ["public_url"]),
        ("public_url", "one.example", ["public_url"]),
        ("public_url", "ftp://one.example", ["public_url"]),
    ],
)
def test_settings_are_checked(
    pure_db: Database, name: str | None, value: str | None, words: list[str]
) -> None:
    with refused("JQ010", *words):
        pure_db.call("set_setting", name, value)
