"""The state machines of section 12 as one call may show them: written from the protocol, not from the SQL."""

from typing import Any

FINAL = {"SUCCESS", "FAILURE", "TIMED_OUT", "ABORTED", "CANCELED", "UNRESOLVED_AUTH", "INVALID_PAYLOAD"}
WAITING = {"WAITING_TO_CONTINUE", "WAITING_TO_EXECUTE"}

RUN_MOVES = {  # section 12 of the protocol, as one call may show it
    "QUEUED": {"EXECUTING", "ABORTED", "CANCELED"},
    "EXECUTING": FINAL | WAITING,
    "WAITING_TO_CONTINUE": {"WAITING_TO_EXECUTE", "CANCELED"},
    "WAITING_TO_EXECUTE": {"EXECUTING", "ABORTED", "CANCELED"},
}
TASK_MOVES = {
    "RUNNING": {"WAITING", "COMPLETED", "ERRORED", "CANCELED"},
    "WAITING": {"RUNNING", "COMPLETED", "ERRORED", "CANCELED"},
}


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
