"""How a registration stands, and having it made anew."""

from typing import Any

from tests.sql.sources.source_app import SourceApp, source
from tests.sql.webhooks.test_webhooks import App, webhook
from tests.support.builders import Builders, Claim
from tests.support.database import Database
from tests.support.refusals import refused


def state(db: Database, view: str = "sources") -> tuple[str, str | None]:
    (row,) = db.rows(f"select * from perdure_views.{view}")
    return row.registration, row.registration_problem


def claimed(builders: Builders) -> Claim:
    (claim,) = builders.claims()
    return claim


def test_a_source_tells_how_its_registration_stands(app: SourceApp, db: Database, builders: Builders) -> None:
    app.index(source("hook", "issues"))
    assert state(db) == ("PENDING", None)
    run_id = db.value("select registration_run from perdure_views.sources")
    assert run_id == db.value("select id from perdure.runs")
    claimed(builders).reply("ERROR", error={"message": "GitHub says 401"})
    assert state(db) == ("FAILED", "GitHub says 401")

    app.index(source("hook", "issues"))  # asks again
    assert state(db) == ("PENDING", None)
    app.update(options={"event": ["issues"]})
    assert state(db) == ("REGISTERED", None)
    claimed(builders).reply("SUCCESS", output=None)
    app.index(source("hook", "issues", "push"))
    claimed(builders).reply("SUCCESS", output=None)
    assert state(db) == ("FAILED", "The registration ended without registering it")
    app.index()
    assert state(db) == ("OFF", None)


def test_a_source_that_no_job_registers_has_failed(app: SourceApp, db: Database, builders: Builders) -> None:
    builders.endpoint(sources=[source("alone", "x")], environment=builders.environment("stg"))
    assert state(db) == ("FAILED", "No job of the app registers it")


def test_a_source_is_registered_anew_as_if_it_had_never_been(
    registered: SourceApp, db: Database, builders: Builders
) -> None:
    registered.update(options={"event": ["issues"]})
    for claim in builders.claims():
        claim.reply("SUCCESS", output=None)
    assert state(db)[0] == "REGISTERED"
    event_id = db.call("register_source", registered.environment_id, registered.row().id)
    assert state(db)[0] == "PENDING"
    assert registered.receive() == {"accepted": False}
    payload: Any = db.value("select payload from perdure.events where event_id = %s", event_id)
    assert payload["source"]["active"] is False
    assert payload["options"]["event"]["missing"] == payload["options"]["event"]["desired"] != []
    registered.update(options={"event": ["issues"]})
    assert registered.receive()["accepted"]


def test_what_cannot_be_registered_says_why(app: SourceApp, db: Database, builders: Builders) -> None:
    app.index(source("hook", "issues"))
    app.index()
    with refused("JQ002", "wanted no more"):
        db.call("register_source", app.environment_id, app.row().id)
    with refused("JQ001", "source"):
        db.call("register_source", builders.environment().id, app.row().id)
    app.index(source("mail", "x", channel="SMTP"))
    with refused("JQ002", "SMTP"):
        db.call("register_source", app.environment_id, app.row("mail").id)


def test_a_webhook_is_registered_anew(db: Database, builders: Builders) -> None:
    db.call("set_setting", "public_url", "https://perdure.example")
    app = App(db, builders.endpoint())
    app.index(webhook("pay", "paid"))
    environment = app.endpoint.environment.id
    assert state(db, "webhooks") == ("PENDING", None)
    claimed(builders).reply("ERROR", error={"message": "Stripe says no"})
    assert state(db, "webhooks") == ("FAILED", "Stripe says no")
    app.update(active=True, config={"events": ["paid"]})
    assert state(db, "webhooks") == ("REGISTERED", None)
    db.call("register_webhook", environment, app.row().id)
    assert state(db, "webhooks") == ("PENDING", None)
    with refused("JQ001", "webhook"):
        db.call("register_webhook", builders.environment().id, app.row().id)
    app.index()
    with refused("JQ002", "wanted no more"):
        db.call("register_webhook", environment, app.row().id)
    assert state(db, "webhooks") == ("OFF", None)
