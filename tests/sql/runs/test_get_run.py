"""Reading runs: one with its tasks, and lists."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.builders import Builders, Endpoint, Environment, Run, job, task
from tests.support.database import Database
from tests.support.refusals import refused


def test_a_new_run(builders: Builders) -> None:
    run = builders.run()
    found = run.read()
    assert found.pop("updatedAt").endswith("Z")
    assert found == {
        "id": run.id,
        "status": "QUEUED",
        "startedAt": None,
        "completedAt": None,
        "tags": [],
        "metadata": {},
        "tasks": [],
        "statuses": [],
    }


def test_a_finished_run_with_details(builders: Builders) -> None:
    run = builders.run()
    claim = builders.claim(run)
    claim.store(task("parent", name="Parent", icon="star", params={"p": 1}))
    claim.store(
        task("child", parentKey=task("parent")["idempotencyKey"], status="COMPLETED", output=[1]),
        task("other", status="COMPLETED", output=None, displayKey=None),
    )
    claim.reply("SUCCESS", output={"ok": True})

    found = run.read()
    assert (found["status"], found["output"]) == ("SUCCESS", {"ok": True})
    assert found["startedAt"] <= found["completedAt"]
    parent, other = found["tasks"]
    assert (parent["displayKey"], parent["name"], parent["icon"], parent["status"]) == (
        "parent",
        "Parent",
        "star",
        "ERRORED",
    )
    assert [key for key in ("params", "output", "subtasks") if key in parent] == []
    assert (other["displayKey"], other["icon"]) == (None, None)

    parent, other = run.read(subtasks=True, task_details=True)["tasks"]
    assert (parent["params"], "output" in parent) == ({"p": 1}, False)
    (child,) = parent["subtasks"]
    assert (child["displayKey"], child["output"], child["subtasks"]) == ("child", [1], [])
    assert (other["output"], other["subtasks"], "params" in other) == (None, [], False)


def test_pages_of_tasks(builders: Builders) -> None:
    run = builders.run()
    claim = builders.claim(run)
    claim.store(*(task(f"task-{n}", noop=True) for n in range(5)))
    claim.store(task("inside", parentKey=task("task-0")["idempotencyKey"], noop=True))
    seen: list[str] = []
    cursor: Any = None
    while True:
        page = run.read(take=2, cursor=cursor)
        seen += [each["displayKey"] for each in page["tasks"]]
        if (cursor := page.get("nextCursor")) is None:
            break
    assert seen == [f"task-{n}" for n in range(5)]
    assert len(run.read(take=None)["tasks"]) == 5
    assert len(run.read(take=0)["tasks"]) == 1


def test_no_more_than_fifty_tasks_in_a_page(builders: Builders) -> None:
    run = builders.run()
    builders.claim(run).store(*(task(f"task-{n}", noop=True) for n in range(55)))
    assert [len(run.read()["tasks"]), len(run.read(take=1000)["tasks"])] == [20, 50]


def test_a_run_of_another_environment_is_not_found(
    db: Database, builders: Builders, make_environment: Callable[..., Environment]
) -> None:
    run = builders.run()
    other = make_environment("prod", project=run.environment.project)
    for environment_id, run_id in (
        (other.id, run.id),
        (run.environment.id, other.id),
        (run.environment.id, None),
    ):
        with refused("JQ001"):
            db.call("get_run", environment_id, run_id)
        with refused("JQ001"):
            db.call("get_cached_tasks", environment_id, run_id, None)


@pytest.fixture
def endpoint(builders: Builders) -> Endpoint:
    """An endpoint with two jobs and an internal one, all started by ``greet``."""
    return builders.endpoint(job("a"), job("b"), job("register", internal=True))


def ids(page: dict[str, Any]) -> list[str]:
    return [run["id"] for run in page["runs"]]


def test_a_list_is_newest_first_without_internal_jobs(
    db: Database, builders: Builders, endpoint: Endpoint
) -> None:
    runs: list[Run] = builders.runs(2, endpoint)
    assert len(runs) == 6
    page = db.call("list_runs", endpoint.environment.id)
    assert [(run["job"]["id"], run["event"]["id"]) for run in page["runs"]] == sorted(
        ((run["job"]["id"], run["event"]["id"]) for run in page["runs"]),
        key=lambda pair: pair[1],
        reverse=True,
    )
    assert ids(page) == sorted(ids(page), reverse=True)
    assert len(page["runs"]) == 4
    assert "nextCursor" not in page
    first = page["runs"][-1]
    assert (first["status"], first["isTest"], first["job"]["version"]) == ("QUEUED", False, "1.0.0")
    assert (first["event"]["name"], first["startedAt"], first["completedAt"]) == ("greet", None, None)


def test_filters_and_pages_of_a_list(db: Database, builders: Builders, endpoint: Endpoint) -> None:
    builders.runs(3, endpoint)
    environment_id = endpoint.environment.id
    everything = ids(db.call("list_runs", environment_id))
    for claim in builders.claims(100):
        if claim.body["job"]["id"] == "a":
            claim.reply("SUCCESS")
    for status, count in (("SUCCESS", 3), ("EXECUTING", 3), ("FAILURE", 0), ("NO_STATUS", 0)):
        page = db.call("list_runs", environment_id, status=status)
        assert [run["status"] for run in page["runs"]] == [status] * count
    assert len(db.call("list_runs", environment_id, job="a")["runs"]) == 3
    assert db.call("list_runs", environment_id, job="register") == {"runs": []}

    seen: list[str] = []
    cursor: Any = None
    while True:
        page = db.call("list_runs", environment_id, cursor=cursor, take=4)
        seen += ids(page)
        if (cursor := page.get("nextCursor")) is None:
            break
    assert seen == everything
    assert len(db.call("list_runs", environment_id, take=0)["runs"]) == 1
    assert len(db.call("list_runs", environment_id, take=None)["runs"]) == 6


def test_a_list_is_of_one_environment(
    db: Database, builders: Builders, endpoint: Endpoint, make_environment: Callable[..., Environment]
) -> None:
    builders.runs(1, endpoint)
    other = make_environment("prod", project=endpoint.environment.project)
    assert db.call("list_runs", other.id) == {"runs": []}
