"""Registering endpoints, and reading them."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.builders import Builders, Environment, manifest
from tests.support.database import Database
from tests.support.refusals import refused

URL = "https://app.example/api/trigger"


@pytest.fixture
def environment(builders: Builders) -> Environment:
    """The development environment of a new project."""
    return builders.environment()


def test_a_new_endpoint(db: Database, environment: Environment) -> None:
    endpoint = db.call("register_endpoint", environment.id, "app", URL)
    project_id, organization_id = db.rows("select id, organization_id from perdure.projects")[0]
    assert len(endpoint.pop("indexingHookIdentifier")) == 32
    assert endpoint.pop("createdAt") == endpoint.pop("updatedAt")
    assert endpoint == {
        "id": endpoint["id"],
        "slug": "app",
        "url": URL,
        "timeoutMs": 60_000,
        "enabled": True,
        "environmentId": environment.id,
        "organizationId": organization_id,
        "projectId": project_id,
    }


def test_the_same_slug_again_moves_it(db: Database, environment: Environment) -> None:
    first = db.call("register_endpoint", environment.id, "app", URL, 20_000)
    moved = db.call("register_endpoint", environment.id, "app", "http://localhost:3000/api/trigger")
    assert (moved["id"], moved["url"], moved["timeoutMs"]) == (
        first["id"],
        "http://localhost:3000/api/trigger",
        20_000,
    )
    assert moved["indexingHookIdentifier"] == first["indexingHookIdentifier"]
    assert moved["createdAt"] == first["createdAt"]
    assert db.call("register_endpoint", environment.id, "app", URL, 30_000)["timeoutMs"] == 30_000
    assert db.value("select count(*) from perdure.endpoints") == 1


def test_environments_are_apart(
    db: Database, environment: Environment, make_environment: Callable[..., Environment]
) -> None:
    other = make_environment("prod", project=environment.project)
    one = db.call("register_endpoint", environment.id, "app", URL)
    two = db.call("register_endpoint", other.id, "app", URL)
    assert one["id"] != two["id"]
    assert [endpoint["id"] for endpoint in db.call("list_endpoints", other.id)] == [two["id"]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("", URL, None), ["p_slug"]),
        ((None, URL, None), ["p_slug", "null"]),
        (("a b", URL, None), ["p_slug", "'a b'"]),
        (("a" * 101, URL, None), ["p_slug", "1 to 100"]),
        (("app", None, None), ["p_url", "http"]),
        (("app", "", None), ["p_url"]),
        (("app", "ftp://app.example/", None), ["p_url", "ftp://"]),
        (("app", "https://", None), ["p_url"]),
        (("app", "app.example", None), ["p_url"]),
        (("app", URL, 999), ["p_timeout_ms", "1000..3600000", "999"]),
        (("app", URL, 3_600_001), ["p_timeout_ms"]),
    ],
)
def test_arguments_are_checked(pure_db: Database, arguments: tuple[Any, ...], words: list[str]) -> None:
    environment = Builders(pure_db).environment(project="checks")
    with refused("JQ010", *words):
        pure_db.call("register_endpoint", environment.id, *arguments)
    assert pure_db.call("list_endpoints", environment.id) == []


def test_an_unknown_environment_is_refused(pure_db: Database) -> None:
    for environment_id in ("01900000-0000-7000-8000-000000000000", None):
        with refused("JQ001", "environment"):
            pure_db.call("register_endpoint", environment_id, "app", URL)


def test_an_endpoint_is_read_with_its_last_index(db: Database, environment: Environment) -> None:
    registered = db.call("register_endpoint", environment.id, "app", URL)
    assert db.call("get_endpoint", environment.id, "app") == registered
    index = db.call("index_endpoint", registered["id"], manifest(), {"name": "trigger", "version": "2.3.19"})
    read = db.call("get_endpoint", environment.id, "app")
    assert (read["sdk"], read["lastIndex"]) == ({"name": "trigger", "version": "2.3.19"}, index)
    failure = db.call("record_index_failure", registered["id"], "no answer")
    assert db.call("get_endpoint", environment.id, "app")["lastIndex"] == failure


def test_endpoints_are_listed_by_slug(db: Database, environment: Environment) -> None:
    assert db.call("list_endpoints", environment.id) == []
    for slug in ("b", "a", "c"):
        db.call("register_endpoint", environment.id, slug, URL)
    assert [endpoint["slug"] for endpoint in db.call("list_endpoints", environment.id)] == ["a", "b", "c"]


def test_an_unknown_endpoint_is_not_found(
    db: Database, environment: Environment, make_environment: Callable[..., Environment]
) -> None:
    other = make_environment("prod", project=environment.project)
    db.call("register_endpoint", environment.id, "app", URL)
    for environment_id, slug in (
        (other.id, "app"),
        (environment.id, "other"),
        (environment.id, None),
        (None, "app"),
    ):
        for function in ("get_endpoint", "get_endpoint_access"):
            with refused("JQ001", "endpoint"):
                db.call(function, environment_id, slug)
