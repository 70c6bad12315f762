"""What goes to URLs outside: events waited for, ends of runs; and to callbacks of our own, without HTTP."""

from datetime import timedelta
from typing import Any

import pytest

from tests.sql.deliveries.delivering import answer, apply, body_of, claim, delivery, failure, statuses
from tests.sql.rows import queued, task_row
from tests.support.builders import PUBLIC_URL, Builders, Endpoint, job, task
from tests.support.database import Database
from tests.support.fix_clock import Clock

URL = "https://elsewhere.example/hook"


def wait_for_event(db: Database, endpoint: Endpoint, url: str = URL) -> str:
    """Have the next event ``paid`` sent to a URL."""
    body = {"url": url, "name": "paid", "timeoutInSeconds": 3600}
    found: str = db.call("register_ephemeral_dispatcher", endpoint.environment.id, body)["id"]
    return found


def send_paid(db: Database, endpoint: Endpoint, **members: Any) -> None:
    event = {"name": "paid", "id": "e-1", "payload": {"n": 1}, **members}
    db.call("send_events", endpoint.environment.id, [event])


def dispatchers(db: Database) -> list[str]:
    rows = db.rows("select url from perdure.event_dispatchers where url is not null")
    return [row.url for row in rows]


def invoke(db: Database, endpoint: Endpoint, url: str = URL) -> str:
    """Start a run whose end is told to a URL."""
    found: str = db.call("invoke_job", endpoint.environment.id, "greet", {}, {}, {"callbackUrl": url})["id"]
    return found


def end_runs(builders: Builders) -> None:
    """What is ready ends with success."""
    for each in builders.claims():
        each.reply("SUCCESS", output={"sum": 3})


def test_an_event_is_sent_once_and_the_subscription_ends(db: Database, production: Endpoint) -> None:
    wait_for_event(db, production)
    send_paid(db, production)
    (claimed,) = claim(db)
    assert (claimed.kind, claimed.action, claimed.method) == ("EVENT", None, "POST")
    assert (claimed.url, claimed.headers) == (URL, {"content-type": "application/json"})
    assert (claimed.signing_secrets, claimed.sealed_api_key) == (None, None)
    sent = body_of(claimed)
    assert (sent["id"], sent["name"], sent["payload"]) == ("e-1", "paid", {"n": 1})
    assert apply(db, answer(claimed, status=201)) == ["DELIVERED"]
    assert dispatchers(db) == []
    send_paid(db, production, id="e-2")
    assert claim(db) == []


def test_an_event_that_cannot_be_sent_is_given_up_in_the_end(
    db: Database, production: Endpoint, clock: Clock
) -> None:
    wait_for_event(db, production)
    send_paid(db, production)
    for attempt in range(1, 15):
        (claimed,) = claim(db, kind="EVENT")
        assert dispatchers(db) == [URL]
        outcome = apply(db, answer(claimed, status=500) if attempt % 2 else failure(claimed))
        clock.advance(timedelta(hours=1))
    assert (outcome, dispatchers(db)) == (["FAILED"], [])


def test_a_subscription_made_anew_meanwhile_stays(db: Database, production: Endpoint) -> None:
    wait_for_event(db, production)
    send_paid(db, production)
    (claimed,) = claim(db)
    wait_for_event(db, production)
    assert apply(db, answer(claimed)) == ["DELIVERED"]
    assert dispatchers(db) == [URL]


def test_the_end_of_a_run_is_told_and_signed(db: Database, production: Endpoint, builders: Builders) -> None:
    key_id = db.value("select id from perdure.api_keys where kind = 'SECRET'")
    db.call("keep_sealed_key", key_id, "sealed!")
    run_id = invoke(db, production)
    end_runs(builders)
    (claimed,) = claim(db)
    assert (claimed.kind, claimed.action, claimed.url) == ("RUN_WEBHOOK", None, URL)
    assert claimed.headers == {"content-type": "application/json"}
    assert claimed.signing_secrets == db.call("get_signing_secrets", production.environment.id)
    assert claimed.sealed_api_key == "sealed!"
    told = body_of(claimed)
    assert (told["id"], told["ok"], told["output"]) == (run_id, True, {"sum": 3})
    assert apply(db, answer(claimed, status=500)) == ["PENDING"]
    assert delivery(db, claimed.delivery_id).message == "The receiver responded with 500 status code"


def test_a_run_webhook_without_a_kept_key_has_no_key(
    db: Database, production: Endpoint, builders: Builders
) -> None:
    invoke(db, production)
    end_runs(builders)
    (claimed,) = claim(db)
    assert claimed.sealed_api_key is None
    assert apply(db, answer(claimed, status=204)) == ["DELIVERED"]


@pytest.fixture
def callback(db: Database, builders: Builders) -> tuple[Endpoint, str, str]:
    """An endpoint, a run of it that waits for a callback, and the callback's URL."""
    db.call("set_setting", "public_url", PUBLIC_URL)
    endpoint = builders.endpoint(job(), job("parent", event="begin"))
    claimed = builders.claim(builders.run(endpoint, event="begin"))
    (opened,) = claimed.stored(task("wait", callback={"enabled": True}))
    assert claimed.reply("RESUME_WITH_TASK", task=opened) == "WAITING_TO_CONTINUE"
    return endpoint, claimed.run_id, opened["callbackUrl"]


def test_an_event_for_a_callback_of_ours_needs_no_http(
    db: Database, callback: tuple[Endpoint, str, str]
) -> None:
    endpoint, run_id, url = callback
    wait_for_event(db, endpoint, url)
    send_paid(db, endpoint)
    assert claim(db) == []
    found = task_row(db, run_id, "wait")
    assert (found.status, found.output["id"], found.output["payload"]) == ("COMPLETED", "e-1", {"n": 1})
    assert queued(db) == [run_id]
    assert statuses(db) == [("EVENT", "DELIVERED")]
    assert dispatchers(db) == []
    prefix, _, secret = url.rpartition("/")
    shown = db.value("select url from perdure_views.deliveries")
    assert (shown.startswith(prefix), secret in shown) == (True, False)


def test_the_end_of_a_child_wakes_its_parent_without_http(
    db: Database, builders: Builders, callback: tuple[Endpoint, str, str]
) -> None:
    endpoint, run_id, url = callback
    child_id = invoke(db, endpoint, url)
    end_runs(builders)
    assert claim(db) == []
    found = task_row(db, run_id, "wait")
    assert (found.status, found.output["id"], found.output["ok"]) == ("COMPLETED", child_id, True)
    assert queued(db) == [run_id]


def test_callbacks_that_came_before_are_passed_over(
    db: Database, builders: Builders, callback: tuple[Endpoint, str, str]
) -> None:
    endpoint, run_id, url = callback
    wait_for_event(db, endpoint, url)
    invoke(db, endpoint, url)
    end_runs(builders)
    send_paid(db, endpoint)
    assert claim(db) == []
    assert sorted(statuses(db)) == [("EVENT", "DELIVERED"), ("RUN_WEBHOOK", "DELIVERED")]
    assert task_row(db, run_id, "wait").output["ok"] is True  # the first one counts
    assert queued(db) == [run_id]


def test_whoever_asked_for_few_is_told_that_there_is_more(
    db: Database, db_url: str, callback: tuple[Endpoint, str, str]
) -> None:
    endpoint, _, url = callback
    wait_for_event(db, endpoint, url)
    send_paid(db, endpoint)
    wait_for_event(db, endpoint)
    send_paid(db, endpoint, id="e-2")
    with Database(db_url) as listener:
        listener.execute("listen perdure_ready")
        assert claim(db, 1) == []
        heard = {each.payload for each in listener.connection.notifies(timeout=10, stop_after=2)}
    assert "deliveries" in heard
    assert [each.url for each in claim(db, 1)] == [URL]
