import asyncio
from typing import Any

import pytest

from perdure_server.json_text import decode_json, split_array, split_object
from tests.server.conftest import error_of

KEY = "a" * 64
UNKNOWN = "0193a3f0-0000-7000-8000-000000000000"
V2 = {"trigger-version": "2023-09-29"}
SERIALIZED = {"trigger-version": "2023-11-01"}


def record(key: str = KEY, **fields: Any) -> dict[str, Any]:
    return {"idempotencyKey": key, "name": "step", **fields}


async def put(server, run, *records, lease_number=None, headers=None):
    body = {"leaseNumber": run.lease_number if lease_number is None else lease_number, "tasks": list(records)}
    return await server.client.put(run.path, json=body, headers=headers)


async def test_finished_tasks_are_stored_in_one_call_and_answered_in_order(server):
    run = await server.start_run()
    response = await put(
        server,
        run,
        record("1" * 64, status="COMPLETED", output={"n": 1}),
        record("2" * 64, status="COMPLETED"),
        record("3" * 64, status="COMPLETED", output=None),
        record("4" * 64, status="ERRORED", error={"message": "no", "name": "ValueError"}),
        record("5" * 64, status="RUNNING"),
        record("6" * 64, noop=True, delaySeconds=60),
    )
    assert response.status_code == 200, response.text
    tasks = response.json()["tasks"]
    assert [task["idempotencyKey"][0] for task in tasks] == list("123456")
    assert [task["status"] for task in tasks] == [
        "COMPLETED",
        "COMPLETED",
        "COMPLETED",
        "ERRORED",
        "RUNNING",
        "WAITING",
    ]
    assert tasks[0]["output"] == {"n": 1}
    assert "output" not in tasks[1]  # returned nothing
    assert tasks[2]["output"] is None  # returned null
    assert tasks[3]["output"] == {"message": "no", "name": "ValueError"}
    assert all(task["attempts"] == 1 for task in tasks)


async def test_a_task_stored_again_changes_nothing(server):
    run = await server.start_run()
    first = await put(server, run, record(status="COMPLETED", output=1))
    again = await put(server, run, record(status="COMPLETED", output=2))
    assert again.json() == first.json()


async def test_children_know_their_parent(server):
    run = await server.start_run()
    response = await put(server, run, record(status="RUNNING"), record("b" * 64, parentKey=KEY))
    parent, child = response.json()["tasks"]
    assert child["parentId"] == parent["id"]


@pytest.mark.parametrize(
    ("params", "output", "expected"),
    [
        ("[1.0]", '{"b":1.0,"a":[1e400,12345678901234567890123]}', None),
        ('"\\udfff"', '{"text":"\\u0000 \\ud800 \\\\u0000"}', {"text": "\0 \ud800 \\u0000"}),
    ],
)
async def test_params_and_outputs_keep_their_text(server, params, output, expected):
    run = await server.start_run()
    odd = f'"name":"n\\u0000","params":{params},"output":{output}'
    task = f'{{"idempotencyKey":"{KEY}","status":"COMPLETED",{odd}}}'
    body = f'{{"leaseNumber":{run.lease_number},"tasks":[{task}]}}'
    response = await server.client.put(run.path, content=body.encode())
    assert response.status_code == 200, response.text
    (stored,) = split_array(split_object(decode_json(response.content))["tasks"])
    members = split_object(stored)
    assert members["params"].text == params
    assert members["output"].text == output
    assert members["name"].value == "n\ufffd"
    if expected is not None:
        assert members["output"].value == expected


async def test_a_lost_lease_changes_nothing(server):
    run = await server.start_run()
    error_of(
        await put(server, run, record(status="COMPLETED"), lease_number=run.lease_number + 1), 409, "JQ005"
    )
    assert (await server.client.get(f"/api/v2/runs/{run.id}")).json()["tasks"] == []


async def test_a_finished_run_takes_no_tasks(server):
    run = await server.start_run()
    await server.client.post(f"/api/v1/runs/{run.id}/cancel")
    error_of(await put(server, run, record(status="COMPLETED")), 409, "JQ003")


async def test_unknown_and_foreign_runs_are_not_found(server):
    run = await server.start_run()
    body = {"leaseNumber": 1, "tasks": [record()]}
    foreign = server.as_foreigner
    error_of(await server.client.put(run.path, json=body, headers=foreign), 404, "JQ001")
    error_of(await server.client.post(run.path, json=record(), headers=foreign), 404, "JQ001")
    error_of(
        await server.client.get(f"{run.path}/cached", params={"cursor": UNKNOWN}, headers=foreign),
        404,
        "JQ001",
    )
    for run_id in (UNKNOWN, "no-id"):
        error_of(await server.client.put(f"/api/v1/runs/{run_id}/tasks", json=body), 404, "JQ001")


WRONG_RECORDS = [
    ({"idempotencyKey": "short"}, "tasks.0.idempotencyKey"),
    ({"name": None}, "tasks.0.name"),
    ({"status": "DONE"}, "tasks.0.status"),
    ({"delaySeconds": -1}, "tasks.0.delaySeconds"),
    ({"delayUntil": "tomorrow"}, "tasks.0.delayUntil"),
]


async def test_a_wrong_record_is_named(server):
    run = await server.start_run()
    for wrong, problem in WRONG_RECORDS:
        assert problem in error_of(await put(server, run, record() | wrong), 400, "INVALID_BODY")


async def test_an_infinite_delay_is_refused(server):
    run = await server.start_run()
    body = f'{{"leaseNumber":1,"tasks":[{{"idempotencyKey":"{KEY}","name":"n","delaySeconds":1e999}}]}}'
    assert "delaySeconds" in error_of(await server.client.put(run.path, content=body), 400, "INVALID_BODY")


async def test_concurrent_executions_get_their_own_answers(server):
    runs = [await server.start_run() for _ in range(8)]
    late = await server.start_run()
    responses = await asyncio.gather(
        put(server, late, record(status="COMPLETED"), lease_number=99),
        *(put(server, run, record(status="COMPLETED", output=run.id)) for run in runs),
    )
    error_of(responses[0], 409, "JQ005")
    assert [response.json()["tasks"][0]["output"] for response in responses[1:]] == [run.id for run in runs]


async def test_cached_tasks_are_read_from_the_cursor_on(server):
    run = await server.start_run()
    stored = (
        await put(server, run, *(record(f"{n:064x}", status="COMPLETED", output=n) for n in range(3)))
    ).json()
    query = {"cursor": stored["tasks"][1]["id"]}
    page = (await server.client.get(f"{run.path}/cached", params=query)).json()
    assert [task["output"] for task in page["tasks"]] == [1, 2]
    assert "cursor" not in page
    error_of(await server.client.get(f"{run.path}/cached", params={"cursor": "x"}), 400, "INVALID_QUERY")
    error_of(await server.client.get(f"{run.path}/cached"), 400, "INVALID_QUERY")


async def test_the_v2_sdk_opens_a_task_under_its_version(server):
    run = await server.start_run()
    body = record(noop=False, params={"a": 1}, properties=[{"label": "L", "text": "T"}, {"label": "only"}])
    response = await server.client.post(run.path, json=body, headers=V2)
    assert response.status_code == 200, response.text
    assert response.headers["trigger-version"] == "2023-09-29"
    assert set(response.json()) == {"task"}
    task = response.json()["task"]
    assert "forceYield" not in task
    assert (task["status"], task["attempts"], task["noop"]) == ("RUNNING", 1, False)
    assert task["properties"] == [{"label": "L", "text": "T"}]
    assert task["params"] == {"a": 1}


async def test_without_a_version_the_bare_task_is_answered(server):
    run = await server.start_run()
    versioned = (await server.client.post(run.path, json=record(), headers=V2)).json()["task"]
    response = await server.client.post(run.path, json=record())
    assert "trigger-version" not in response.headers
    assert response.json() == versioned


WRONG_V2_TASKS = [
    ({"idempotencyKey": ""}, "idempotencyKey: String should have at least 1 character"),
    ({"parentId": "nope"}, "parentId: Input should be a valid UUID"),
    ({"operation": "dance"}, "operation: Input should be 'fetch'"),
    ({"callback": {"timeoutInSeconds": -1}}, "callback.timeoutInSeconds: Input should be greater than"),
]


async def test_a_wrong_v2_task_is_named(server):
    run = await server.start_run()
    for wrong, problem in WRONG_V2_TASKS:
        response = await server.client.post(run.path, json=record() | wrong, headers=V2)
        assert problem in error_of(response, 400, "INVALID_BODY")


async def test_the_v2_sdk_leaves_tasks_to_the_platform(server):
    server.builders.db.call("set_setting", "public_url", "https://perdure.test")
    run = await server.start_run()
    fetch = record("1" * 64, operation="fetch", params={"url": "https://api.test/"})
    response = await server.client.post(run.path, json=fetch, headers=V2)
    assert response.status_code == 200, response.text
    assert (response.json()["task"]["status"], response.json()["task"]["operation"]) == ("RUNNING", "fetch")
    called = record("2" * 64, callback={"enabled": True, "timeoutInSeconds": 60}, redact={"paths": ["token"]})
    task = (await server.client.post(run.path, json=called, headers=V2)).json()["task"]
    assert task["status"] == "WAITING"
    assert task["callbackUrl"].startswith(f"https://perdure.test/api/v1/tasks/{task['id']}/callback/")


async def test_the_next_page_of_finished_tasks_travels_with_the_answer(server):
    run = await server.start_run()
    done = [record(f"{n:064x}", status="COMPLETED", output=n) for n in range(3)]
    stored = (await put(server, run, *done)).json()["tasks"]
    headers = V2 | {"x-cached-tasks-cursor": stored[1]["id"]}
    response = await server.client.post(run.path, json=record(), headers=headers)
    assert response.json()["task"]["idempotencyKey"] == KEY
    page = response.json()["cachedTasks"]["tasks"]
    assert [task["output"] for task in page if task["status"] == "COMPLETED"] == [1, 2]
    without = await server.client.post(run.path, json=record(), headers=V2 | {"x-cached-tasks-cursor": ""})
    assert set(without.json()) == {"task"}
    bad = await server.client.post(run.path, json=record(), headers=V2 | {"x-cached-tasks-cursor": "x"})
    error_of(bad, 400, "INVALID_HEADER")


async def test_the_v2_sdk_opens_waits_and_log_lines(server):
    run = await server.start_run()
    log = await server.client.post(run.path, json=record("1" * 64, noop=True), headers=V2)
    assert log.json()["task"]["status"] == "COMPLETED"
    wait = record("2" * 64, noop=True, delayUntil="2999-01-01T00:00:00.000Z")
    response = await server.client.post(run.path, json=wait, headers=V2)
    assert response.json()["task"]["status"] == "WAITING"


COMPLETIONS = [
    ({"output": '{"a":[1.0]}'}, SERIALIZED, '{"a":[1.0]}'),
    ({"output": "null"}, SERIALIZED, "null"),
    ({}, SERIALIZED, None),
    ({"output": {"a": 1}}, {}, '{"a":1}'),
    ({"output": "text"}, {}, '"text"'),
    ({"output": None}, {}, "null"),
    ({}, {}, None),
]


async def test_a_task_is_completed_with_text_or_json(server):
    run = await server.start_run()
    for number, (body, headers, output) in enumerate(COMPLETIONS):
        task = (await server.client.post(run.path, json=record(f"{number:064x}"))).json()
        response = await server.client.post(f"{run.path}/{task['id']}/complete", json=body, headers=headers)
        assert response.status_code == 200, response.text
        completed = split_object(decode_json(response.content))
        assert completed["status"].value == "COMPLETED"
        assert (completed["output"].text if "output" in completed else None) == output


async def test_completing_an_empty_body_and_again(server):
    run = await server.start_run()
    task = (await server.client.post(run.path, json=record())).json()
    headers = {"content-type": "application/json"}
    first = await server.client.post(f"{run.path}/{task['id']}/complete", headers=headers)
    again = await server.client.post(
        f"{run.path}/{task['id']}/complete", json={"output": "2"}, headers=SERIALIZED
    )
    assert first.json()["status"] == "COMPLETED"
    assert again.json() == first.json()


async def test_completion_takes_properties_and_a_lone_surrogate(server):
    run = await server.start_run()
    task = (await server.client.post(run.path, json=record())).json()
    body = '{"output":"\\"\\ud800\\"","properties":[{"label":"L","text":"T"}],"description":"done"}'
    response = await server.client.post(f"{run.path}/{task['id']}/complete", content=body, headers=SERIALIZED)
    assert response.status_code == 200, response.text
    completed = response.json()
    assert completed["output"] == "\ud800"
    assert completed["outputProperties"] == [{"label": "L", "text": "T"}]
    assert completed["description"] == "done"


async def test_a_serialized_output_must_be_json_text(server):
    run = await server.start_run()
    task = (await server.client.post(run.path, json=record())).json()
    path = f"{run.path}/{task['id']}/complete"
    cases = [({"a": 1}, "must be a string that holds JSON"), ("{oops", "output must hold JSON: line 1")]
    for output, problem in cases:
        response = await server.client.post(path, json={"output": output}, headers=SERIALIZED)
        assert problem in error_of(response, 400, "INVALID_BODY")


async def test_an_output_that_is_too_large_fails_the_task(server):
    run = await server.start_run()
    task = (await server.client.post(run.path, json=record())).json()
    body = {"output": "x" * 3 * 1024 * 1024}
    response = await server.client.post(f"{run.path}/{task['id']}/complete", json=body)
    error_of(response, 413, "BODY_TOO_LARGE")
    (stored,) = (await server.client.get(f"/api/v2/runs/{run.id}", params={"taskdetails": "1"})).json()[
        "tasks"
    ]
    assert stored["status"] == "ERRORED"
    assert "too large" in stored["output"]["message"]


async def test_a_task_is_failed_once(server):
    run = await server.start_run()
    task = (await server.client.post(run.path, json=record())).json()
    error = {"message": "no", "name": "TypeError", "stack": "at x"}
    first = await server.client.post(f"{run.path}/{task['id']}/fail", json={"error": error})
    assert (first.json()["status"], first.json()["output"]) == ("ERRORED", error)
    again = await server.client.post(f"{run.path}/{task['id']}/fail", json={"error": "other"})
    assert again.json() == first.json()


async def test_unknown_tasks(server):
    run = await server.start_run()
    for task_id in (UNKNOWN, "no-id", "a%2Fb"):
        error_of(await server.client.post(f"{run.path}/{task_id}/complete", json={}), 404, "JQ001")
        error_of(await server.client.post(f"{run.path}/{task_id}/fail", json={"error": {}}), 404, "JQ001")
    error_of(await server.client.post(f"{run.path}/{UNKNOWN}/fail", json={}), 400, "INVALID_BODY")


async def test_what_storing_a_task_brings_about_is_in_the_answer(server):
    run = await server.start_run()
    events = [{"name": "told", "payload": {"odd": "\0"}}]
    told, started, unknown, waits = (
        await put(
            server,
            run,
            record("1" * 64, effect={"type": "sendEvents", "events": events}),
            record(
                "2" * 64, effect={"type": "invoke", "jobId": "greet", "payload": {"n": None}, "wait": False}
            ),
            record("3" * 64, effect={"type": "invoke", "jobId": "nobody", "wait": True}),
            record("4" * 64, effect={"type": "waitForEvent", "name": "never"}),
        )
    ).json()["tasks"]
    assert told["status"] == "COMPLETED"
    assert (told["output"][0]["id"], told["output"][0]["payload"]) == ("1" * 64 + ":0", {"odd": "\0"})
    invocation = (await server.client.get(f"/api/v2/events/{'2' * 64}")).json()
    assert invocation["name"] == "invoke"
    assert [child["id"] for child in invocation["runs"]] == [started["output"]["id"]]
    assert (unknown["status"], unknown["output"]["name"]) == ("ERRORED", "NotFound")
    assert (waits["status"], "output" in waits) == ("WAITING", False)


async def test_a_wrong_effect_is_named(server):
    run = await server.start_run()
    for effect, problem in [
        ({"type": "fly"}, "tasks.0.effect"),
        ({"type": "invoke", "jobId": "greet"}, "tasks.0.effect.invoke.wait"),
        ({"type": "waitForEvent", "name": []}, "tasks.0.effect.waitForEvent.name"),
        ({"type": "sendEvents", "events": [{"name": ""}]}, "tasks.0.effect.sendEvents.events.0.name"),
    ]:
        assert problem in error_of(await put(server, run, record(effect=effect)), 400, "INVALID_BODY")
