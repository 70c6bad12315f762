"""doctor(): healthy databases have no findings; each finding is provoked here, and mended by its own fix."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.sql.rows import leased, queued, run_row, task_statuses
from tests.support.builders import Builders, Claim, task
from tests.support.database import Database
from tests.support.fix_clock import Clock


def waiting_claim(builders: Builders, *, seconds: int = 60) -> Claim:
    claim = builders.claim()
    claim.reply("RESUME_WITH_TASK", task=task("wait", noop=True, delaySeconds=seconds))
    return claim


def executing_without_a_lease(builders: Builders, clock: Clock) -> str:
    claim = builders.claim()
    builders.db.execute("delete from perdure.leases")
    return claim.run_id


def ready_but_not_queued(builders: Builders, clock: Clock) -> str:
    run = builders.run()
    builders.db.execute("delete from pgmq.q_perdure_ready_runs")
    return run.id


def yielded_but_not_queued(builders: Builders, clock: Clock) -> str:
    claim = builders.claim()
    claim.reply("YIELD_EXECUTION", key="a")
    builders.db.execute("delete from pgmq.q_perdure_ready_runs")
    return claim.run_id


def waits_for_nothing(builders: Builders, clock: Clock) -> str:
    claim = waiting_claim(builders)
    builders.db.execute("update perdure.tasks set due_at = null")
    return claim.run_id


def lease_of_a_run_that_is_not_executing(builders: Builders, clock: Clock) -> str:
    run = builders.run()
    builders.db.execute("insert into perdure.leases values (%s, now(), now() + interval '1 day', 1)", run.id)
    return run.id


def lease_of_another_number(builders: Builders, clock: Clock) -> str:
    """Its run goes on under the right one."""
    claim = builders.claim()
    builders.db.execute("update perdure.leases set lease_number = 7")
    return claim.run_id


def lease_expired_long_ago(builders: Builders, clock: Clock) -> str:
    claim = builders.claim()
    clock.advance(timedelta(minutes=7))
    return claim.run_id


def task_open_in_a_run_that_has_ended(builders: Builders, clock: Clock) -> str:
    claim = builders.claim()
    (stored,) = claim.store(task("open"))
    claim.reply("SUCCESS")
    builders.db.execute("alter table perdure.tasks disable trigger all")
    builders.db.execute("update perdure.tasks set status = 'RUNNING', completed_at = null")
    builders.db.execute("alter table perdure.tasks enable trigger all")
    task_id: str = stored.response["id"]
    return task_id


def task_due_long_ago(builders: Builders, clock: Clock) -> str:
    waiting_claim(builders)
    clock.advance(timedelta(minutes=7))
    task_id: str = builders.db.value("select id from perdure.tasks")
    return task_id


def run_due_long_ago(builders: Builders, clock: Clock) -> str:
    claim = builders.claim()
    claim.reply("AUTO_YIELD_RATE_LIMIT", reset=(clock.now() + timedelta(minutes=1)).timestamp() * 1000)
    clock.advance(timedelta(minutes=7))
    return claim.run_id


def event_due_long_ago(builders: Builders, clock: Clock) -> str:
    environment = builders.endpoint().environment
    builders.db.call("send_events", environment.id, [{"name": "greet"}], {"deliverAfter": 60})
    clock.advance(timedelta(minutes=7))
    event_id: str = builders.db.value("select id from perdure.events")
    return event_id


def subscription_of_before_a_change(builders: Builders, clock: Clock) -> str:
    builders.endpoint()
    builders.db.execute("update perdure.job_versions set status = 'DISABLED'")
    dispatcher_id: str = builders.db.value("select id from perdure.event_dispatchers")
    return dispatcher_id


FINDINGS: list[tuple[str, Callable[[Builders, Clock], str]]] = [
    ("run is executing without a lease", executing_without_a_lease),
    ("run is ready but not queued", ready_but_not_queued),
    ("run is ready but not queued", yielded_but_not_queued),
    ("run waits for nothing", waits_for_nothing),
    ("lease without an executing run", lease_of_a_run_that_is_not_executing),
    ("lease expired long ago", lease_expired_long_ago),
    ("task is open in a run that has ended", task_open_in_a_run_that_has_ended),
    ("due long ago", task_due_long_ago),
    ("due long ago", run_due_long_ago),
    ("due long ago", event_due_long_ago),
    ("subscription starts runs as before a change", subscription_of_before_a_change),
]


@pytest.mark.parametrize(("problem", "provoke"), FINDINGS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_finding_is_mended_by_its_fix(
    db: Database, builders: Builders, clock: Clock, problem: str, provoke: Callable[[Builders, Clock], str]
) -> None:
    subject = provoke(builders, clock)
    (finding,) = db.call("doctor")
    assert (finding.problem, finding.subject) == (problem, subject)
    assert finding.detail
    db.execute(finding.fix)
    assert db.call("doctor") == []


def test_a_mended_run_goes_on_to_its_end(db: Database, builders: Builders, clock: Clock) -> None:
    lost = Claim(db, executing_without_a_lease(builders, clock), 1, "", 1, [], {})
    (finding,) = db.call("doctor")
    db.execute(finding.fix)
    (claim,) = builders.claims()
    assert (claim.run_id, claim.lease_number) == (lost.run_id, 2)
    assert lost.reply("SUCCESS", output="late") == "LEASE_LOST"
    assert claim.reply("SUCCESS", output="good") == "SUCCESS"
    assert db.call("doctor") == []


def test_a_lease_of_another_number_is_two_findings_and_mended_by_their_fixes(
    db: Database, builders: Builders, clock: Clock
) -> None:
    run_id = lease_of_another_number(builders, clock)
    for _ in range(2):
        findings = db.call("doctor")
        if findings:
            assert findings[0].subject == run_id
            db.execute(findings[0].fix)
    assert db.call("doctor") == []
    assert leased(db) == []
    assert queued(db) == [run_id]


def test_an_overdue_delivery_wants_a_dispatcher(db: Database, builders: Builders, clock: Clock) -> None:
    db.call("set_setting", "public_url", "https://perdure.example")
    source = {"version": "2", "channel": "HTTP", "key": "hook", "params": {}, "options": {"event": ["a"]}}
    endpoint = builders.endpoint(sources=[source])
    (source_id,) = (row.id for row in db.rows("select id from perdure.sources"))
    db.call("update_source", endpoint.environment.id, "hook", {"options": {"event": ["a"]}})
    received = db.call("receive_source_request", source_id, "https://x/", "POST", {}, b"{}")
    assert db.call("doctor") == []
    clock.advance(timedelta(minutes=7))
    (finding,) = db.call("doctor")
    assert (finding.problem, finding.subject) == ("delivery is overdue", received["id"])
    assert "dispatcher" in finding.fix
    (claimed,) = db.call("claim_deliveries", "worker", 10)
    result = {"deliveryId": claimed.delivery_id, "leaseNumber": claimed.lease_number, "ok": True}
    db.call("apply_delivery_results", [result])
    assert db.call("doctor") == []


def test_a_healthy_database_has_no_findings(db: Database, builders: Builders, clock: Clock) -> None:
    assert db.call("doctor") == []
    builders.runs(5)
    executing, waits, retries, yields, done = builders.claims(5)
    executing.store(task("open"))
    waits.reply("RESUME_WITH_TASK", task=task("wait", noop=True, delaySeconds=6000))
    retries.reply(
        "RETRY_WITH_TASK", task=task("flaky"), retryAt=(clock.now() + timedelta(hours=2)).isoformat()
    )
    yields.reply("YIELD_EXECUTION", key="a")
    done.reply("SUCCESS")
    clock.advance(timedelta(minutes=4))
    assert db.call("doctor") == []


@pytest.mark.parametrize("status", ["QUEUED", "EXECUTING", "WAITING_TO_CONTINUE", "WAITING_TO_EXECUTE"])
def test_requeue_run_puts_an_open_run_back(db: Database, builders: Builders, status: str) -> None:
    run = builders.run()
    if status != "QUEUED":
        claim = builders.claim(run)
        if status == "WAITING_TO_CONTINUE":
            claim.reply("RESUME_WITH_TASK", task=task("wait", noop=True, delaySeconds=60))
        elif status == "WAITING_TO_EXECUTE":
            claim.reply("AUTO_YIELD_RATE_LIMIT", reset=4_000_000_000_000)
    assert run.status == status
    assert db.call("requeue_run", run.id) is True
    row = run_row(db, run.id)
    assert row.status == ("QUEUED" if status == "QUEUED" else "WAITING_TO_EXECUTE")
    assert (row.due_at, leased(db), set(queued(db))) == (None, [], {run.id})
    (claim,) = builders.claims()
    assert claim.reply("SUCCESS") == "SUCCESS"


def test_requeue_run_leaves_an_ended_run_alone(db: Database, builders: Builders) -> None:
    run = builders.run()
    builders.claim(run).reply("SUCCESS", tasks=[task("log", noop=True)])
    assert db.call("requeue_run", run.id) is False
    assert db.call("requeue_run", run.environment.id) is False
    assert (run.status, queued(db), task_statuses(db, run.id)) == ("SUCCESS", [], {"log": "COMPLETED"})
