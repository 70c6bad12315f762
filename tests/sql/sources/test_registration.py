"""Sources register themselves: what is asked for, and what an update makes of it (protocol 10.2)."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.sql.rows import snapshot
from tests.sql.sources.source_app import PUBLIC_URL, REGISTER, SourceApp, source
from tests.support.builders import Builders, Environment, job, manifest
from tests.support.database import Database
from tests.support.refusals import refused


def desired(payload: dict[str, Any]) -> dict[str, list[str]]:
    options: dict[str, list[str]] = payload["options"]["event"]
    return options


def test_a_new_source_asks_to_be_registered(app: SourceApp, builders: Builders) -> None:
    (payload,) = app.index(source("hook", "issues", "push"))
    row = app.row()
    assert len(row.secret) == 64
    assert payload == {
        "id": row.id,
        "source": {
            "key": "hook",
            "active": False,
            "secret": row.secret,
            "params": {"repo": "site"},
            "channel": {"type": "HTTP", "url": f"{PUBLIC_URL}/api/v1/sources/http/{row.id}"},
            "clientId": "github",
        },
        "options": {"event": {"desired": ["issues", "push"], "missing": ["issues", "push"], "orphaned": []}},
    }
    (claim,) = builders.claims()
    assert (claim.body["job"]["id"], claim.body["event"]["name"]) == ("register", REGISTER)
    assert claim.body["event"]["payload"] == payload


def test_it_asks_again_until_it_is_registered_and_then_no_more(app: SourceApp) -> None:
    wanted = source("hook", "issues")
    assert len(app.index(wanted)) == 1
    secret = app.row().secret
    (payload,) = app.index(wanted)
    assert payload["source"]["secret"] == secret
    assert app.update(options={"event": ["issues"]}) == {"id": app.row().id, "key": "hook"}
    assert (app.row().active, app.row().secret) == (True, secret)
    assert app.index(wanted) == []


def test_an_update_keeps_what_it_is_given(app: SourceApp, db: Database) -> None:
    app.index(source("hook", "issues"))
    app.update(options={"event": ["issues"]}, secret="new", data={"webhook": 7})
    assert (app.row().secret, app.row().data) == ("new", {"webhook": 7})
    app.update()
    assert (app.row().secret, app.row().data, app.options()) == (
        "new",
        {"webhook": 7},
        {("event", "issues"): (True, True)},
    )
    assert app.index(source("hook", "issues")) == []


def test_the_same_update_again_changes_nothing(registered: SourceApp, db: Database) -> None:
    db.execute("update perdure.sources set updated_at = created_at")
    before = snapshot(db)
    registered.update(options={"event": ["issues"]})
    db.execute("update perdure.sources set updated_at = created_at")
    assert snapshot(db) == before


def test_more_and_fewer_options_are_missing_and_orphaned(registered: SourceApp) -> None:
    (payload,) = registered.index(source("hook", "push", "star"))
    assert payload["source"]["active"] is True
    assert desired(payload) == {
        "desired": ["push", "star"],
        "missing": ["push", "star"],
        "orphaned": ["issues"],
    }
    registered.update(options={"event": ["push", "star"]})
    assert registered.options() == {("event", "push"): (True, True), ("event", "star"): (True, True)}
    assert registered.index(source("hook", "push", "star")) == []


def test_a_registration_that_falls_short_is_asked_for_again(app: SourceApp) -> None:
    app.index(source("hook", "issues", "push"))
    app.update(options={"event": ["issues"]})
    (payload,) = app.index(source("hook", "issues", "push"))
    assert desired(payload) == {"desired": ["issues", "push"], "missing": ["push"], "orphaned": []}
    app.update(options={"event": ["push"]})  # all that is registered now
    (payload,) = app.index(source("hook", "issues", "push"))
    assert desired(payload)["missing"] == ["issues"]


def test_options_have_names(app: SourceApp) -> None:
    (payload,) = app.index(source("hook", options={"event": ["a"], "scope": ["x", "y"], "empty": []}))
    assert payload["options"] == {
        "event": {"desired": ["a"], "missing": ["a"], "orphaned": []},
        "scope": {"desired": ["x", "y"], "missing": ["x", "y"], "orphaned": []},
    }
    app.update(options={"event": ["a"]})
    assert app.options()[("scope", "x")] == (True, False)


def test_the_option_event_is_always_there(app: SourceApp) -> None:
    (payload,) = app.index(source("hook", options={"scope": ["x"]}))
    assert payload["options"]["event"] == {"desired": [], "missing": [], "orphaned": []}


@pytest.mark.parametrize("channel", ["SQS", "SMTP"])
def test_what_does_not_come_by_http_is_kept_but_never_active(app: SourceApp, channel: str) -> None:
    assert app.index(source("hook", "issues", channel=channel)) == []
    app.update(options={"event": ["issues"]})
    assert (app.row().channel, app.row().active) == (channel, False)


def test_a_source_that_leaves_http_stops(registered: SourceApp) -> None:
    assert registered.index(source("hook", "issues", channel="SQS")) == []
    assert registered.receive() == {"accepted": False}


def test_what_a_registration_remembers_is_kept_as_written(registered: SourceApp, db: Database) -> None:
    update = '{"options": {}, "data": {"z": 1.0, "a": "\\u0000"}}'
    db.execute("select perdure.update_source(%s, 'hook', %s::json)", registered.environment_id, update)
    assert db.value("select data::text from perdure.sources") == '{"z": 1.0, "a": "\\u0000"}'


def test_an_old_sdk_says_events_instead_of_options(app: SourceApp) -> None:
    old = {key: value for key, value in source().items() if key not in ("options", "version", "channel")}
    (payload,) = app.index({**old, "events": ["issues", "issues"]})
    assert desired(payload)["desired"] == ["issues"]
    assert payload["source"]["channel"]["type"] == "HTTP"


def test_a_source_that_is_no_longer_named_stops_and_may_come_back(registered: SourceApp) -> None:
    assert registered.index() == []
    assert registered.row().active is False
    assert registered.receive() == {"accepted": False}
    (payload,) = registered.index(source("hook", "issues"))
    assert (payload["source"]["active"], desired(payload)["desired"]) == (False, ["issues"])


def test_two_endpoints_leave_each_others_sources_alone(registered: SourceApp, builders: Builders) -> None:
    environment = registered.endpoint.environment
    builders.endpoint(job("x"), environment=environment, slug="other", sources=[source("second", "a")])
    assert (registered.row("hook").active, registered.row("second").active) == (True, False)
    registered.index(source("hook", "issues"))
    assert registered.options("second") == {("event", "a"): (True, False)}


def test_without_a_public_url_no_provider_could_be_told(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    before = snapshot(db)
    with refused("JQ002", "public URL"):
        db.call("index_endpoint", endpoint.id, manifest(job(), sources=[source("hook", "a")]))
    assert snapshot(db) == before


@pytest.mark.parametrize(
    "options", [["issues"], {"event": "issues"}, {"event": {"a": 1}}, {"event": [None]}, "issues", 5]
)
def test_an_update_without_lists_is_refused(registered: SourceApp, db: Database, options: Any) -> None:
    before = snapshot(db)
    with refused("JQ010", "p_update.options"):
        registered.update(options=options)
    assert snapshot(db) == before


def test_another_environments_source_is_not_found(
    registered: SourceApp, db: Database, make_environment: Callable[..., Environment]
) -> None:
    other = make_environment("prod", project=registered.endpoint.environment.project)
    for environment_id, key in ((other.id, "hook"), (registered.environment_id, "other"), (None, "hook")):
        with refused("JQ001", "source"):
            db.call("update_source", environment_id, key, {})
