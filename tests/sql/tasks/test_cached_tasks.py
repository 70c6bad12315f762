"""Pages of the tasks that an execution is told."""

from typing import Any

import pytest

from tests.support.builders import Builders, task
from tests.support.database import Database


def pages(db: Database, environment_id: str, run_id: str) -> list[list[Any]]:
    found = []
    cursor: Any = None
    while True:
        page = db.call("get_cached_tasks", environment_id, run_id, cursor)
        found.append(page["tasks"])
        if (cursor := page.get("cursor")) is None:
            return found


@pytest.mark.parametrize("sdk", ["perdure", "trigger"])
def test_a_page_has_at_most_250_tasks(db: Database, builders: Builders, sdk: str) -> None:
    endpoint = builders.endpoint(sdk={"name": sdk, "version": "1"})
    claim = builders.claim(builders.run(endpoint))
    claim.store(*(task(f"task-{n}", status="COMPLETED", output=n) for n in range(260)))
    found = pages(db, endpoint.environment.id, claim.run_id)
    assert [len(page) for page in found] == [250, 10]
    assert [each["output"] for page in found for each in page] == list(range(260))


def test_a_task_that_alone_is_too_large_has_a_page_of_its_own(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    sizes = [10, 2_500_000, 10, 2_500_000]
    claim.store(*(task(f"task-{n}", status="COMPLETED", output="x" * size) for n, size in enumerate(sizes)))
    found = pages(db, claim.body["environment"]["id"], claim.run_id)
    assert [[len(each["output"]) for each in page] for page in found] == [
        [10],
        [2_500_000],
        [10],
        [2_500_000],
    ]


def test_a_run_without_tasks_has_an_empty_page(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    assert db.call("get_cached_tasks", claim.body["environment"]["id"], claim.run_id, None) == {"tasks": []}
    assert claim.body["tasks"] == []
    assert "cachedTaskCursor" not in claim.body


def test_what_is_said_of_a_task(db: Database, builders: Builders) -> None:
    claim = builders.claim()
    parent, child = claim.store(
        task("parent"),
        task("child", parentKey=task("parent")["idempotencyKey"], status="COMPLETED", output=None),
    )
    found = db.call("get_cached_tasks", claim.body["environment"]["id"], claim.run_id, None)["tasks"]
    keys = {"idempotencyKey": task("parent")["idempotencyKey"]}
    assert found[0] == {
        **keys,
        "id": parent.response["id"],
        "status": "RUNNING",
        "noop": False,
        "attempts": 1,
        "displayKey": "parent",
        "name": "Task",
    }
    assert (found[1]["parentId"], found[1]["output"]) == (parent.response["id"], None)
    assert found[1]["id"] == child.response["id"]
