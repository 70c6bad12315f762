"""Attaching sources to dynamic triggers (protocol 10.4)."""

from typing import Any

import pytest

from tests.sql.dynamic_triggers.trigger_app import (
    PUBLIC_URL,
    TriggerApp,
    dynamic,
    dynamic_job,
    registration,
    source,
)
from tests.sql.rows import snapshot
from tests.support.builders import Builders, job
from tests.support.concurrency import blocked_until
from tests.support.database import Database
from tests.support.refusals import refused


def source_row(db: Database, key: str) -> Any:
    (row,) = db.rows("select * from perdure.sources where key = %s", key)
    return row


def test_the_answer_tells_where_the_provider_shall_send(app: TriggerApp, db: Database) -> None:
    answer = app.register("acme/site", registration(source("hook", "push", "star")))
    trigger_id = db.value("select id from perdure.dynamic_triggers")
    row = source_row(db, f"{trigger_id}:acme/site:hook")
    assert answer == {
        "id": db.value("select id from perdure.dynamic_trigger_registrations"),
        "source": {
            "key": row.key,
            "active": False,
            "secret": row.secret,
            "params": {"repo": "hook"},
            "channel": {"type": "HTTP", "url": f"{PUBLIC_URL}/api/v1/sources/http/{row.id}"},
            "clientId": "github",
        },
        "options": {"event": {"desired": ["push", "star"], "missing": ["push", "star"], "orphaned": []}},
    }


def test_the_apps_internal_job_is_asked_to_register_the_source(app: TriggerApp, builders: Builders) -> None:
    answer = app.register()
    (asked,) = app.asked()
    assert asked.payload["dynamicTriggerId"] == "repo"
    assert (asked.payload["source"], asked.payload["options"]) == (answer["source"], answer["options"])
    (claim,) = builders.claims()
    assert (claim.body["job"]["id"], claim.body["event"]["payload"]) == ("register", asked.payload)


def test_the_same_request_asks_once(app: TriggerApp, db: Database) -> None:
    first = app.register(event_id="task-1")
    before = snapshot(db)
    again = app.register(event_id="task-1")
    assert (again, [asked.event_id for asked in app.asked()]) == (first, ["task-1"])
    assert {name for name, rows in snapshot(db).items() if rows != before[name]} <= {
        "perdure.sources",  # updated_at
        "perdure.dynamic_trigger_registrations",
    }
    app.register()
    assert len(app.asked()) == 2


def test_a_source_that_is_registered_asks_when_more_is_wanted(app: TriggerApp) -> None:
    app.activate(app.register())
    assert app.register()["source"]["active"] is True
    assert len(app.asked()) == 1
    more = app.register(body=registration(source("acme-site", "push", "star")))
    assert more["options"]["event"] == {"desired": ["push", "star"], "missing": ["star"], "orphaned": []}
    assert len(app.asked()) == 2


def test_its_events_start_every_job_of_the_trigger_and_no_others(app: TriggerApp) -> None:
    app.index(
        dynamic_job("a"),
        dynamic_job("b"),
        dynamic_job("c", "other"),
        dynamicTriggers=[dynamic("repo"), dynamic("other")],
    )
    one = app.register("one")["source"]["key"]
    app.register("two")
    app.register("one", slug="other")
    app.send(one)
    assert app.started() == ["a", "b"]


def test_the_rule_chooses_among_the_events(app: TriggerApp) -> None:
    rule = {
        "event": ["push", "star"],
        "source": "github.com",
        "payload": {"n": [1]},
        "context": {"c": [{"$exists": True}]},
    }
    key = app.register(body=registration(source(), rule=rule))["source"]["key"]
    wanted = {"payload": {"n": 1}, "context": {"c": 5}}
    for event in (
        wanted,
        {**wanted, "name": "star"},
        {**wanted, "name": "fork"},
        {**wanted, "source": "elsewhere"},
        {**wanted, "payload": {"n": 2}},
        {**wanted, "context": {}},
    ):
        app.send(key, **event)
    assert app.started() == ["greet", "greet"]


def test_another_rule_takes_the_place_of_the_old_one(app: TriggerApp) -> None:
    first = app.register()
    rule = {"event": "star", "source": "github.com"}
    second = app.register(body=registration(source(), rule=rule))
    assert second == first
    key = first["source"]["key"]
    app.send(key)
    assert app.started() == []
    app.send(key, name="star")
    assert app.started() == ["greet"]


def test_another_source_takes_the_place_of_the_old_one(app: TriggerApp, db: Database) -> None:
    old = app.register("one", registration(source("old")))
    app.activate(old)
    new = app.register("one", registration(source("new")))
    assert new["source"]["key"] != old["source"]["key"]
    assert source_row(db, old["source"]["key"]).active is False
    app.send(old["source"]["key"])
    assert app.started() == []
    app.send(new["source"]["key"])
    assert app.started() == ["greet"]
    rows = db.rows("select key, source_id from perdure_views.dynamic_trigger_registrations")
    assert [tuple(row) for row in rows] == [("one", source_row(db, new["source"]["key"]).id)]
    back = app.register("one", registration(source("old")))
    assert (back["source"]["secret"], back["source"]["active"]) == (old["source"]["secret"], False)
    app.send(back["source"]["key"])
    assert app.started() == ["greet", "greet"]


def test_a_registration_may_be_about_an_end_user(app: TriggerApp, db: Database) -> None:
    answer = app.register(body=registration(source(), accountId="user-1"))
    (asked,) = app.asked()
    assert asked.account == "user-1"
    (row,) = db.rows("select account, dynamic_trigger from perdure_views.sources")
    assert tuple(row) == ("user-1", "repo")
    app.register(body=registration(source()))
    assert source_row(db, answer["source"]["key"]).external_account_id is None


def test_users_documents_are_kept_as_written(app: TriggerApp, db: Database) -> None:
    body = '{"rule": {"event": "push", "source": "github.com"}, "metadata": {"z": 1.0, "a": "\\u0000"},'
    body += ' "source": {"key": "k", "channel": "HTTP", "params": {"z": 1.0, "a": "\\u0000"}}}'
    db.execute(
        "select perdure.register_dynamic_trigger(%s, 'repo', 'one', %s::json)", app.environment_id, body
    )
    (row,) = db.rows(
        """
        select s.params::text, r.metadata::text from perdure.sources as s
        join perdure.dynamic_trigger_registrations as r on r.source_id = s.id
        """
    )
    assert (row.params, row.metadata) == ('{"z": 1.0, "a": "\\u0000"}',) * 2


def test_only_http_can_be_registered(app: TriggerApp, db: Database) -> None:
    answer = app.register(body=registration(source(channel="SQS")))
    assert app.asked() == []
    app.activate(answer)
    assert source_row(db, answer["source"]["key"]).active is False


def test_two_at_once_come_one_after_the_other(app: TriggerApp, db: Database, other: Database) -> None:
    def register(connection: Database, key: str) -> Any:
        body = registration(source(key))
        return connection.call("register_dynamic_trigger", app.environment_id, "repo", "one", body)

    db.execute("begin")
    register(db, "first")
    ((answer),) = blocked_until(db, "commit", (other, lambda: register(other, "second")))
    assert answer["source"]["key"].endswith(":one:second")
    rows = db.rows(
        """
        select s.key from perdure.dynamic_trigger_registrations as r
        join perdure.sources as s on s.id = r.source_id
        """
    )
    assert [row.key for row in rows] == [answer["source"]["key"]]


def test_what_is_no_trigger_of_events_here_is_not_found(
    app: TriggerApp, db: Database, make_environment: Any
) -> None:
    app.index(job(), dynamicTriggers=[dynamic("repo")], dynamicSchedules=[dynamic("daily")])
    elsewhere = make_environment("prod", project=app.endpoint.environment.project).id
    before = snapshot(db)
    for environment_id, slug in (
        (app.environment_id, "daily"),
        (app.environment_id, "x"),
        (elsewhere, "repo"),
        (None, "repo"),
    ):
        with refused("JQ001", "dynamic trigger"):
            db.call("register_dynamic_trigger", environment_id, slug, "one", registration(source()))
    assert snapshot(db) == before


def test_without_a_public_url_no_provider_could_be_told(app: TriggerApp, db: Database) -> None:
    db.execute("delete from perdure.settings where name = 'public_url'")
    before = snapshot(db)
    with refused("JQ002", "public URL"):
        app.register()
    assert snapshot(db) == before


RULE = {"event": "push", "source": "github.com"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "rule"),
        (5, "rule"),
        ({"source": source()}, "rule"),
        (registration(source(), rule={**RULE, "event": []}) | {"source": None}, "source"),
        (registration(source(), rule={**RULE, "event": 5}), "rule.event"),
        (registration(source(), rule={**RULE, "event": [""]}), "rule.event"),
        (registration(source(), rule={"event": "push"}), "rule.source"),
        (registration(source(), rule={**RULE, "payload": []}), "rule.payload"),
        (registration(source(), rule={**RULE, "context": "x"}), "rule.context"),
        ({"rule": RULE}, "source"),
        (registration({"key": ""}), "source.key"),
        (registration({"key": "k" * 501}), "source.key"),
        (registration(source(channel="FAX")), "source.channel"),
        (registration(source(options={"event": "push"})), "source.options"),
        (registration(source(), accountId=""), "accountId"),
        (registration(source(), accountId=5), "accountId"),
    ],
)
def test_a_malformed_body_is_refused(app: TriggerApp, db: Database, body: Any, words: str) -> None:
    before = snapshot(db)
    with refused("JQ010", f"p_body.{words}"):
        app.register(body=body)
    assert snapshot(db) == before


@pytest.mark.parametrize("key", ["", None, "k" * 501])
def test_the_key_must_be_usable(app: TriggerApp, key: Any) -> None:
    with refused("JQ010", "p_key"):
        app.register(key)
