from tests.server.conftest import error_of

UNKNOWN = "0193a3f0-0000-7000-8000-000000000000"


async def test_a_run_is_read_with_its_tasks(server):
    run = await server.start_run()
    record = {
        "idempotencyKey": "a" * 64,
        "name": "one",
        "displayKey": "one",
        "status": "COMPLETED",
        "output": {"n": 1},
    }
    child = {"idempotencyKey": "b" * 64, "name": "two", "parentKey": "a" * 64}
    body = {"leaseNumber": run.lease_number, "tasks": [record | {"status": "RUNNING"}, child, record]}
    assert (await server.client.put(run.path, json=body)).status_code == 200
    read = (await server.client.get(f"/api/v2/runs/{run.id}")).json()
    assert (read["id"], read["status"]) == (run.id, "EXECUTING")
    (task,) = read["tasks"]
    assert (task["name"], task["displayKey"], task["status"]) == ("one", "one", "COMPLETED")
    assert "output" not in task

    query = {"subtasks": "true", "taskdetails": "true", "take": "1000"}
    (task,) = (await server.client.get(f"/api/v2/runs/{run.id}", params=query)).json()["tasks"]
    assert task["output"] == {"n": 1}
    assert [subtask["name"] for subtask in task["subtasks"]] == ["two"]

    public = server.as_public
    (task,) = (await server.client.get(f"/api/v2/runs/{run.id}", params=query, headers=public)).json()[
        "tasks"
    ]
    assert "output" not in task


async def test_the_tasks_of_a_run_come_in_pages(server):
    run = await server.start_run()
    records = [{"idempotencyKey": f"{n:064x}", "name": f"t{n}"} for n in range(5)]
    await server.client.put(run.path, json={"leaseNumber": run.lease_number, "tasks": records})
    names: list[str] = []
    cursor = ""
    for _ in range(3):
        query = {"take": "2", "cursor": cursor}
        page = (await server.client.get(f"/api/v2/runs/{run.id}", params=query)).json()
        names += [task["name"] for task in page["tasks"]]
        cursor = page.get("nextCursor", "")
    assert names == ["t0", "t1", "t2", "t3", "t4"]
    assert cursor == ""


async def test_version_1_calls_running_runs_started(server):
    run = await server.start_run()
    v2 = (await server.client.get(f"/api/v2/runs/{run.id}")).json()
    v1 = (await server.client.get(f"/api/v1/runs/{run.id}")).json()
    assert v2["status"] == "EXECUTING"
    assert v1 == v2 | {"status": "STARTED"}


async def test_runs_are_listed_newest_first_in_pages(server):
    ids = [(await server.start_run()).id for _ in range(3)]
    page = (await server.client.get("/api/v1/runs", params={"take": "2"})).json()
    assert [run["id"] for run in page["runs"]] == [ids[2], ids[1]]
    rest = (await server.client.get("/api/v1/runs", params={"cursor": page["nextCursor"]})).json()
    assert [run["id"] for run in rest["runs"]] == [ids[0]]
    assert "nextCursor" not in rest


async def test_runs_are_listed_by_status_and_job(server):
    run = await server.start_run()
    await server.send()

    async def ids(**query: str) -> list[str]:
        return [
            found["id"] for found in (await server.client.get("/api/v1/runs", params=query)).json()["runs"]
        ]

    assert await ids(status="EXECUTING") == [run.id]
    assert len(await ids(job="greet")) == 2
    assert await ids(job="other") == []


async def test_a_run_is_cancelled_once(server):
    run = await server.start_run()
    headers = {"content-type": "application/json"}
    first = await server.client.post(f"/api/v1/runs/{run.id}/cancel", headers=headers)
    assert (first.status_code, first.json()["status"]) == (200, "CANCELED")
    assert (await server.client.post(f"/api/v1/runs/{run.id}/cancel")).json() == first.json()


async def test_unknown_runs(server):
    for run_id in (UNKNOWN, "no-id"):
        for path in (f"/api/v2/runs/{run_id}", f"/api/v1/runs/{run_id}"):
            assert run_id in error_of(await server.client.get(path), 404, "JQ001")
        error_of(await server.client.post(f"/api/v1/runs/{run_id}/cancel"), 404, "JQ001")


async def test_another_environments_run_is_not_found(server):
    run = await server.start_run()
    foreign = server.as_foreigner
    error_of(await server.client.get(f"/api/v2/runs/{run.id}", headers=foreign), 404, "JQ001")
    error_of(await server.client.post(f"/api/v1/runs/{run.id}/cancel", headers=foreign), 404, "JQ001")
    assert (await server.client.get("/api/v1/runs", headers=foreign)).json()["runs"] == []


async def test_a_run_is_rerun(server):
    run = await server.start_run(id="order-1", payload={"n": 1})
    response = await server.client.post(f"/api/v1/runs/{run.id}/rerun")
    assert response.status_code == 200
    new = response.json()
    assert (new["id"] != run.id, new["status"]) == (True, "QUEUED")
    (claim,) = server.builders.claims()
    assert (claim.run_id, claim.body["event"]["payload"]) == (new["id"], {"n": 1})


async def test_a_run_is_rerun_with_another_payload(server):
    run = await server.start_run(payload={"n": 1})
    server.builders.claims()
    path = f"/api/v1/runs/{run.id}/rerun"
    for body, payload in (({"payload": {"n": 2}}, {"n": 2}), ({"payload": None}, None), ({}, {"n": 1})):
        assert (await server.client.post(path, json=body)).status_code == 200
        (claim,) = server.builders.claims()
        assert claim.body["event"]["payload"] == payload


async def test_a_cancelled_run_is_continued(server):
    run = await server.start_run()
    error_of(await server.client.post(f"/api/v1/runs/{run.id}/continue"), 409, "JQ002")
    await server.client.post(f"/api/v1/runs/{run.id}/cancel")
    headers = {"content-type": "application/json"}
    response = await server.client.post(f"/api/v1/runs/{run.id}/continue", headers=headers)
    assert (response.status_code, response.json()["status"]) == (200, "QUEUED")
    (claim,) = server.builders.claims()
    claim.reply("SUCCESS")
    error_of(await server.client.post(f"/api/v1/runs/{run.id}/continue"), 409, "JQ003")


async def test_only_ones_own_runs_are_done_again(server):
    run = await server.start_run()
    await server.client.post(f"/api/v1/runs/{run.id}/cancel")
    for what in ("rerun", "continue"):
        path = f"/api/v1/runs/{run.id}/{what}"
        error_of(await server.client.post(path, headers=server.as_foreigner), 404, "JQ001")
        error_of(await server.client.post(path, headers=server.as_public), 403, "PUBLIC_KEY_REFUSED")
        for run_id in (UNKNOWN, "no-id"):
            error_of(await server.client.post(f"/api/v1/runs/{run_id}/{what}"), 404, "JQ001")
