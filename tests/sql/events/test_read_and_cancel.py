"""Reading an event with its runs, and cancelling those."""

from collections.abc import Callable

import pytest

from tests.sql.rows import snapshot
from tests.support.builders import Builders, Environment, job
from tests.support.database import Database
from tests.support.refusals import refused


def test_an_event_is_shown_with_its_runs(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job("a"), job("b"))
    builders.db.call("send_events", endpoint.environment.id, [{"name": "greet", "id": "e-1"}])
    (first, _second) = builders.claims()
    first.reply("SUCCESS")
    event = db.call("get_event", endpoint.environment.id, "e-1")
    assert (event["id"], event["name"]) == ("e-1", "greet")
    assert event["createdAt"] <= event["updatedAt"]
    runs = {run["id"]: run for run in event["runs"]}
    assert list(runs) == sorted(runs)
    assert sorted(run["status"] for run in runs.values()) == ["EXECUTING", "SUCCESS"]
    assert runs[first.run_id]["completedAt"] >= runs[first.run_id]["startedAt"]


def test_unfinished_runs_of_an_event_are_cancelled(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job("a"), job("b"), job("c"))
    environment_id = endpoint.environment.id
    for event_id in ("e-1", "e-2"):
        db.call("send_events", environment_id, [{"name": "greet", "id": event_id}])
    ids = [run["id"] for run in db.call("get_event", environment_id, "e-1")["runs"]]
    (done,) = [claim for claim in builders.claims(3) if claim.body["job"]["id"] == "b"]
    done.reply("SUCCESS")
    others = sorted(set(ids) - {done.run_id})
    assert db.call("cancel_event_runs", environment_id, "e-1") == {
        "cancelledRunIds": others,
        "failedToCancelRunIds": [done.run_id],
    }
    statuses = {run["id"]: run["status"] for run in db.call("get_event", environment_id, "e-1")["runs"]}
    assert statuses == {**dict.fromkeys(others, "CANCELED"), done.run_id: "SUCCESS"}
    assert {run["status"] for run in db.call("get_event", environment_id, "e-2")["runs"]} == {"QUEUED"}

    before = snapshot(db)
    assert db.call("cancel_event_runs", environment_id, "e-1") == {
        "cancelledRunIds": [],
        "failedToCancelRunIds": sorted(ids),
    }
    assert snapshot(db) == before


def test_an_event_without_runs(db: Database, builders: Builders) -> None:
    environment = builders.environment()
    db.call("send_events", environment.id, [{"name": "unheard-of", "id": "e-1"}])
    assert db.call("get_event", environment.id, "e-1")["runs"] == []
    nothing: dict[str, list[str]] = {"cancelledRunIds": [], "failedToCancelRunIds": []}
    assert db.call("cancel_event_runs", environment.id, "e-1") == nothing


@pytest.mark.parametrize("function", ["get_event", "cancel_event", "cancel_event_runs"])
def test_another_environments_event_is_not_found(
    db: Database, builders: Builders, make_environment: Callable[..., Environment], function: str
) -> None:
    environment = builders.environment()
    other = make_environment("prod", project=environment.project)
    db.call("send_events", environment.id, [{"name": "greet", "id": "e-1"}], {"deliverAfter": 60})
    for environment_id, event_id in (
        (other.id, "e-1"),
        (environment.id, "e-2"),
        (None, "e-1"),
        (other.id, None),
    ):
        with refused("JQ001", "event"):
            db.call(function, environment_id, event_id)
    assert db.value("select due_at is not null from perdure.events")
