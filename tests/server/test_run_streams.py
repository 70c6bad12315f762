"""Following a run from a browser: who may, and what comes."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from queue import Queue
from typing import Any

import httpx
import pytest

from perdure_server import event_stream, run_watch
from perdure_server.app import create_app
from perdure_server.settings import Settings
from tests.server.conftest import Server, error_of
from tests.support.builders import Builders, Run
from tests.support.fix_clock import Clock
from tests.support.http_server import serve
from tests.support.waiting import DEADLINE_S, eventually

UNKNOWN = "0193a3f0-0000-7000-8000-000000000000"


async def new_token(server: Server, run_id: str, **body: Any) -> str:
    response = await server.client.post(f"/api/v1/runs/{run_id}/token", json=body)
    assert response.status_code == 200, response.text
    token: str = response.json()["token"]
    return token


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def test_a_token_reads_its_run_and_nothing_else(server):
    run, other = await server.start_run(payload={"card": "4111"}), await server.start_run()
    record = {"idempotencyKey": "a" * 64, "name": "step", "status": "COMPLETED", "output": "secret"}
    body = {"leaseNumber": run.lease_number, "tasks": [record]}
    assert (await server.client.put(run.path, json=body)).status_code == 200
    headers = bearer(await new_token(server, run.id))
    for path in ("runs/{}", "runs/{}?taskdetails=true", "runs/{}/statuses"):
        for version in ("v1", "v2"):
            url = f"/api/{version}/{path}"
            mine = await server.client.get(url.format(run.id.upper()), headers=headers)
            assert (mine.status_code, mine.headers["access-control-allow-origin"]) == (200, "*")
            assert "secret" not in mine.text
            assert "4111" not in mine.text
            error_of(await server.client.get(url.format(other.id), headers=headers), 403, "RUN_TOKEN_REFUSED")
    for method, path in (
        ("GET", f"/api/v2/events/{run.event_id}"),
        ("GET", "/api/v1/runs"),
        ("POST", f"/api/v1/runs/{run.id}/cancel"),
        ("POST", f"/api/v1/runs/{run.id}/token"),
        ("GET", "/api/v1/whoami"),
    ):
        error_of(await server.client.request(method, path, headers=headers), 403, "RUN_TOKEN_REFUSED")


async def test_a_token_expires(server, builders):
    run = await server.start_run()
    token = await new_token(server, run.id, lifetimeInSeconds=60)
    Clock(builders.db).advance(timedelta(seconds=60))
    for where in ({"headers": bearer(token)}, {"params": {"token": token}, "headers": {"authorization": ""}}):
        if "params" in where:
            del server.client.headers["authorization"], where["headers"]
        refused = await server.client.get(f"/api/v2/runs/{run.id}", **where)
        assert "has expired" in error_of(refused, 401, "RUN_TOKEN_UNKNOWN")


async def test_only_a_secret_key_makes_tokens_of_its_own_runs(server):
    run = await server.start_run()
    path = f"/api/v1/runs/{run.id}/token"
    error_of(await server.client.post(path, json={}, headers=server.as_public), 403, "PUBLIC_KEY_REFUSED")
    error_of(await server.client.post(path, json={}, headers=server.as_foreigner), 404, "JQ001")
    error_of(await server.client.post(f"/api/v1/runs/{UNKNOWN}/token", json={}), 404, "JQ001")
    for seconds in (0, 2_592_001, "x"):
        refused = await server.client.post(path, json={"lifetimeInSeconds": seconds})
        assert "lifetimeInSeconds" in error_of(refused, 400, "INVALID_BODY")


async def test_no_key_belongs_into_an_address(server):
    run = await server.start_run()
    del server.client.headers["authorization"]
    for key in (server.secret_key, server.public_key):
        for path in (f"/api/v2/runs/{run.id}", f"/api/v2/runs/{run.id}/stream"):
            refused = await server.client.get(path, params={"token": key})
            assert "replace a secret key" in error_of(refused, 400, "KEY_IN_QUERY")
    error_of(await server.client.get("/api/v1/runs", params={"token": server.secret_key}), 401, "KEY_MISSING")


class Stream:
    """What a reader of a stream has heard."""

    def __init__(self) -> None:
        self.heard: Queue[dict[str, str] | None] = Queue()

    def next(self) -> dict[str, str] | None:
        """The next event; None: the stream has ended."""
        return self.heard.get(timeout=DEADLINE_S)

    def run(self) -> dict[str, Any]:
        """The next event, which tells how the run is."""
        event = self.next()
        assert event is not None
        run: dict[str, Any] = json.loads(event["data"])
        return run


@contextmanager
def following(client: httpx.Client, run_id: str, **options: Any) -> Iterator[Stream]:
    """Read a stream while the block runs; it is left at the end."""
    stream = Stream()
    response: httpx.Response

    def read() -> None:
        event: dict[str, str] = {}
        try:
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if line and name:
                    event[name] = value
                elif event.keys() - {"retry"}:
                    stream.heard.put(event)
                    event = {}
        except httpx.TransportError:
            pass  # it was left
        stream.heard.put(None)

    with client.stream("GET", f"/api/v2/runs/{run_id}/stream", **options) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["access-control-allow-origin"] == "*"
        thread = threading.Thread(target=read)
        thread.start()
        yield stream
        connection = response.extensions["network_stream"].get_extra_info("socket")
        with suppress(OSError):  # it has ended
            connection.shutdown(socket.SHUT_RDWR)  # else the thread would read on until the next heartbeat
        thread.join(DEADLINE_S)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_watch, "LOOK_EVERY_S", 0.05)


@pytest.fixture
def run(builders: Builders) -> Run:
    return builders.run()


@pytest.fixture
def client(db_url: str, run: Run, quick: None) -> Iterator[httpx.Client]:
    headers = bearer(run.environment.key)
    with (
        serve(create_app(Settings(db_url))) as url,
        httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=DEADLINE_S) as client,
    ):
        yield client


def test_followers_hear_of_each_change_and_of_the_end(db, builders, run, client):
    token = client.post(f"/api/v1/runs/{run.id}/token", json={}).json()["token"]
    public = builders.db.call("create_api_key", run.environment.id, "PUBLIC")
    with (
        following(client, run.id, headers=bearer(token)) as first,
        following(client, run.id, headers=bearer(public)) as second,
    ):
        for stream in (first, second):
            assert stream.run().items() >= {"id": run.id, "status": "QUEUED", "statuses": []}.items()
        db.call("set_run_status", run.environment.id, run.id, "mail", {"label": "Mail", "data": {"sent": 1}})
        for stream in (first, second):
            assert stream.run()["statuses"][0]["data"] == {"sent": 1}
        builders.claims()[0].reply("SUCCESS", output={"two\nlines": 1})
        for stream in (first, second):
            last = stream.run()
            while last["status"] != "SUCCESS":  # they may have seen it claimed
                last = stream.run()
            assert last["output"] == {"two\nlines": 1}
            assert stream.next() == {"event": "end", "data": "SUCCESS"}
            assert stream.next() is None


def test_who_comes_again_hears_only_of_what_is_new(db, builders, run, client):
    with following(client, run.id) as stream:
        event = stream.next()
    assert event is not None
    known = {"last-event-id": event["id"]}
    with following(client, run.id, headers=known) as stream:
        db.call("set_run_metadata", run.environment.id, run.id, {"metadata": {"done": 1}})
        assert stream.run()["metadata"] == {"done": 1}
    builders.claims()[0].reply("SUCCESS")
    with following(client, run.id, headers=known) as stream:
        last = stream.next()
        assert last is not None
        assert stream.next() == {"event": "end", "data": "SUCCESS"}
    over = client.get(f"/api/v2/runs/{run.id}/stream", headers={"last-event-id": last["id"]})
    assert (over.status_code, over.content) == (204, b"")


def test_a_stream_ends_so_that_its_reader_is_asked_again(run, client, monkeypatch):
    monkeypatch.setattr(event_stream, "LONGEST_S", 0.1)
    with following(client, run.id) as stream:
        assert stream.run()["id"] == run.id
        assert stream.next() is None


def test_unknown_and_foreign_runs_have_no_stream(builders, run, client):
    for run_id in (UNKNOWN, "no-id"):
        error_of(client.get(f"/api/v2/runs/{run_id}/stream"), 404, "JQ001")
    foreign = bearer(builders.environment().key)
    with following(client, run.id):
        error_of(client.get(f"/api/v2/runs/{run.id}/stream", headers=foreign), 404, "JQ001")
    assert client.head(f"/api/v2/runs/{run.id}/stream").status_code == 200


def test_one_query_serves_all_followers(run, client, monkeypatch):
    looks: list[int] = []
    find = run_watch.runs.find_changed_runs

    async def counting(conn, environment_ids, run_ids, digests):
        looks.append(len(run_ids))
        return await find(conn, environment_ids, run_ids, digests)

    monkeypatch.setattr(run_watch.runs, "find_changed_runs", counting)
    with following(client, run.id) as first, following(client, run.id) as second:
        first.run()
        second.run()
        begun = len(looks)
        eventually(lambda: len(looks) > begun + 3, what="some looks")
    assert set(looks) == {1}
    eventually(lambda: not _goes_on(looks), what="no look, when nobody follows")


def _goes_on(looks: list[int]) -> bool:
    before = len(looks)
    threading.Event().wait(0.2)
    return len(looks) > before


def test_followers_survive_an_outage_of_the_database(db, run, client, outage):
    with following(client, run.id) as stream:
        stream.run()
        outage.break_connections()
        db.call("set_run_metadata", run.environment.id, run.id, {"metadata": {"done": 1}})
        assert stream.run()["metadata"] == {"done": 1}


def test_open_streams_do_not_keep_a_server_from_stopping(db_url, run):
    command = [sys.executable, "-m", "perdure_server.cli", "serve", "--database-url", db_url, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = ""
        while not url:
            said = process.stderr.readline()
            url = said.partition("perdure serve: http")[2].strip() if "perdure serve: http" in said else ""
        threading.Thread(target=process.stderr.read, daemon=True).start()
        with (
            httpx.Client(base_url=f"http{url}", headers=bearer(run.environment.key), timeout=30) as client,
            following(client, run.id) as stream,
        ):
            stream.run()
            process.send_signal(signal.SIGTERM)
            assert stream.next() is None
            assert process.wait(5) == 0


def test_browsers_get_the_module_from_any_origin(client):
    response = client.get("/js/perdure-run.js", headers={"origin": "https://shop.example"})
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.headers["access-control-allow-origin"] == "*"
    again = client.get("/js/perdure-run.js", headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
