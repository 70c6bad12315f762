"""Answers for clients of version 1 of a path: they know three run statuses fewer."""

from __future__ import annotations

from perdure.wire.runs import RunStatus
from perdure_server.json_text import JsonText, decode_json, join_array, join_object, split_array, split_object

_UNKNOWN = {f'"{status}"' for status in (
    RunStatus.EXECUTING, RunStatus.WAITING_TO_CONTINUE, RunStatus.WAITING_TO_EXECUTE
)}  # fmt: skip


def to_version_1(document: bytes) -> bytes:
    """A run, or an object with a ``run`` or ``runs``, as version 1 shows it.

    EXECUTING, WAITING_TO_CONTINUE and WAITING_TO_EXECUTE read as STARTED. The rest keeps its text.
    """
    return _convert(decode_json(document)).encode()


def _convert(shown: JsonText) -> str:
    members = split_object(shown)
    converted = {name: member.text for name, member in members.items()}
    if converted.get("status") in _UNKNOWN:
        converted["status"] = f'"{RunStatus.STARTED}"'
    if "run" in members:
        converted["run"] = _convert(members["run"])
    if "runs" in members:
        converted["runs"] = join_array(_convert(run) for run in split_array(members["runs"]))
    return join_object(converted)
