"""What indexing makes of the services that jobs use."""

from datetime import timedelta
from typing import Any

import pytest

from tests.sql.connections.service_app import ServiceApp, integration, service_job
from tests.support.builders import job
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused


def integrations(db: Database) -> dict[str, Any]:
    return {row.slug: row for row in db.rows("select * from perdure.integrations order by slug")}


def hosted(db: Database) -> dict[str, list[str]]:
    rows = db.rows(
        "select k.slug, v.hosted_integrations as slugs from perdure.job_versions as v"
        " join perdure.jobs as k on k.id = v.job_id"
    )
    return {row.slug: row.slugs for row in rows}


def test_each_service_is_stored_with_who_holds_its_accounts(app: ServiceApp, db: Database) -> None:
    members = {
        "ours": integration("slack-team", auth_source="HOSTED", name="Slack of the team"),
        "theirs": integration("github", auth_source="RESOLVER"),
        "own": integration("stripe", auth_source="LOCAL"),
    }
    app.index(service_job("post", "slack"), job("other", integrations=members), job("plain"))
    rows = integrations(db)
    assert {slug: (row.auth_source, row.setup_status) for slug, row in rows.items()} == {
        "slack": ("HOSTED", "MISSING_FIELDS"),
        "slack-team": ("HOSTED", "MISSING_FIELDS"),
        "github": ("RESOLVER", "COMPLETE"),
        "stripe": ("LOCAL", "COMPLETE"),
    }
    row = rows["slack-team"]
    assert (row.service, row.title, row.environment_id) == ("slack", "Slack of the team", app.environment_id)
    assert hosted(db) == {"post": ["slack"], "other": ["slack-team"], "plain": []}


def test_where_jobs_disagree_the_platform_holds_the_account(app: ServiceApp, db: Database) -> None:
    own = {"slack": integration("slack", auth_source="LOCAL")}
    app.index(job("a", integrations=own), service_job("b", "slack"), job("c", integrations=own))
    assert integrations(db)["slack"].auth_source == "HOSTED"
    assert hosted(db) | {"post": []} == {"post": [], "a": [], "b": ["slack"], "c": []}


def test_what_a_person_has_set_up_stays_so(app: ServiceApp, db: Database, clock: Clock) -> None:
    db.execute("update perdure.integrations set setup_status = 'COMPLETE', scopes = '{chat:write}'")
    before = integrations(db)["slack"]
    clock.advance(timedelta(seconds=1))
    app.index(service_job("post", "slack"))
    assert integrations(db)["slack"] == before
    app.index(job("post", event="post", integrations={"s": integration("slack", name="Slack!")}))
    renamed = integrations(db)["slack"]
    assert (renamed.title, renamed.setup_status, renamed.scopes) == ("Slack!", "COMPLETE", ["chat:write"])
    assert renamed.updated_at > before.updated_at


def test_an_account_that_the_app_takes_over_wants_no_setting_up(app: ServiceApp, db: Database) -> None:
    own = {"slack": integration("slack", auth_source="LOCAL")}
    app.index(job("post", event="post", integrations=own))
    row = integrations(db)["slack"]
    assert (row.auth_source, row.setup_status, hosted(db)) == ("LOCAL", "COMPLETE", {"post": []})
    app.index(service_job("post", "slack"))
    row = integrations(db)["slack"]
    assert (row.auth_source, row.setup_status, hosted(db)) == (
        "HOSTED",
        "MISSING_FIELDS",
        {"post": ["slack"]},
    )


def test_a_service_that_no_job_uses_any_more_stays_with_its_connections(
    app: ServiceApp, db: Database
) -> None:
    connection = app.connect()
    app.index(job("plain"))
    assert list(integrations(db)) == ["slack"]
    shown = db.call("get_connection", app.environment_id, "slack", connection["id"])
    assert shown == connection


@pytest.mark.parametrize(
    ("integrations", "problem"),
    [
        ([], "integrations must be an object by name, not array"),
        ("slack", "integrations must be an object by name, not string"),
        ({"s": integration("")}, "integrations.s.id must be 1 to 200 characters"),
        ({"s": {}}, "integrations.s.id must be 1 to 200 characters"),
        ({"s": 5}, "integrations.s.id must be 1 to 200 characters"),
        (
            {"a": integration("a"), "s": integration("s", auth_source="MAGIC")},
            "integrations.s.authSource must be HOSTED, LOCAL or RESOLVER, not MAGIC",
        ),
        (
            {"s": {"id": "slack", "metadata": {"id": "slack", "name": "Slack"}}},
            "integrations.s.authSource must be HOSTED, LOCAL or RESOLVER, not absent",
        ),
        (
            {"s": {"id": "slack", "metadata": {"id": "slack"}, "authSource": "LOCAL"}},
            "integrations.s.metadata must have an id and a name",
        ),
        (
            {"s": {"id": "slack", "authSource": "LOCAL"}},
            "integrations.s.metadata must have an id and a name",
        ),
    ],
)
def test_a_malformed_integration_is_named(app: ServiceApp, integrations: Any, problem: str) -> None:
    with refused("JQ010", f"jobs[1].{problem}"):
        app.index(job("fine"), job("wrong", integrations=integrations))


def test_no_integrations_may_be_null(app: ServiceApp, db: Database) -> None:
    app.index(job("post", event="post", integrations=None))
    assert hosted(db) == {"post": []}
