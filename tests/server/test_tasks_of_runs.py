"""Steps of many runs in one call: each line is a call for one run, and is answered like it."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from perdure_engine import tasks
from perdure_engine.errors import DatabaseUnavailable
from perdure_server.api import tasks as api_tasks
from perdure_server.json_text import decode_json, split_array, split_object
from perdure_server.rate_limit import RateLimit
from perdure_server.settings import Settings
from tests.server.conftest import ClaimedRun, Server, error_of, serving
from tests.support.builders import Builders

PATH = "/api/v1/tasks"
UNKNOWN = "0193a3f0-0000-7000-8000-000000000000"


def record(key: str = "a", **fields: Any) -> dict[str, Any]:
    return {"idempotencyKey": key * 64, "name": "step", "status": "COMPLETED", **fields}


def line(run: ClaimedRun, *records: dict[str, Any], **other: Any) -> bytes:
    told = {"runId": run.id, "leaseNumber": run.lease_number, "tasks": list(records), **other}
    return json.dumps(told, separators=(",", ":")).encode()


async def put(server: Server, *lines: bytes, **options: Any) -> httpx.Response:
    return await server.client.put(PATH, content=b"\n".join(lines), **options)


def answers(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.content.endswith(b"\n")
    return [json.loads(one) for one in response.content.split(b"\n")[:-1]]


async def test_each_run_gets_its_own_tasks_in_the_order_of_the_lines(server: Server) -> None:
    runs = [await server.start_run() for _ in range(5)]
    lines = [line(run, record("1", output=run.id), record("2", output=[])) for run in runs]
    for told in (answers(await put(server, *lines)), answers(await put(server, *lines, b""))):
        outputs = [[task["output"] for task in one["tasks"]] for one in told]
        assert outputs == [[run.id, []] for run in runs]
        assert [set(one) for one in told] == [{"tasks"}] * 5


async def test_who_needs_no_more_is_told_what_it_does_not_know(server: Server) -> None:
    run, other = await server.start_run(), await server.start_run()
    minimal = {"prefer": "return=minimal"}
    ended, begun = record("1", output=1), {**record("2"), "status": "RUNNING"}
    told = answers(await put(server, line(run, ended, begun), line(other, ended), headers=minimal))
    assert [[task and task["status"] for task in one["tasks"]] for one in told] == [[None, "RUNNING"], [None]]
    alone = f"/api/v1/runs/{other.id}/tasks"
    body = {"leaseNumber": other.lease_number, "tasks": [record("3"), ended]}
    (new, met) = (await server.client.put(alone, json=body, headers=minimal)).json()["tasks"]
    assert (new["idempotencyKey"], met["output"]) == ("3" * 64, 1)  # together with one that is met
    body["tasks"] = [record("4")]
    assert (await server.client.put(alone, json=body, headers=minimal)).json() == {"tasks": [None]}


async def test_a_lone_task_that_is_done_is_stored_by_its_parts(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await server.start_run()
    general: list[str] = []
    upsert_tasks = tasks.upsert_tasks

    def noted(*arguments: Any) -> Any:
        general.append("upsert_tasks")
        return upsert_tasks(*arguments)

    monkeypatch.setattr(tasks, "upsert_tasks", noted)

    async def store(key: str, output: str, lease_number: int = run.lease_number) -> httpx.Response:
        """As our SDK writes it: nothing is left to be interpreted."""
        sent = (
            f'{{"leaseNumber":{lease_number},"tasks":[{{"output":{output},"idempotencyKey":"{key * 64}",'
            '"name":"step","noop":false,"displayKey":"shown","status":"COMPLETED",'
            '"startedAt":"2026-01-01T00:00:00.5Z"}]}'
        )
        return await server.client.put(run.path, content=sent, headers={"prefer": "return=minimal"})

    for key, output in (("1", '{"n": 1.0, "t": "ä\\n"}'), ("2", "null")):
        assert (await store(key, output)).json() == {"tasks": [None]}
        assert general == []
        (met,) = (await store(key, "5")).json()["tasks"]
        assert general.pop() == "upsert_tasks"
        assert met["output"] == json.loads(output)
        shown = (met["status"], met["name"], met["startedAt"])
        assert shown == ("COMPLETED", "step", "2026-01-01T00:00:00.500Z")
    refused = await store("3", "1", run.lease_number + 1)
    error_of(refused, 409, "JQ005")
    await server.client.post(f"/api/v1/runs/{run.id}/cancel")
    error_of(await store("3", "1"), 409, "JQ003")


async def test_a_line_is_answered_as_the_call_for_its_run_alone(server: Server) -> None:
    run, other = await server.start_run(), await server.start_run()
    ended = await server.start_run()
    await server.client.post(f"/api/v1/runs/{ended.id}/cancel")
    lines = [
        line(run, record("1", output=1)),
        line(ended, record()),
        line(run, record(), leaseNumber=run.lease_number + 1),
        line(run, record(), runId=UNKNOWN),
        line(run, record(), runId="no-id"),
        line(run, {**record(), "status": "DONE"}),
        line(run, record(), leaseNumber=None),
        b'{"leaseNumber":1,"tasks":[]}',
        b"no JSON",
        b"[]",
        b"",
        b'{"runId":"%b","leaseNumber":%d,"tasks":[' % (run.id.encode(), run.lease_number),
        line(other, record("2", output=2)),
    ]
    told = answers(await put(server, *lines))
    assert [(one.get("status"), one.get("code")) for one in told] == [
        (None, None),
        (409, "JQ003"),
        (409, "JQ005"),
        (404, "JQ001"),
        (404, "JQ001"),
        (400, "INVALID_BODY"),
        (400, "INVALID_BODY"),
        (400, "INVALID_BODY"),
        (400, "MALFORMED_JSON"),
        (400, "INVALID_BODY"),
        (400, "INVALID_BODY"),
        (400, "MALFORMED_JSON"),
        (None, None),
    ]
    assert [one["tasks"][0]["output"] for one in (told[0], told[-1])] == [1, 2]
    assert "tasks.0.status" in told[5]["error"]
    assert "runId" in told[7]["error"]
    for of_run, sent in ((ended, record()), (run, {**record(), "status": "DONE"})):
        alone = await server.client.put(
            of_run.path, json={"leaseNumber": of_run.lease_number, "tasks": [sent]}
        )
        assert {"status": alone.status_code, **alone.json()} in told


async def test_another_environments_run_is_not_found(server: Server) -> None:
    run = await server.start_run()
    (told,) = answers(await put(server, line(run, record()), headers=server.as_foreigner))
    assert (told["status"], told["code"]) == (404, "JQ001")
    assert (await server.client.get(f"/api/v2/runs/{run.id}")).json()["tasks"] == []


async def test_all_lines_go_to_the_database_together(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    upsert = tasks.upsert_tasks

    def counting(db: Any, calls: Any) -> Any:
        sizes.append(len(calls))
        return upsert(db, calls)

    monkeypatch.setattr(tasks, "upsert_tasks", counting)
    runs = [await server.start_run() for _ in range(20)]
    answers(await put(server, *(line(run, record()) for run in runs)))
    assert sizes == [20]


async def test_lines_of_any_form_keep_the_text_of_outputs(server: Server) -> None:
    run, other = await server.start_run(), await server.start_run()
    odd = f'"startedAt":"2026-01-05T10:00:00Z","idempotencyKey":"{"b" * 64}","name":"n\\u0000"'
    odd += ',"status":"COMPLETED"'
    lines = [
        f'{{"runId":"{run.id}","leaseNumber":{run.lease_number},"tasks":[{{"output":1.0,{odd}}}]}}',
        f' {{"tasks":[{{{odd},"output":[1.50 , 1e400]}}], "leaseNumber":{other.lease_number},'
        f'"runId":"{other.id.upper()}"}}',
    ]
    response = await put(server, *(text.encode() for text in lines))
    for told, output in zip(response.content.split(b"\n"), ("1.0", "[1.50 , 1e400]"), strict=False):
        (task,) = split_array(split_object(decode_json(told))["tasks"])
        members = split_object(task)
        assert (members["output"].text, members["name"].value) == (output, "n\ufffd")


async def test_a_stored_output_of_several_lines_is_one_line_of_the_answer(server: Server) -> None:
    run = await server.start_run()
    text = f'{{"idempotencyKey":"{"a" * 64}","name":"n","status":"COMPLETED","output":{{\n"a":\r\n1}}}}'
    alone = f'{{"leaseNumber":{run.lease_number},"tasks":[{text}]}}'
    assert b"{\n" in (await server.client.put(run.path, content=alone)).content
    (told,) = answers(await put(server, line(run, record(output=2))))
    assert told["tasks"][0]["output"] == {"a": 1}


async def test_a_body_that_is_no_call_is_refused_as_a_whole(server: Server) -> None:
    error_of(await put(server), 400, "INVALID_BODY")
    error_of(await server.client.put(PATH, content=b"\n" * 1001), 400, "INVALID_BODY")
    assert len(answers(await server.client.put(PATH, content=b"\n" * 1000))) == 1000
    error_of(await server.client.put(PATH, content=b"x", headers=server.as_public), 403, "PUBLIC_KEY_REFUSED")
    large = b"x" * (Settings("").json_body_limit + 1)
    error_of(await server.client.put(PATH, content=large), 413, "BODY_TOO_LARGE")


async def test_a_call_counts_once_towards_the_rate_limit(db_url: str, builders: Builders) -> None:
    builders.endpoint()
    key = builders.environment().key
    limit = RateLimit.parse("2+1/3600s")
    async with serving(Settings(db_url, database_timeout_s=10, rate_limit=limit)) as (_, client):
        client.headers["authorization"] = f"Bearer {key}"
        for _ in range(2):
            assert len(answers(await client.put(PATH, content=b"x\nx\nx"))) == 3
        error_of(await client.put(PATH, content=b"x"), 429, "RATE_LIMITED")


async def test_a_database_that_is_away_is_told_for_the_whole_call(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, other = await server.start_run(), await server.start_run()
    upsert = tasks.upsert_tasks

    async def is_away(db: Any, calls: Any) -> Any:
        raise DatabaseUnavailable("the connection was lost")

    monkeypatch.setattr(tasks, "upsert_tasks", is_away)
    response = await put(server, line(run, record()), line(other, record()))
    error_of(response, 503, "DATABASE_UNAVAILABLE")
    assert response.headers["retry-after"] == "1"
    told = answers(await put(server, b"no JSON", line(run, record())))  # not all for the database's sake
    assert [one["code"] for one in told] == ["MALFORMED_JSON", "DATABASE_UNAVAILABLE"]
    monkeypatch.setattr(tasks, "upsert_tasks", upsert)
    assert len(answers(await put(server, line(run, record()), line(other, record())))) == 2


async def test_a_failure_of_one_line_is_hidden_and_touches_no_other(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, other = await server.start_run(), await server.start_run()
    calls_of = api_tasks.calls_of

    def fail_for_one(environment_id: str, run_id: str, raw: bytes) -> tuple[bytes, ...]:
        if run_id == run.id:
            raise RuntimeError("a secret")
        return calls_of(environment_id, run_id, raw)

    monkeypatch.setattr(api_tasks, "calls_of", fail_for_one)
    failed, stored = answers(await put(server, line(run, record()), line(other, record())))
    assert (failed["status"], failed["code"]) == (500, "INTERNAL")
    assert "secret" not in failed["error"]
    assert len(stored["tasks"]) == 1


async def test_calls_of_both_kinds_at_the_same_time(server: Server) -> None:
    runs = [await server.start_run() for _ in range(6)]
    body = {"leaseNumber": runs[0].lease_number, "tasks": [record(output="alone")]}
    told, alone = await asyncio.gather(
        put(server, *(line(run, record(output=run.id)) for run in runs[1:])),
        server.client.put(runs[0].path, json=body),
    )
    assert [one["tasks"][0]["output"] for one in answers(told)] == [run.id for run in runs[1:]]
    assert alone.json()["tasks"][0]["output"] == "alone"
