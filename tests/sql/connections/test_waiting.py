"""Runs that need a connection which is not there: they wait, the app is told, they go on when it comes."""

from datetime import timedelta

import pytest

from tests.sql.connections.service_app import MISSING, RESOLVED, ServiceApp, service_job
from tests.sql.rows import body_of, queued
from tests.support.builders import PUBLIC_URL, Builders, job
from tests.support.concurrency import blocked_until
from tests.support.database import Database
from tests.support.fix_clock import Clock


def test_a_run_waits_for_its_connection_and_then_starts(app: ServiceApp, db: Database) -> None:
    waiting = app.start()
    assert (app.status(waiting), queued(db)) == ("WAITING_ON_CONNECTIONS", [])
    app.connect()
    assert (app.status(waiting), queued(db)) == ("QUEUED", [waiting])
    later = app.start()
    assert (app.status(later), queued(db)) == ("QUEUED", [waiting, later])


def test_the_execution_gets_the_sealed_token_under_the_jobs_own_name(
    app: ServiceApp, builders: Builders, db: Database
) -> None:
    app.connect(token="sealed text", scopes=["chat:write"], additionalFields={"team": "T1"})
    app.start()
    (row,) = db.call("claim_runs", "test", 1)
    assert row.sealed_connections == {
        "my_slack": {
            "type": "oauth2",
            "sealedToken": "sealed text",
            "scopes": ["chat:write"],
            "additionalFields": {"team": "T1"},
        }
    }


def test_a_job_without_hosted_services_gets_no_connections(app: ServiceApp, db: Database) -> None:
    app.index(job("plain", event="plain"))
    app.start("plain")
    (row,) = db.call("claim_runs", "test", 1)
    assert row.sealed_connections is None


def test_the_app_is_told_once_what_is_missing(app: ServiceApp, db: Database) -> None:
    for _ in range(3):
        app.start()
    (told,) = app.told()
    (missing,) = db.rows("select * from perdure.missing_connections")
    client = told["client"]
    assert told == {
        "id": missing.id,
        "type": "DEVELOPER",
        "client": client,
        "authorizationUrl": f"{PUBLIC_URL}/connections/authorize/{missing.id}",
    }
    assert set(client) == {"id", "title", "scopes", "createdAt", "updatedAt"}
    assert (client["id"], client["title"], client["scopes"]) == ("slack", "Slack", [])
    app.connect()
    (resolved,) = app.told(RESOLVED)
    assert resolved == {
        "id": missing.id,
        "type": "DEVELOPER",
        "client": {**client, "integrationIdentifier": "slack", "integrationAuthMethod": "oauth2"},
        "expiresAt": "9999-12-31T23:59:59.999Z",
    }


def test_the_expiry_of_a_token_is_told(app: ServiceApp) -> None:
    app.start()
    app.connect(expiresAt="2030-01-01T00:00:00Z")
    assert [told["expiresAt"] for told in app.told(RESOLVED)] == ["2030-01-01T00:00:00.000Z"]


def test_a_connection_that_nobody_waits_for_is_told_to_nobody(app: ServiceApp) -> None:
    app.connect()
    app.connect()
    assert (app.told(), app.told(RESOLVED)) == ([], [])


def test_without_a_public_url_the_run_waits_all_the_same(app: ServiceApp, db: Database) -> None:
    db.execute("delete from perdure.settings")
    assert app.status(app.start()) == "WAITING_ON_CONNECTIONS"
    (told,) = app.told()
    assert told["authorizationUrl"] == f"/connections/authorize/{told['id']}"


def test_an_end_users_run_waits_for_that_persons_own_connection(app: ServiceApp, db: Database) -> None:
    app.connect(token="the developer's")
    anna, bert = app.start(account="anna"), app.start(account="bert")
    assert [app.status(run) for run in (anna, bert)] == ["WAITING_ON_CONNECTIONS"] * 2
    app.connect(account="anna", token="anna's")
    assert [app.status(run) for run in (anna, bert)] == ["QUEUED", "WAITING_ON_CONNECTIONS"]
    app.start()
    claims = db.call("claim_runs", "test", 5)
    assert {row.run_id == anna: row.sealed_connections["my_slack"]["sealedToken"] for row in claims} == {
        True: "anna's",
        False: "the developer's",
    }
    assert [(told["type"], told["account"]) for told in app.told()] == [
        ("EXTERNAL", {"id": "anna", "metadata": {}}),
        ("EXTERNAL", {"id": "bert", "metadata": {}}),
    ]
    (resolved,) = app.told(RESOLVED)
    assert resolved["account"]["id"] == "anna"


def test_the_developers_run_does_not_use_an_end_users_connection(app: ServiceApp) -> None:
    app.connect(account="anna")
    assert app.status(app.start()) == "WAITING_ON_CONNECTIONS"


def test_a_run_waits_for_all_its_connections(app: ServiceApp, db: Database) -> None:
    app.index(service_job("post", "slack", "github"))
    run = app.start()
    assert {told["client"]["id"] for told in app.told()} == {"github", "slack"}
    app.connect("github")
    assert (app.status(run), queued(db)) == ("WAITING_ON_CONNECTIONS", [])
    assert [told["client"]["id"] for told in app.told(RESOLVED)] == ["github"]
    app.connect("slack")
    assert (app.status(run), queued(db)) == ("QUEUED", [run])


def test_a_connection_lost_while_another_was_awaited_is_awaited_again(app: ServiceApp, db: Database) -> None:
    app.index(service_job("post", "slack", "github"))
    run = app.start()
    app.disconnect(app.connect("github"))
    app.connect("slack")
    assert (app.status(run), queued(db)) == ("WAITING_ON_CONNECTIONS", [])
    assert [told["client"]["id"] for told in app.told()] == ["slack", "github", "github"]
    app.connect("github")
    assert (app.status(run), queued(db)) == ("QUEUED", [run])


def test_a_cancelled_run_is_not_released(app: ServiceApp, db: Database) -> None:
    cancelled, waiting = app.start(), app.start()
    db.call("cancel_run", app.environment_id, cancelled)
    app.connect()
    assert [app.status(run) for run in (cancelled, waiting)] == ["CANCELED", "QUEUED"]
    assert queued(db) == [waiting]


def test_runs_wait_again_when_the_connection_is_deleted(app: ServiceApp) -> None:
    connection = app.connect()
    before = app.start()
    assert app.disconnect(connection) == connection
    assert (app.status(before), app.status(app.start())) == ("QUEUED", "WAITING_ON_CONNECTIONS")


def test_an_older_version_of_the_job_still_waits_for_what_it_needs(app: ServiceApp) -> None:
    run = app.start()
    app.index(job("post", event="post", version="2.0.0"))
    assert (app.status(run), app.status(app.start())) == ("WAITING_ON_CONNECTIONS", "QUEUED")
    app.connect()
    assert app.status(run) == "QUEUED"


def test_a_job_hears_of_missing_connections_even_if_it_lacks_one_itself(app: ServiceApp) -> None:
    rule = {"payload": {"client": {"id": ["slack"]}}}
    alarm = service_job("alarm", "slack", "mail", event=MISSING, rule=rule)
    app.index(service_job("post", "slack"), alarm)
    run = app.start()
    (missing, mail) = app.told()
    assert (missing["client"]["id"], mail["client"]["id"]) == ("slack", "mail")
    app.connect("mail")
    app.connect("slack")
    assert app.status(run) == "QUEUED"
    rows = app.db.rows("select status from perdure.runs")
    assert [row.status for row in rows] == ["QUEUED", "QUEUED"]


def test_the_alarm_about_an_end_users_connection_is_the_developers_run(app: ServiceApp, db: Database) -> None:
    alarm = service_job("alarm", "slack", event=MISSING)
    app.index(service_job("post", "slack"), alarm)
    app.connect("slack")
    app.start(account="anna")
    (row,) = db.call("claim_runs", "test", 5)
    assert (body_of(row)["job"]["id"], "account" in body_of(row)) == ("alarm", False)
    assert body_of(row)["event"]["payload"]["account"]["id"] == "anna"


def test_many_runs_are_released_together(app: ServiceApp, db: Database) -> None:
    raw = [{"name": "post"} for _ in range(200)]
    db.call("send_events", app.environment_id, raw)
    assert queued(db) == []
    app.connect()
    assert len(queued(db)) == 200
    assert db.value("select count(*) from perdure.missing_connection_runs") == 0


def test_a_run_that_starts_while_the_connection_comes_does_not_miss_it(
    app: ServiceApp, db: Database, other: Database
) -> None:
    db.execute("begin")
    app.connect()
    blocked_until(
        db, "commit", (other, lambda: other.call("send_events", app.environment_id, [{"name": "post"}]))
    )
    assert len(queued(db)) == 1


def test_a_connection_that_comes_while_a_run_starts_does_not_miss_it(
    app: ServiceApp, db: Database, other: Database
) -> None:
    db.execute("begin")
    run = app.start()
    blocked_until(db, "commit", (other, lambda: app.connect(db=other)))
    assert queued(db) == [run]


@pytest.mark.parametrize("order", [("slack", "github"), ("github", "slack")])
def test_the_last_of_two_connections_that_come_together_releases(
    app: ServiceApp, db: Database, other: Database, order: tuple[str, str]
) -> None:
    app.index(service_job("post", "slack", "github"))
    run = app.start()
    db.execute("begin")
    app.connect(order[0])
    blocked_until(db, "commit", (other, lambda: app.connect(order[1], db=other)))
    assert queued(db) == [run]


def test_nothing_that_waits_worries_the_doctor(app: ServiceApp, db: Database, clock: Clock) -> None:
    app.start()
    clock.advance(timedelta(days=30))
    assert db.call("doctor") == []
