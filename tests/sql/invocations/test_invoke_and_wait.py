"""A run that starts another and goes on with what became of it: the pieces together."""

from typing import Any

from tests.support.builders import Builders, Claim, Endpoint, Run, job, task
from tests.support.database import Database

WANTED = task("child", callback={"enabled": True})


def parent_that_waits(db: Database, builders: Builders) -> tuple[Endpoint, Run, dict[str, Any], str]:
    """The endpoint, the run that waits, its task, and the run that it started."""
    db.call("set_setting", "public_url", "https://perdure.test")
    endpoint = builders.endpoint(job("parent"), job("child", event="never"))
    run = builders.run(endpoint)
    claim = builders.claim(run)
    stored, child_id = start_child(db, endpoint, claim)
    claim.reply("RESUME_WITH_TASK", task={"id": stored["id"]})
    return endpoint, run, stored, child_id


def start_child(db: Database, endpoint: Endpoint, claim: Claim) -> tuple[dict[str, Any], str]:
    (stored,) = claim.stored(WANTED)
    child = db.call(
        "invoke_job",
        endpoint.environment.id,
        "child",
        options={"callbackUrl": stored["callbackUrl"]},
        idempotency_key=stored["idempotencyKey"],
    )
    return stored, child["id"]


def result_of(db: Database, run: Run) -> Any:
    """What the run's task got; None while it waits. Whatever is to be sent is sent first."""
    assert db.call("claim_deliveries", "test", 10) == []  # nothing goes over HTTP
    (shown,) = run.read(task_details=True)["tasks"]
    return shown.get("output")


def test_the_parent_gets_the_notification_of_its_child(db: Database, builders: Builders) -> None:
    _, run, _, child_id = parent_that_waits(db, builders)
    assert result_of(db, run) is None
    (child,) = builders.claims()
    child.reply("SUCCESS", output={"n": 1})
    result = result_of(db, run)
    assert (result["id"], result["ok"], result["status"]) == (child_id, True, "SUCCESS")
    assert result["output"] == {"n": 1}
    assert builders.claim(run).reply("SUCCESS") == "SUCCESS"


def test_the_parent_of_a_cancelled_child_goes_on(db: Database, builders: Builders) -> None:
    endpoint, run, _, child_id = parent_that_waits(db, builders)
    db.call("cancel_run", endpoint.environment.id, child_id)
    result = result_of(db, run)
    assert (result["id"], result["ok"], result["status"]) == (child_id, False, "CANCELED")
    assert [claim.run_id for claim in builders.claims()] == [run.id]


def test_a_continued_parent_meets_its_child_again(db: Database, builders: Builders) -> None:
    """The child ended while the parent was cancelled: whoever asks for it again is told at once."""
    endpoint, run, before, child_id = parent_that_waits(db, builders)
    db.call("cancel_run", endpoint.environment.id, run.id)
    (child,) = builders.claims()
    child.reply("SUCCESS", output=1)
    assert result_of(db, run) is None
    db.call("continue_run", endpoint.environment.id, run.id)
    claim = builders.claim(run)
    after, same_child_id = start_child(db, endpoint, claim)
    assert (same_child_id, after["id"]) == (child_id, before["id"])
    claim.reply("RESUME_WITH_TASK", task={"id": after["id"]})
    assert result_of(db, run)["output"] == 1
    assert builders.claim(run).reply("SUCCESS") == "SUCCESS"
