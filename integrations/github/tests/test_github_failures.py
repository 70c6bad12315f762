"""What a failed call does to its task: tried again when GitHub says, with backoff, or never."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from perdure_github import GitHub
from perdure_github.errors import GitHubError, rate_limit_end
from tests.support.fakes.faults import Fault
from tests.support.fakes.github import FakeGitHub, Repository
from tests.support.job_runner import JobRunner

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
GONE = {"owner": "acme", "repo": "site", "number": 99}
ISSUE = {"owner": "acme", "repo": "site", "number": 1}
UNICORN = "<!DOCTYPE html><html><title>Unicorn! &middot; GitHub</title></html>"


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault(status=401, body={"message": "Bad credentials"}), "the token is wrong or has expired"),
        (Fault(status=403, body={"message": "Must have admin rights"}), "the token may not do this"),
        (Fault(status=404, body={"message": "Not Found"}), "the token may not see it"),
        (Fault(status=410, body={"message": "This issue was deleted"}), "410 to GET /repos/acme/site"),
        (
            Fault(
                status=422,
                body={
                    "message": "Validation Failed",
                    "errors": [{"resource": "Issue", "field": "title", "code": "missing_field"}],
                },
            ),
            "Validation Failed; Issue.title: missing_field",
        ),
        (Fault(status=400, body="<html>nonsense</html>"), "/repos/acme/site/issues/1: Bad Request"),
    ],
)
async def test_a_refusal_fails_the_task_at_once(
    runner: JobRunner, fake: FakeGitHub, site: Repository, fault: Fault, text: str
) -> None:
    fake.faults.add(fault)
    reply = await runner.execute(lambda io: io.github.get_issue("get issue", **ISSUE))
    assert (reply["status"], reply["error"]["name"]) == ("ERROR", "GitHubError")
    assert text in reply["error"]["message"]
    task = runner.run.task("get issue")
    assert (task["status"], task["output"]["name"]) == ("ERRORED", "GitHubError")
    assert len(fake.calls) == 1


async def test_what_is_not_there_is_a_refusal(runner: JobRunner, fake: FakeGitHub, site: Repository) -> None:
    reply = await runner.execute(lambda io: io.github.get_issue("get issue", **GONE))
    assert "answered 404 to GET /repos/acme/site/issues/99" in reply["error"]["message"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500, body={"message": "Server Error"}),
        Fault(status=502, body=UNICORN),
        Fault(status=503, body={"message": "Service unavailable"}),
        Fault(status=408, body={"message": "Timeout"}),
        Fault(broken=True),
    ],
    ids=["500", "502-html", "503", "408", "connection-breaks"],
)
async def test_githubs_own_failures_are_tried_again_with_backoff(
    runner: JobRunner, fake: FakeGitHub, site: Repository, fault: Fault
) -> None:
    fake.faults.add(fault)
    reply = await runner.execute(lambda io: io.github.get_issue("get issue", **ISSUE))
    assert reply["status"] == "RETRY_WITH_TASK"
    assert "retryAt" not in reply
    assert (reply["retry"]["limit"], reply["retry"]["minTimeoutInMs"]) == (8, 500)
    assert len(fake.calls) == 1  # githubkit tries nothing again by itself
    assert (await runner.execute())["status"] == "SUCCESS"


async def test_a_server_that_is_not_there_is_tried_again(runner: JobRunner, fake: FakeGitHub) -> None:
    fake.close()
    reply = await runner.execute(lambda io: io.github.get_issue("get issue", **ISSUE))
    assert reply["status"] == "RETRY_WITH_TASK"
    assert "GitHub did not answer" in reply["error"]["message"]


async def test_an_exhausted_budget_is_tried_again_at_its_reset(
    runner: JobRunner, fake: FakeGitHub, site: Repository
) -> None:
    reset = fake.rate_limit.set(remaining=0, reset_in_s=1200)
    reply = await runner.execute(lambda io: io.github.get_issue("get issue", **ISSUE))
    assert reply["status"] == "RETRY_WITH_TASK"
    assert datetime.fromisoformat(reply["retryAt"]) == datetime.fromtimestamp(reset + 1, UTC)
    fake.rate_limit.set(remaining=1, reset_in_s=1200)
    assert (await runner.execute())["status"] == "SUCCESS"  # the last call of a budget is a success


@pytest.mark.parametrize("status", [403, 429])
async def test_a_secondary_limit_is_tried_again_after_retry_after(
    runner: JobRunner, fake: FakeGitHub, site: Repository, status: int
) -> None:
    fake.limit_next_call(status=status, retry_after_s=90)
    before = datetime.now(UTC)
    reply = await runner.execute(lambda io: io.github.get_issue("get issue", **ISSUE))
    retry_at = datetime.fromisoformat(reply["retryAt"])
    assert before + timedelta(seconds=90) <= retry_at <= datetime.now(UTC) + timedelta(seconds=90)
    assert "secondary rate limit" in reply["error"]["message"]


async def test_after_the_last_try_a_rate_limit_fails_the_task(
    runner: JobRunner, fake: FakeGitHub, site: Repository
) -> None:
    fake.faults.add(Fault(count=8, status=429, headers={"retry-after": "1"}))
    replies = [await runner.execute(lambda io: io.github.get_issue("get issue", **ISSUE)) for _ in range(8)]
    assert [reply["status"] for reply in replies] == ["RETRY_WITH_TASK"] * 7 + ["ERROR"]


HOUR_END = int(NOW.timestamp()) + 600


@pytest.mark.parametrize(
    ("status", "headers", "message", "wait_s"),
    [
        (403, {"retry-after": "60"}, "", 60),
        (429, {"retry-after": "0"}, "", 0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(HOUR_END)}, "", 601),
        # A clock that runs behind, or a reset just past: never at once.
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(HOUR_END - 900)}, "", 1),
        (403, {"retry-after": "5", "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(HOUR_END)}, "", 5),
        (403, {}, "You have exceeded a secondary rate limit.", 60),
        (429, {}, "", 60),
        (429, {"retry-after": "soon"}, "", 60),
        (403, {"x-ratelimit-remaining": "12", "x-ratelimit-reset": str(HOUR_END)}, "Forbidden", None),
        (404, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(HOUR_END)}, "Not Found", None),
        (500, {"retry-after": "60"}, "", None),
    ],
)
def test_rate_limit_end(status: int, headers: Mapping[str, str], message: str, wait_s: int | None) -> None:
    expected = None if wait_s is None else NOW + timedelta(seconds=wait_s)
    assert rate_limit_end(status, headers, message, now=NOW) == expected


def test_an_error_of_the_users_own_is_left_to_the_policy(declared: GitHub) -> None:
    assert declared.on_error(ValueError("no issue of GitHub's")) is None


def test_a_refusal_without_a_status_is_no_answer() -> None:
    error = GitHubError("GET /zen", "ConnectTimeout: ")
    assert (error.is_temporary, str(error)) == (True, "GitHub did not answer GET /zen: ConnectTimeout: ")
