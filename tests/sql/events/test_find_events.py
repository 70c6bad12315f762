"""Events that pass a filter, newest first, a window of the stored ones at a time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.builders import Builders, Endpoint, job
from tests.support.database import Database
from tests.support.refusals import refused


@pytest.fixture
def endpoint(builders: Builders) -> Endpoint:
    return builders.endpoint(job("greet"), job("other"))


def send(db: Database, endpoint: Endpoint, *events: dict[str, Any], **options: Any) -> None:
    db.call("send_events", endpoint.environment.id, list(events), options)


def found(db: Database, endpoint: Endpoint, **filter: Any) -> list[str]:
    page = db.call("find_events", endpoint.environment.id, {k.rstrip("_"): v for k, v in filter.items()})
    return [event["id"] for event in page["events"]]


def test_newest_first_with_the_runs_they_started(db: Database, endpoint: Endpoint) -> None:
    send(db, endpoint, {"name": "greet", "id": "first"}, {"name": "unheard-of", "id": "second"})
    both, neither = db.call("find_events", endpoint.environment.id)["events"][::-1]
    assert (both["id"], both["runs"], both["statuses"], both["runId"]) == ("first", 2, ["QUEUED"], None)
    assert (neither["id"], neither["runs"], neither["statuses"]) == ("second", 0, [])
    assert neither["key"] == db.value("select id from perdure.events where event_id = 'second'")


def test_each_member_of_the_filter_counts(db: Database, endpoint: Endpoint, builders: Builders) -> None:
    send(db, endpoint, {"name": "order.paid", "id": "a", "payload": {"note": "Größe 100%_x"}})
    send(db, endpoint, {"name": "order.sent", "id": "b", "source": "shop.example", "isTest": True})
    send(db, endpoint, {"name": "greet", "id": "c"}, deliverAfter=3600)
    send(db, endpoint, {"name": "greet", "id": "d"}, deliverAfter=3600)
    db.call("cancel_event", endpoint.environment.id, "d")
    other = builders.endpoint(job("x"))
    send(db, other, {"name": "order.paid", "id": "foreign"}, deliverAfter=3600)

    assert found(db, endpoint) == ["d", "c", "b", "a"]
    assert found(db, endpoint, name="order.paid") == ["a"]
    assert found(db, endpoint, name="order.*") == ["b", "a"]
    assert found(db, endpoint, name="order") == []
    assert found(db, endpoint, source="shop.example") == ["b"]
    assert found(db, endpoint, isTest=True) == ["b"]
    assert found(db, endpoint, state="PENDING") == ["c"]
    assert found(db, endpoint, state="CANCELED") == ["d"]
    assert found(db, endpoint, state="DELIVERED") == ["b", "a"]
    assert found(db, endpoint, text="größe 100%_X") == ["a"]
    assert found(db, endpoint, text="size") == []
    assert found(db, endpoint, text="b") == ["b"]  # its id
    assert found(db, endpoint, text="foreign") == []
    now = datetime.now(UTC)
    assert found(db, endpoint, from_=(now + timedelta(minutes=1)).isoformat()) == []
    assert len(found(db, endpoint, to=(now + timedelta(minutes=1)).isoformat())) == 4


def test_what_is_hidden_is_not_found(db: Database, endpoint: Endpoint) -> None:
    request = {"url": "https://x/?token=url-secret", "method": "POST", "rawBody": "hello"}
    request["headers"] = {"Authorization": "Bearer head-secret", "x-sig": "1"}
    send(db, endpoint, {"name": "in", "id": "r", "payloadType": "REQUEST", "payload": request})
    assert found(db, endpoint, text="hello") == ["r"]
    assert found(db, endpoint, text="head-secret") == []
    assert found(db, endpoint, text="url-secret") == []
    shown = db.value("select payload from perdure_views.events")
    assert shown["headers"] == {"Authorization": "…", "x-sig": "1"}
    assert (shown["url"], shown["rawBody"]) == ("https://x/?token=…", "hello")


def test_a_page_ends_and_goes_on(db: Database, endpoint: Endpoint) -> None:
    send(db, endpoint, *({"name": "n", "id": f"e-{number}"} for number in range(5)))
    environment = endpoint.environment.id
    first = db.call("find_events", environment, {}, None, 2)
    second = db.call("find_events", environment, {}, first["nextCursor"], 2)
    last = db.call("find_events", environment, {}, second["nextCursor"], 2)
    ids = [[event["id"] for event in page["events"]] for page in (first, second, last)]
    assert ids == [["e-4", "e-3"], ["e-2", "e-1"], ["e-0"]]
    assert "nextCursor" not in last


def test_a_call_looks_at_so_many_events_and_says_where_it_stopped(db: Database, endpoint: Endpoint) -> None:
    """Of 25,000 events the oldest is wanted: by its name it is found at once, by its payload in steps."""
    send(db, endpoint, {"name": "rare", "id": "rare", "payload": {"x": "needle"}})
    db.execute(
        """
        insert into perdure.events (
            id, environment_id, event_id, name, source, payload, payload_type, context, is_test, happened_at,
            deliver_at, delivered_at, created_at, updated_at
        )
        select
            perdure._id_at(perdure._id_now() + n), %s, 'bulk-' || n, 'bulk', 's', '{}', 'JSON', '{}', false,
            now(), now(), now(), now(), now()
        from generate_series(1, 25000) as n
        """,
        endpoint.environment.id,
    )
    assert found(db, endpoint, name="rare") == ["rare"]
    filter = {"source": "trigger.dev"}
    page = db.call("find_events", endpoint.environment.id, filter)
    looks = [page["lookedAt"]]
    while "nextCursor" in page:
        assert page["events"] == []
        page = db.call("find_events", endpoint.environment.id, filter, page["nextCursor"])
        looks.append(page["lookedAt"])
    assert [event["id"] for event in page["events"]] == ["rare"]
    assert looks == [10000, 10000, 5001]
    assert db.call("find_events", endpoint.environment.id, {"text": "needle"})["lookedAt"] == 3000


@pytest.mark.parametrize(
    ("filter", "problem"),
    [
        ([], "must be an object"),
        ({"nam": "x"}, "no member nam"),
        ({"name": ""}, "name of the filter must be a text"),
        ({"text": 5}, "text of the filter must be a text"),
        ({"from": "soon"}, "from of the filter must be an instant"),
        ({"state": "LOST"}, "state of the filter must be PENDING"),
        ({"isTest": "yes"}, "isTest of the filter must be true or false"),
    ],
)
def test_a_bad_filter_is_refused(pure_db: Database, filter: Any, problem: str) -> None:
    with refused("JQ010", problem):
        pure_db.call("find_events", "01900000-0000-7000-8000-000000000000", filter)
