"""The runs of one job: listing and cancelling them."""

from tests.support.builders import Builders, job
from tests.support.database import Database
from tests.support.refusals import refused


def test_a_jobs_runs_are_listed_newest_first_in_pages(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job("greet"), job("other", event="other"))
    runs = builders.runs(5, endpoint)
    builders.run(endpoint, event="other")
    wanted = [run.id for run in reversed(runs)]
    environment_id = endpoint.environment.id
    first = db.call("list_job_runs", environment_id, "greet", take=2)
    assert [run["id"] for run in first["runs"]] == wanted[:2]
    second = db.call("list_job_runs", environment_id, "greet", cursor=first["nextCursor"], take=3)
    assert [run["id"] for run in second["runs"]] == wanted[2:]
    assert "nextCursor" not in second
    assert [run["id"] for run in db.call("list_job_runs", environment_id, "greet")["runs"]] == wanted


def test_a_listed_run_says_how_it_stands(db: Database, builders: Builders) -> None:
    run = builders.run()
    (listed,) = db.call("list_job_runs", run.environment.id, "greet")["runs"]
    assert listed.pop("updatedAt")
    assert listed == {"id": run.id, "status": "QUEUED", "startedAt": None, "completedAt": None}
    builders.claim(run).reply("SUCCESS")
    (listed,) = db.call("list_job_runs", run.environment.id, "greet")["runs"]
    assert listed["status"] == "SUCCESS"
    assert listed["startedAt"]
    assert listed["completedAt"]


def test_a_page_has_50_runs_at_most(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    builders.runs(51, endpoint)
    for take, count in ((1000, 50), (0, 1), (-5, 1)):
        page = db.call("list_job_runs", endpoint.environment.id, "greet", take=take)
        assert len(page["runs"]) == count


def test_a_job_that_never_ran_has_no_runs(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    assert db.call("list_job_runs", endpoint.environment.id, "greet") == {"runs": []}


def test_all_unfinished_runs_of_a_job_are_cancelled(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint(job("greet"), job("other", event="other"))
    done = builders.run(endpoint)
    builders.claim(done).reply("SUCCESS")
    bystander = builders.run(endpoint, event="other")
    runs = builders.runs(3, endpoint)
    answer = db.call("cancel_job_runs", endpoint.environment.id, "greet")
    assert answer == {"cancelledRunIds": [run.id for run in runs], "failedToCancelRunIds": []}
    assert [run.status for run in runs] == ["CANCELED"] * 3
    assert (done.status, bystander.status) == ("SUCCESS", "QUEUED")
    assert db.call("cancel_job_runs", endpoint.environment.id, "greet")["cancelledRunIds"] == []


def test_the_same_job_in_another_environment_is_left_alone(db: Database, builders: Builders) -> None:
    development = builders.endpoint(environment=builders.environment("dev", project="shop"))
    production = builders.endpoint(environment=builders.environment("prod", project="shop"))
    mine, others = builders.run(development), builders.run(production)
    listed = db.call("list_job_runs", development.environment.id, "greet")["runs"]
    assert [run["id"] for run in listed] == [mine.id]
    assert db.call("cancel_job_runs", development.environment.id, "greet")["cancelledRunIds"] == [mine.id]
    assert others.status == "QUEUED"


def test_an_unknown_job_is_not_found(db: Database, builders: Builders) -> None:
    endpoint = builders.endpoint()
    elsewhere = builders.environment("prod", project=endpoint.environment.project)
    for environment_id, name in ((endpoint.environment.id, "none"), (elsewhere.id, "greet"), (None, "greet")):
        for function in ("list_job_runs", "cancel_job_runs"):
            with refused("JQ001", "job"):
                db.call(function, environment_id, name)
