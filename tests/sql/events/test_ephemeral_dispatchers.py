"""Ephemeral subscriptions: the first event that matches goes to a URL."""

from datetime import timedelta
from typing import Any

import pytest

from tests.sql.rows import snapshot
from tests.support.builders import Builders, Environment
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.refusals import refused

URL = "https://perdure.test/api/v1/tasks/1/callback/2"


@pytest.fixture
def environment(builders: Builders) -> Environment:
    return builders.environment()


def register(db: Database, environment: Environment, **body: Any) -> str:
    wanted = {"url": URL, "name": "paid", **body}
    dispatcher_id: str = db.call("register_ephemeral_dispatcher", environment.id, wanted)["id"]
    return dispatcher_id


def send(db: Database, environment: Environment, options: Any = None, **event: Any) -> Any:
    (stored,) = db.call("send_events", environment.id, [{"name": "paid", **event}], options or {})
    return stored


def sent(db: Database) -> list[Any]:
    rows = db.rows("select * from perdure.deliveries where kind = 'EVENT' order by id")
    return rows


def test_the_first_event_that_matches_is_sent_and_no_other(db: Database, environment: Environment) -> None:
    dispatcher_id = register(db, environment)
    send(db, environment, name="other")
    first = send(db, environment, payload={"n": 1}, context={"c": 1}, id="e-1")
    send(db, environment, payload={"n": 2})
    (delivery,) = sent(db)
    assert (delivery.url, delivery.subject_id, delivery.status) == (URL, dispatcher_id, "PENDING")
    assert delivery.request == {
        "id": "e-1",
        "source": "trigger.dev",
        "name": "paid",
        "payload": {"n": 1},
        "context": {"c": 1},
        "timestamp": first["timestamp"],
    }


def test_of_several_names_each_counts(db: Database, environment: Environment) -> None:
    register(db, environment, name=["paid", "refunded", "paid"])
    send(db, environment, name="refunded")
    assert [delivery.request["name"] for delivery in sent(db)] == ["refunded"]


def test_filters_source_and_account_must_match(db: Database, environment: Environment) -> None:
    register(
        db, environment, source="shop", filter={"order": ["a"]}, contextFilter={"live": [True]},
        accountId="user-1",
    )  # fmt: skip
    good = {"source": "shop", "payload": {"order": "a"}, "context": {"live": True}}
    mine = {"accountId": "user-1"}
    send(db, environment, mine, **{**good, "source": "trigger.dev"})
    send(db, environment, mine, **{**good, "payload": {"order": "b"}})
    send(db, environment, mine, **{**good, "context": {"live": False}})
    send(db, environment, {"accountId": "user-2"}, **good)
    send(db, environment, **good)
    assert sent(db) == []
    send(db, environment, mine, **good)
    (delivery,) = sent(db)
    assert delivery.request["accountId"] == "user-1"


def test_another_environments_events_do_not_count(
    db: Database, builders: Builders, environment: Environment
) -> None:
    register(db, environment)
    send(db, builders.environment("prod", project=environment.project))
    assert sent(db) == []


def test_the_same_url_again_replaces_what_was_wanted(db: Database, environment: Environment) -> None:
    dispatcher_id = register(db, environment, name=["paid", "kept"], filter={"n": [1]})
    assert register(db, environment, name=["kept", "new"], source="shop") == dispatcher_id
    send(db, environment, payload={"n": 1})
    send(db, environment, name="kept", payload={"n": 1})
    assert sent(db) == []
    send(db, environment, name="new", source="shop")
    assert len(sent(db)) == 1
    register(db, environment)  # asks for one more
    send(db, environment)
    assert [delivery.request["name"] for delivery in sent(db)] == ["new", "paid"]


def test_it_ends_after_its_time(db: Database, environment: Environment, clock: Clock) -> None:
    register(db, environment, timeoutInSeconds=60)
    register(db, environment, url=URL + "3")
    clock.advance(timedelta(seconds=61))
    send(db, environment)
    assert [delivery.url for delivery in sent(db)] == [URL + "3"]  # an hour unless told otherwise
    assert db.call("_expire_dispatchers", 10) == 1
    assert db.value("select count(*) from perdure.event_dispatcher_names") == 1
    clock.advance(timedelta(hours=1))
    assert db.call("_expire_dispatchers", 10) == 1
    assert db.value("select count(*) from perdure.event_dispatchers") == 0


def test_the_oldest_expire_first(db: Database, environment: Environment, clock: Clock) -> None:
    for seconds in (30, 10, 20):
        register(db, environment, url=f"{URL}/{seconds}", timeoutInSeconds=seconds)
    clock.advance(timedelta(minutes=1))
    assert db.call("_expire_dispatchers", 2) == 2
    assert db.value("select url from perdure.event_dispatchers") == f"{URL}/30"


def test_a_job_s_subscription_never_expires(db: Database, builders: Builders, clock: Clock) -> None:
    builders.endpoint()
    clock.advance(timedelta(days=10_000))
    assert db.call("_expire_dispatchers", 10) == 0


def test_one_that_is_being_used_is_left_for_the_next_time(
    db: Database, other: Database, environment: Environment, clock: Clock
) -> None:
    register(db, environment, timeoutInSeconds=1)
    clock.advance(timedelta(minutes=1))
    with db.connection.transaction():
        db.execute("select 1 from perdure.event_dispatchers for update")
        assert other.call("_expire_dispatchers", 10) == 0
    assert other.call("_expire_dispatchers", 10) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "p_body"),
        (None, "p_body"),
        ({"name": "paid"}, "p_body.url"),
        ({"url": "paid", "name": "paid"}, "p_body.url"),
        ({"url": URL}, "p_body.name"),
        ({"url": URL, "name": 5}, "p_body.name"),
        ({"url": URL, "name": []}, "p_body.name"),
        ({"url": URL, "name": ["a", ""]}, "p_body.name"),
        ({"url": URL, "name": ["a", 1]}, "p_body.name"),
        ({"url": URL, "name": ""}, "p_body.name"),
        ({"url": URL, "name": "a", "source": 1}, "p_body.source"),
        ({"url": URL, "name": "a", "filter": [1]}, "p_body.filter"),
        ({"url": URL, "name": "a", "contextFilter": "x"}, "p_body.contextFilter"),
        ({"url": URL, "name": "a", "accountId": ""}, "p_body.accountId"),
        ({"url": URL, "name": "a", "timeoutInSeconds": 0}, "p_body.timeoutInSeconds"),
        ({"url": URL, "name": "a", "timeoutInSeconds": "60"}, "p_body.timeoutInSeconds"),
        ({"url": URL, "name": "a", "timeoutInSeconds": 1e9}, "p_body.timeoutInSeconds"),
    ],
)
def test_what_is_no_subscription_is_refused(
    db: Database, environment: Environment, body: Any, words: str
) -> None:
    before = snapshot(db)
    with refused("JQ010", words):
        db.call("register_ephemeral_dispatcher", environment.id, body)
    assert snapshot(db) == before


def test_an_unknown_environment_is_not_found(db: Database) -> None:
    with refused("JQ001"):
        db.call("register_ephemeral_dispatcher", None, {"url": URL, "name": "paid"})
