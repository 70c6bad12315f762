"""Sending events: stored once, delivered to the jobs that listen, in one call."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.sql.rows import queued, snapshot
from tests.support.builders import Builders, Endpoint, Environment, job
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused

NO_ENVIRONMENT = "01900000-0000-7000-8000-000000000000"


def run_jobs(db: Database, endpoint: Endpoint, event_id: str) -> list[str]:
    """The jobs that an event has started."""
    rows = db.rows(
        """
        select k.slug from perdure.runs as r
        join perdure.events as e on e.id = r.event_id join perdure.jobs as k on k.id = r.job_id
        where e.environment_id = %s and e.event_id = %s order by k.slug
        """,
        endpoint.environment.id,
        event_id,
    )
    return [row.slug for row in rows]


def test_what_is_not_said_has_a_default(db: Database, builders: Builders, clock: Clock) -> None:
    environment = builders.environment()
    before = clock.now()
    (sent,) = db.call("send_events", environment.id, [{"name": "greet"}])
    at = datetime.fromisoformat(sent["timestamp"])
    assert before - timedelta(milliseconds=1) <= at <= clock.now()
    (row,) = db.rows("select * from perdure.events")
    assert sent == {
        "id": row.event_id,
        "name": "greet",
        "payload": {},
        "context": {},
        "timestamp": sent["timestamp"],
        "deliverAt": sent["timestamp"],
        "deliveredAt": sent["timestamp"],
        "cancelledAt": None,
    }
    assert (row.source, row.payload_type, row.is_test, row.source_context, row.due_at) == (
        "trigger.dev",
        "JSON",
        False,
        None,
        None,
    )


def test_what_is_said_is_kept(db: Database, builders: Builders) -> None:
    environment = builders.environment()
    event = {
        "id": "e-1",
        "name": "greet",
        "payload": [1, {"b": 1, "a": None}],
        "context": {"c": 1},
        "timestamp": "2024-01-31T12:00:00.5+02:00",
        "source": "github.com",
        "payloadType": "REQUEST",
        "isTest": True,
        "sourceContext": {"id": "x", "metadata": 1},
    }
    (sent,) = db.call("send_events", environment.id, [event])
    assert (sent["id"], sent["payload"], sent["context"]) == ("e-1", event["payload"], {"c": 1})
    assert sent["timestamp"] == "2024-01-31T10:00:00.500Z"
    (row,) = db.rows("select * from perdure.events")
    assert (row.source, row.payload_type, row.is_test, row.source_context) == (
        "github.com",
        "REQUEST",
        True,
        {"id": "x", "metadata": 1},
    )


def test_a_document_is_kept_as_it_was_written(db: Database, builders: Builders) -> None:
    environment = builders.environment()
    text = '{"b" : 1.50,  "a": 12345678901234567890, "b": "twice"}'
    db.rows(
        """
        select perdure.send_events(%s, json_build_array(json_build_object('name', 'x', 'payload', %s::json)))
        """,
        environment.id,
        text,
    )
    assert db.value("select payload::text from perdure.events") == text


def test_answers_come_in_the_order_of_the_events(db: Database, builders: Builders) -> None:
    environment = builders.environment()
    ids = ["z", "a", "m", "a", "b"]
    sent = db.call("send_events", environment.id, [{"name": f"n-{n}", "id": i} for n, i in enumerate(ids)])
    assert [each["id"] for each in sent] == ids
    assert [each["name"] for each in sent] == [
        "n-0",
        "n-1",
        "n-2",
        "n-1",
        "n-4",
    ]  # of two with one id the first
    rows = db.rows("select event_id from perdure.events order by id")
    assert [row.event_id for row in rows] == ["z", "a", "m", "b"]


def test_who_wants_to_know_nothing_is_told_nothing(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    first, second = {"name": "greet", "id": "a"}, {"name": "greet", "id": "b"}
    for events in ([first, second], [first]):
        assert db.call("send_events", endpoint.environment.id, events, {}, True) == []
    assert len(queued(db)) == 2
    with refused("JQ001"):
        db.call("send_events", str(UUID(int=0)), [{"name": "greet"}], {}, True)
    with refused("JQ010", "name"):
        db.call("send_events", endpoint.environment.id, [{}], {}, True)


def test_no_events_are_no_rows(db: Database, builders: Builders) -> None:
    assert db.call("send_events", builders.environment().id, []) == []


def test_an_event_starts_every_job_that_listens(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(
        job("by-name"),
        job("several-names", event=["other", "greet", "greet"]),
        job("other-name", event="other"),
        job("other-source", rule={"source": "github.com"}),
        job("matching", rule={"payload": {"n": [{"$gt": 1}]}, "context": {"c": ["x"]}}),
        job("other-payload", rule={"payload": {"n": [1]}}),
        job("other-context", rule={"payload": {"n": [2]}, "context": {"c": ["y"]}}),
        job("no-filter", rule={"payload": None, "context": None}),
        job("off", enabled=False),
        job("invoked", trigger={"type": "invoke"}),
    )
    event = {"name": "greet", "id": "e-1", "payload": {"n": 2}, "context": {"c": "x"}}
    db.call("send_events", endpoint.environment.id, [event, {"name": "unheard-of", "id": "e-2"}])
    assert run_jobs(db, endpoint, "e-1") == ["by-name", "matching", "no-filter", "several-names"]
    assert run_jobs(db, endpoint, "e-2") == []
    rows = db.rows("select id, status from perdure.runs order by id")
    assert ([row.id for row in rows], {row.status for row in rows}) == (queued(db), {"QUEUED"})


def test_a_document_that_jsonb_cannot_hold_passes_no_filter_and_stops_nothing(
    db: Database, builders: Builders
) -> None:
    endpoint = builders.endpoint(job("filtered", rule={"payload": {"n": [1]}}), job("unfiltered"))
    db.rows(
        """
        select perdure.send_events(%s, '[
            {"name": "greet", "id": "huge", "payload": {"n": 1e1000000}},
            {"name": "greet", "id": "good", "payload": {"n": 1}}
        ]')
        """,
        endpoint.environment.id,
    )
    assert run_jobs(db, endpoint, "huge") == ["unfiltered"]
    assert run_jobs(db, endpoint, "good") == ["filtered", "unfiltered"]


@pytest.mark.parametrize("options", [{}, {"deliverAfter": 60}])
def test_the_same_event_again_changes_nothing(
    db: Database, builders: Builders, options: dict[str, Any]
) -> None:
    endpoint = builders.endpoint()
    event = {"name": "greet", "id": "e-1", "payload": {"n": 1}}
    first = db.call("send_events", endpoint.environment.id, [event], options)
    before = snapshot(db)
    again = {"name": "other", "id": "e-1", "payload": {"n": 2}}
    assert db.call("send_events", endpoint.environment.id, [again, again]) == first * 2
    assert snapshot(db) == before


def test_the_same_id_in_another_environment_is_another_event(
    db: Database, builders: Builders, make_environment: Callable[..., Environment]
) -> None:
    endpoint = builders.endpoint()
    other = make_environment("prod", project=endpoint.environment.project)
    db.call("send_events", endpoint.environment.id, [{"name": "greet", "id": "e-1"}])
    db.call("send_events", other.id, [{"name": "greet", "id": "e-1"}])
    assert db.value("select count(*) from perdure.events") == 2
    assert db.call("get_event", other.id, "e-1")["runs"] == []


@pytest.mark.parametrize(
    ("events", "options", "words"),
    [
        (None, {}, ["p_events", "JSON array"]),
        ({"name": "x"}, {}, ["p_events", "JSON array"]),
        (["x"], {}, ["p_events[0]", "object"]),
        ([{"name": "x"}, {}], {}, ["p_events[1].name", "not empty"]),
        ([{"name": ""}], {}, ["p_events[0].name"]),
        ([{"name": None}], {}, ["p_events[0].name"]),
        ([{"name": "x", "id": ""}], {}, ["p_events[0].id", "1 to 1000 bytes"]),
        ([{"name": "x", "id": "é" * 501}], {}, ["p_events[0].id", "1 to 1000 bytes"]),
        (
            [{"name": "x"}, {"name": "x", "timestamp": "yesterday noon"}],
            {},
            ["p_events[1].timestamp", "noon"],
        ),
        ([{"name": "x", "timestamp": "infinity"}], {}, ["p_events[0].timestamp"]),
        ([{"name": "x", "timestamp": 1700000000000}], {}, ["p_events[0].timestamp"]),
        ([{"name": "x", "timestamp": ""}], {}, ["p_events[0].timestamp"]),
        ([{"name": "x", "payloadType": "XML"}], {}, ["p_events[0].payloadType", "JSON or REQUEST", "XML"]),
        ([{"name": "x", "isTest": "maybe"}], {}, ["p_events[0].isTest", "maybe"]),
        ([{"name": "x"}], {"deliverAt": "soon"}, ["p_options.deliverAt", "soon"]),
        ([{"name": "x"}], {"deliverAt": "infinity"}, ["p_options.deliverAt"]),
        ([{"name": "x"}], {"deliverAfter": "soon"}, ["p_options.deliverAfter", "soon"]),
        ([{"name": "x"}], {"deliverAfter": -1}, ["p_options.deliverAfter", "-1"]),
        ([{"name": "x"}], {"deliverAfter": 1e300}, ["p_options.deliverAfter"]),
    ],
)
def test_events_that_cannot_be_stored_are_refused_by_name(
    pure_db: Database, events: Any, options: dict[str, Any], words: list[str]
) -> None:
    builders = Builders(pure_db)
    environment = builders.environment(project="refusals")
    with refused("JQ010", *words):
        pure_db.call("send_events", environment.id, events, options)
    assert pure_db.value("select count(*) from perdure.events where environment_id = %s", environment.id) == 0


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud800", "\\udfff", "\\\\u0000", "\\ud83d\\ude00"])
def test_what_jsonb_refuses_is_kept_as_it_was_written(pure_db: Database, escape: str) -> None:
    builders = Builders(pure_db)
    environment = builders.environment(project="escapes")
    payload = f'{{"text": "a{escape}b", "b": 1.0, "a": 2}}'
    context = f'{{"c": "{escape}"}}'
    events = f'[{{"name": "x", "payload": {payload}, "context": {context}}}]'
    pure_db.rows("select perdure.send_events(%s, %s)", environment.id, events)
    stored = pure_db.rows("select payload::text, context::text from perdure.events order by id desc limit 1")
    assert stored == [(payload, context)]


def test_a_filter_sees_the_rest_of_a_payload_that_jsonb_refuses(pure_db: Database) -> None:
    document = '{"odd": "\\u0000", "n": 5}'
    matches = "select perdure.event_matches('{\"n\": [5]}', perdure._to_jsonb(%s))"
    assert pure_db.value(matches, document) is True


def test_a_character_may_be_written_as_a_pair_of_escapes(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job("a", event="😀", rule={"payload": {"face": ["😀"]}}))
    events = r'[{"name": "\ud83d\ude00", "id": "e-\ud83d\ude00", "payload": {"face": "\uD83D\uDE00"}}]'
    db.rows("select perdure.send_events(%s, %s)", endpoint.environment.id, events)
    assert run_jobs(db, endpoint, "e-😀") == ["a"]


@pytest.mark.parametrize("environment_id", [NO_ENVIRONMENT, None])
def test_an_unknown_environment_is_refused(pure_db: Database, environment_id: str | None) -> None:
    with refused("JQ001", "environment"):
        pure_db.call("send_events", environment_id, [{"name": "x"}])


def test_send_event_sends_one(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    sent = db.call("send_event", endpoint.environment.id, "greet", {"n": 1}, "e-1")
    assert (sent["id"], sent["name"], sent["payload"]) == ("e-1", "greet", {"n": 1})
    assert run_jobs(db, endpoint, "e-1") == ["greet"]
    before = snapshot(db)
    assert db.call("send_event", endpoint.environment.id, "greet", {"n": 2}, "e-1") == sent
    assert snapshot(db) == before
    assert db.call("send_event", endpoint.environment.id, "greet")["payload"] == {}
    for name in (None, ""):
        with refused("JQ010", "name"):
            db.call("send_event", endpoint.environment.id, name)
