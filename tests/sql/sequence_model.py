"""The state machines of section 12 as one call may show them: written from the protocol, not from the SQL."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

FINAL = {"SUCCESS", "FAILURE", "TIMED_OUT", "ABORTED", "CANCELED", "UNRESOLVED_AUTH", "INVALID_PAYLOAD"}
WAITING = {"WAITING_TO_CONTINUE", "WAITING_TO_EXECUTE"}
ENDED = {"COMPLETED", "ERRORED", "CANCELED"}

RUN_MOVES = {  # section 12 of the protocol, as one call may show it; final ones only move by continue_run
    "PENDING": {"QUEUED", "TIMED_OUT", "CANCELED"},
    "QUEUED": {"EXECUTING", "TIMED_OUT", "ABORTED", "CANCELED"},
    "EXECUTING": FINAL | WAITING,
    "WAITING_TO_CONTINUE": {"WAITING_TO_EXECUTE", "TIMED_OUT", "CANCELED"},
    "WAITING_TO_EXECUTE": {"EXECUTING", "TIMED_OUT", "ABORTED", "CANCELED"},
}
TASK_MOVES = {
    "RUNNING": {"WAITING", "COMPLETED", "ERRORED", "CANCELED"},
    "WAITING": {"RUNNING", "COMPLETED", "ERRORED", "CANCELED"},
}
AFRESH = {"RUNNING", "WAITING", "COMPLETED", "ERRORED"}
"""What a CANCELED task of a run that was continued becomes when the run comes to it."""


class Limits:
    """The concurrency limits of an environment: what was said last, what each execution counts against."""

    def __init__(self) -> None:
        self.most: dict[str, int] = {}
        self._of_jobs: dict[str, str | None] = {}
        self._counted: dict[str, set[str]] = {}  # by run, as of its last claim

    def say(self, job: str, limit: int | Mapping[str, Any] | None) -> None:
        """An index names a job with this ``concurrencyLimit``."""
        if limit is None:
            self._of_jobs[job] = None
        elif isinstance(limit, int):
            self._of_jobs[job] = f"job {job}"
            self.most[f"job {job}"] = limit
        else:
            self._of_jobs[job] = f"group {limit['id']}"
            self.most[f"group {limit['id']}"] = limit["limit"]

    def say_all(self, limit: int | None) -> None:
        """The limit of the environment is set."""
        self.most.pop("environment", None)
        if limit is not None:
            self.most["environment"] = limit

    def of(self, job: str) -> set[str]:
        """Which limits an execution of this job would count against."""
        own = self._of_jobs.get(job)
        return ({own} if own else set()) | ({"environment"} & self.most.keys())

    def claimed(self, run_id: str, job: str) -> None:
        """An execution begins."""
        self._counted[run_id] = self.of(job)

    def free(self, name: str, leases: Iterable[str]) -> int:
        """How many more executions a limit allows; below 0: it was lowered meanwhile, or broken."""
        used = Counter(limit for run_id in leases for limit in self._counted.get(run_id, ()))
        return self.most[name] - used[name]


def possible_statuses(result: dict[str, Any], *, development: bool) -> set[str]:
    """What a run may become by a result under its lease."""
    verdict = result["verdict"]
    if verdict == "UNREACHABLE":
        return {"FAILURE"} if development else {"WAITING_TO_EXECUTE", "FAILURE"}
    if verdict != "REPLY":
        return {
            "FUNCTION_TIMEOUT": {"WAITING_TO_EXECUTE", "TIMED_OUT"},
            "LEASE_EXPIRED": {"WAITING_TO_EXECUTE", "FAILURE"},
        }.get(verdict, {"FAILURE"})
    reply = result["reply"]
    status = reply["status"]
    if status == "RESUME_WITH_PARALLEL_TASK":
        children = [{"verdict": "REPLY", "reply": child} for child in reply["childErrors"]]
        return (WAITING | {"FAILURE"}).union(
            *(possible_statuses(c, development=development) for c in children)
        )
    certain = {
        "SUCCESS": "SUCCESS",
        "ERROR": "FAILURE",
        "INVALID_PAYLOAD": "INVALID_PAYLOAD",
        "UNRESOLVED_AUTH_ERROR": "UNRESOLVED_AUTH",
        "CANCELED": "CANCELED",
        "AUTO_YIELD_EXECUTION": "WAITING_TO_EXECUTE",
        "AUTO_YIELD_RATE_LIMIT": "WAITING_TO_EXECUTE",
        "SOMETHING_NEW": "FAILURE",
    }
    if status in certain:
        return {certain[status]}
    if status.startswith(("YIELD", "AUTO_YIELD")):
        return {"WAITING_TO_EXECUTE", "FAILURE"} if status != "YIELD_EXECUTION" or "key" not in reply else {
            "WAITING_TO_EXECUTE"
        }  # fmt: skip
    return WAITING | {"FAILURE"}


def reopened(task: Mapping[str, Any]) -> str:
    """What becomes of a task when its run is continued."""
    if task["status"] == "COMPLETED" or task["noop"]:
        return "COMPLETED"
    return "CANCELED" if task["callback_url"] or task["operation"] else "RUNNING"


def is_waited_for(task: Mapping[str, Any]) -> bool:
    """Does a run that waits for this task wait for something that comes?"""
    return task["status"] == "WAITING" or (task["status"] == "RUNNING" and task["operation"] is not None)
