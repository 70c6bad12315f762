"""Connections: stored, shown without their tokens, replaced and deleted."""

from datetime import timedelta
from typing import Any

import pytest

from tests.sql.connections.service_app import ServiceApp, service_job
from tests.support.builders import Builders
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused

NOTHING = "0193a3f0-0000-7000-8000-000000000000"


def test_what_is_shown_of_a_connection(app: ServiceApp, db: Database) -> None:
    connection = app.connect(
        account="anna",
        scopes=["chat:write", "users:read"],
        additionalFields={"secret": "hidden"},
        metadata={"plan": 1.0},
        expiresAt="2030-01-01T00:00:00Z",
    )
    assert connection == {
        "id": connection["id"],
        "integration": "slack",
        "accountId": "anna",
        "type": "oauth2",
        "scopes": ["chat:write", "users:read"],
        "metadata": {"plan": 1.0},
        "expiresAt": "2030-01-01T00:00:00.000Z",
        "createdAt": connection["createdAt"],
        "updatedAt": connection["createdAt"],
    }
    assert db.call("get_connection", app.environment_id, "slack", connection["id"]) == connection


def test_the_developers_own_has_no_account(app: ServiceApp) -> None:
    assert set(app.connect(type="apiKey")) == {
        "id",
        "integration",
        "type",
        "scopes",
        "createdAt",
        "updatedAt",
    }


def test_a_new_token_replaces_the_old_one(app: ServiceApp, db: Database, clock: Clock) -> None:
    first = app.connect(token="old", scopes=["a"], metadata={"n": 1}, additionalFields={"f": "1"})
    clock.advance(timedelta(seconds=1))
    second = app.connect(token="new", scopes=["b"])
    assert (second["id"], second["scopes"]) == (first["id"], ["b"])
    assert (second["createdAt"], second["updatedAt"] > first["updatedAt"]) == (first["createdAt"], True)
    auth = db.call("get_auth", app.environment_id, "app", "slack")
    assert auth == {"type": "oauth2", "sealedToken": "new", "scopes": ["b"]}


def test_each_person_has_a_connection_of_their_own(app: ServiceApp) -> None:
    ids = {app.connect(account=account)["id"] for account in (None, "anna", "bert", None, "anna")}
    assert len(ids) == 3


def test_the_same_end_user_is_one_account_for_events_and_connections(app: ServiceApp, db: Database) -> None:
    app.start(account="anna")
    app.connect(account="anna")
    assert db.value("select count(*) from perdure.external_accounts") == 1


def test_users_metadata_is_kept_as_it_was_written(app: ServiceApp, db: Database) -> None:
    db.value(
        "select perdure.create_connection(%s, null, 'slack', %s)",
        app.environment_id,
        '{"type": "apiKey", "sealedToken": "s", "metadata": {"b": "\\u0000", "a": 1.50}}',
    )
    assert db.value("select metadata::text from perdure.connections") == '{"b": "\\u0000", "a": 1.50}'


@pytest.mark.parametrize(
    ("connection", "problem"),
    [
        ([], "p_connection must be an object"),
        ({"sealedToken": "s"}, "p_connection.type must be oauth2 or apiKey, not absent"),
        (
            {"type": "password", "sealedToken": "s"},
            "p_connection.type must be oauth2 or apiKey, not password",
        ),
        ({"type": "oauth2"}, "p_connection.sealedToken must be a text that is not empty"),
        ({"scopes": "all"}, "p_connection.scopes must be a list of texts"),
        ({"scopes": [1]}, "p_connection.scopes must be a list of texts"),
        ({"additionalFields": []}, "p_connection.additionalFields must be an object of texts"),
        ({"additionalFields": {"n": 1}}, "p_connection.additionalFields must be an object of texts"),
        ({"expiresAt": "soon"}, "p_connection.expiresAt must be an instant, not soon"),
        ({"expiresAt": "infinity"}, "p_connection.expiresAt must be an instant, not infinity"),
    ],
)
def test_a_malformed_connection_is_refused(app: ServiceApp, connection: Any, problem: str) -> None:
    if isinstance(connection, dict) and not {"type", "sealedToken"} & set(connection):
        connection = {"type": "oauth2", "sealedToken": "s", **connection}
    with refused("JQ010", problem):
        app.db.call("create_connection", app.environment_id, None, "slack", connection)


def test_an_account_without_a_name_is_refused(app: ServiceApp) -> None:
    with refused("JQ010", "p_account"):
        app.connect(account="")


def test_optional_members_may_be_null(app: ServiceApp) -> None:
    connection = app.connect(scopes=None, additionalFields=None, metadata=None, expiresAt=None)
    assert (connection["scopes"], "expiresAt" in connection) == ([], False)


def test_what_is_not_there_is_not_found(app: ServiceApp, db: Database, builders: Builders) -> None:
    environment = app.environment_id
    connection = app.connect()
    foreign = ServiceApp(db, builders.endpoint(service_job("post", "slack", "github")))
    foreign.connect("slack")
    app.index(service_job("post", "slack", "github"))
    with refused("JQ001", "there is no integration 'nothing' in this environment"):
        app.connect("nothing")
    with refused("JQ001", "there is no integration NULL"):
        db.call("get_auth", environment, "app", None)
    for slug, id in (("slack", NOTHING), ("slack", None), ("github", connection["id"])):
        for function in ("get_connection", "delete_connection"):
            with refused("JQ001", f"of integration {slug}"):
                db.call(function, environment, slug, id)
    for function in ("get_connection", "delete_connection"):
        with refused("JQ001", "there is no connection"):
            db.call(function, foreign.environment_id, "slack", connection["id"])
    with refused("JQ001", "integration github is not connected"):
        db.call("get_auth", environment, "app", "github")
    with refused("JQ001", "there is no app 'other'"):
        db.call("get_auth", environment, "other", "slack")
    app.disconnect(connection)
    with refused("JQ001", "there is no connection"):
        app.disconnect(connection)


def test_an_end_users_token_is_nothing_that_an_app_can_ask_for(app: ServiceApp, db: Database) -> None:
    app.connect(account="anna")
    with refused("JQ001", "is not connected"):
        db.call("get_auth", app.environment_id, "app", "slack")


def test_the_views_show_who_is_connected_and_what_is_missing(app: ServiceApp, db: Database) -> None:
    app.connect(account="anna", token="sealed-token", additionalFields={"secret": "hidden-field"})
    runs = [app.start(), app.start(account="bert"), app.start()]
    db.call("cancel_run", app.environment_id, runs[0])
    with db.as_role("perdure_readonly") as reader:
        (integration,) = reader.rows("select * from perdure_views.integrations")
        (connection,) = reader.rows("select * from perdure_views.connections")
        missing = reader.rows("select * from perdure_views.missing_connections order by id")
    assert (integration.slug, integration.auth_source) == ("slack", "HOSTED")
    assert (connection.integration, connection.account, connection.auth_type) == ("slack", "anna", "oauth2")
    assert "sealed-token" not in str(connection)
    assert "hidden-field" not in str(connection)
    assert [(row.account, row.waiting_runs, row.resolved_at) for row in missing] == [
        (None, 1, None),
        ("bert", 1, None),
    ]
