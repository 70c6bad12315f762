"""The test support itself: what the other tests rely on."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import psycopg
import pytest

from tests.sql.rows import body_of
from tests.support.builders import Builders, job, task
from tests.support.database import Database
from tests.support.fix_clock import Clock
from tests.support.fix_endpoint import Answer, ScriptedEndpoint
from tests.support.waiting import eventually, eventually_async


def test_each_test_has_a_database_of_its_own(db: Database, db_url: str) -> None:
    assert db.value("select count(*) from perdure.projects") == 0
    assert db.value("select current_database()") in db_url
    db.call("create_project", "acme", "site")
    assert db.value("select count(*) from perdure.projects") == 1


def test_call_encodes_json_and_decodes_what_comes_back(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job(event="ping"))
    sent = db.call("send_events", endpoint.environment.id, [{"name": "ping", "payload": {"n": 1}}])
    assert [event["payload"] for event in sent] == [{"n": 1}]
    rows = db.call("claim_runs", "here", limit=5)
    assert [(row.lease_number, body_of(row)["event"]["name"]) for row in rows] == [(1, "ping")]
    assert isinstance(rows[0].run_id, str)


def test_call_says_when_there_is_no_such_function(db: Database) -> None:
    with pytest.raises(LookupError, match=r"0 functions perdure\.fly"):
        db.call("fly")


def test_as_role_has_the_rights_of_the_role_only(db: Database) -> None:
    with db.as_role("perdure_app") as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("insert into perdure.settings values ('public_url', 'http://x', now())")


def test_the_clock_moves_for_all_and_wakes_listeners(db: Database, clock: Clock, db_url: str) -> None:
    with psycopg.connect(db_url, autocommit=True) as listener:
        listener.execute("listen perdure_ready")
        before = clock.now()
        after = clock.advance(timedelta(days=2))
        assert timedelta(days=2) <= after - before < timedelta(days=2, minutes=1)
        with db.as_role("perdure_app") as app:
            assert app.value("select perdure.clock()") >= after
        assert [n.payload for n in listener.notifies(timeout=5, stop_after=1)] == ["due"]


def test_builders_walk_a_run_to_its_end(builders: Builders) -> None:
    run = builders.run(payload={"who": "you"})
    assert run.status == "QUEUED"
    claim = builders.claim(run)
    assert claim.body["event"]["payload"] == {"who": "you"}
    assert [row.error_code for row in claim.store(task("one", status="COMPLETED", output=1))] == [None]
    assert claim.reply("SUCCESS", output={"ok": True}) == "SUCCESS"
    assert run.read()["output"] == {"ok": True}
    assert run.status == "SUCCESS"


def test_eventually_returns_what_it_saw_or_fails_with_it() -> None:
    looks = iter([0, None, 3])
    assert eventually(lambda: next(looks)) == 3
    with pytest.raises(AssertionError, match=r"not within 0 s: a miracle \(last seen: 0\)"):
        eventually(lambda: 0, timeout_s=0, what="a miracle")


async def test_eventually_async_takes_coroutines() -> None:
    looks = iter([0, 4])

    async def look() -> int:
        return next(looks)

    assert await eventually_async(look) == 4


def test_the_scripted_endpoint_answers_as_told(scripted_endpoint: ScriptedEndpoint) -> None:
    endpoint = scripted_endpoint
    endpoint.default("EXECUTE_JOB", lambda request: Answer.json({"status": request.json["say"]}))
    endpoint.then("EXECUTE_JOB", Answer.html(status=502), Answer.reset(), Answer.hang())

    def post() -> httpx.Response:
        return httpx.post(
            endpoint.url, headers={"x-trigger-action": "EXECUTE_JOB"}, json={"say": "SUCCESS"}, timeout=0.2
        )

    assert (post().status_code, endpoint.received[0].path) == (502, "/api/trigger")
    with pytest.raises(httpx.ReadError):
        post()
    with pytest.raises(httpx.ReadTimeout):
        post()
    assert post().json() == {"status": "SUCCESS"}
    assert len(endpoint.wait_for(4)) == 4
    assert httpx.post(endpoint.url, headers={"x-trigger-action": "PING"}).status_code == 500


def test_a_slow_answer_waits_for_its_gate(scripted_endpoint: ScriptedEndpoint) -> None:
    gate = threading.Event()
    scripted_endpoint.then("PING", Answer.slow({"ok": True}, gate))
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(httpx.post, scripted_endpoint.url, headers={"x-trigger-action": "PING"})
        scripted_endpoint.wait_for(1, "PING")
        assert not answer.done()
        gate.set()
        assert answer.result().json() == {"ok": True}
