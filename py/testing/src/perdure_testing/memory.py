"""A platform of one run, in memory: the rules of the wire that a job relies on, and time passes at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from perdure.wire import headers as names
from perdure.wire.http import HttpResponse
from perdure.wire.tasks import CALLBACK_TIMED_OUT


class Unanswered(AssertionError):
    """The job waits for something that the test did not give; the text says what to give."""


_NONE = object()


class _TimedOut:
    """What ends a wait without anything coming."""

    def __repr__(self) -> str:
        return "TIMED_OUT"


TIMED_OUT = _TimedOut()
"""Answer of a wait for an event or a request: nothing comes in time."""


@dataclass(eq=False, slots=True)
class MemoryRun:
    """The run: tasks, and what it did to the world around it.

    Args:
        answers: by the key of a task: what ends it.
    """

    answers: Mapping[str, Any]
    id: str = field(default_factory=lambda: str(uuid4()))
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    """The present; a wait that is skipped moves it."""
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    waits: dict[str, float | str] = field(default_factory=dict)
    """Waits for time, by their keys: seconds, or the instant."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """Events that it sent."""
    invoked: list[tuple[str, Any]] = field(default_factory=list)
    """Jobs that it started, with their payloads."""
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    metadata: dict[str, Any] = field(default_factory=dict)
    store: dict[str, str] = field(default_factory=dict)
    """JSON texts."""

    # Tasks

    def put(self, record: dict[str, Any]) -> dict[str, Any]:
        """Store a task record, and do what it asks the platform to do."""
        key = record["idempotencyKey"]
        row = self.rows.get(key)
        if row is None:
            row = {**record, "id": str(uuid4()), "status": "NEW", "attempts": 1}
            if (parent := record.get("parentKey")) in self.rows:
                row["parentId"] = self.rows[parent]["id"]
            if record.get("callback"):
                row["callbackUrl"] = f"http://perdure.test/callback/{row['id']}"
            self.rows[key] = row
        if row["status"] in ("COMPLETED", "ERRORED"):
            return row
        if record.get("status") == "ERRORED":
            row |= {"status": "ERRORED", "output": record["error"], "error": record["error"]["message"]}
        elif record.get("status") is not None:
            row |= {name: record[name] for name in ("status", "output") if name in record}
        elif row["status"] == "NEW":
            self._open(row)
        return row

    def end_wait(self, task: dict[str, Any]) -> None:
        """End what the run waits for: time passes, or what the test gave comes.

        Raises:
            Unanswered: the test gave nothing.
        """
        row = self._row(task)
        if row["status"] != "WAITING":
            return
        if not (row.get("callback") or row.get("effect") or row.get("operation")):
            row["status"] = "COMPLETED" if row.get("noop") else "RUNNING"
            if "delayUntil" in row:
                self.now = max(self.now, datetime.fromisoformat(row["delayUntil"]))
            self.now += timedelta(seconds=row.get("delaySeconds", 0))
            return
        answer = self._answer(row)
        if answer is TIMED_OUT:
            row |= {"status": "ERRORED", "output": CALLBACK_TIMED_OUT}
        elif isinstance(answer, Exception) and (row.get("effect") or {}).get("type") != "invoke":
            row |= {"status": "ERRORED", "output": _error(answer)}
        else:
            row |= {"status": "COMPLETED", "output": self._ended(row, answer)}

    def retry(self, task: dict[str, Any]) -> str:
        """Count a failed try; returns the task's key."""
        row = self._row(task)
        row["attempts"] += 1
        row["status"] = "RUNNING"
        return _shown(row)

    def _row(self, task: dict[str, Any]) -> dict[str, Any]:
        if "idempotencyKey" in task:
            return self.put(task)
        return next(row for row in self.rows.values() if row["id"] == task["id"])

    def _open(self, row: dict[str, Any]) -> None:
        effect = row.get("effect") or {}
        if effect.get("type") == "sendEvents":
            sent = [{"id": uuid4().hex, **event} for event in effect["events"]]
            self.events += sent
            row |= {"status": "COMPLETED", "output": [_event_log(event) for event in sent]}
        elif effect.get("type") == "invoke":
            self.invoked.append((effect["jobId"], effect.get("payload")))
            if effect["wait"]:
                row["status"] = "WAITING"
            else:
                row |= {"status": "COMPLETED", "output": {"id": str(uuid4())}}
        elif effect or row.get("callback") or row.get("operation"):
            row["status"] = "WAITING"
        elif "delaySeconds" in row or "delayUntil" in row:
            self.waits[_shown(row)] = row.get("delaySeconds", row.get("delayUntil", 0))
            row["status"] = "WAITING"
        else:
            row["status"] = "COMPLETED" if row.get("noop") else "RUNNING"

    def _answer(self, row: dict[str, Any]) -> Any:
        key = _shown(row)
        answer = self.answers.get(key, _NONE)
        if answer is _NONE and (parent := self.rows.get(row.get("parentKey", ""))) is not None:
            answer, key = self.answers.get(_shown(parent), _NONE), _shown(parent)
            if isinstance(answer, list | tuple):  # one of many, such as those of batch_invoke_and_wait
                answer = answer[int(_shown(row))]
        if answer is _NONE:
            raise Unanswered(
                f"the job waits at {key!r} ({row['name']}): say what comes there, such as "
                f"answers={{{key!r}: ...}}"
            )
        given = (row.get("effect") or {}).get("payload", row.get("params"))
        return answer(given) if callable(answer) else answer

    def _ended(self, row: dict[str, Any], answer: Any) -> Any:
        kind = (row.get("effect") or {}).get("type")
        if kind == "invoke":
            if isinstance(answer, Exception):
                return {"id": str(uuid4()), "ok": False, "status": "FAILURE", "error": _error(answer)}
            return {"id": str(uuid4()), "ok": True, "status": "SUCCESS", "output": answer}
        if kind == "waitForEvent":
            name = row["effect"]["name"]
            event = {"name": name if isinstance(name, str) else name[0], "payload": answer}
            return {**_event_log({"id": uuid4().hex, **event}), "source": "trigger.dev"}
        return answer

    # Other calls

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        timeout_s: float,
        max_response_bytes: int,
    ) -> HttpResponse:
        """What the job's calls of the API get: a HttpTransport."""
        path = unquote(urlsplit(url).path).removeprefix("/api/v1/").removeprefix("/api/v2/")
        try:
            answer = self._call(method, path.split("/"), json.loads(body) if body else None)
        except KeyError:
            problem = f"a JobTester answers no {method} {url}: mock the task, or test it with a platform"
            return _answer(400, {"error": problem})
        return _answer(200, answer)

    async def close(self) -> None:
        """Nothing is kept."""

    def _call(self, method: str, path: list[str], body: Any) -> Any:
        match method, path:
            case "PUT", ["runs", self.id, "tasks"]:
                return {"tasks": [_server_task(self.put(record)) for record in body["tasks"]]}
            case "PUT", ["runs", self.id, "statuses", key]:
                self.statuses[key] = {**self.statuses.get(key, {}), **body, "key": key, "history": []}
                return self.statuses[key]
            case "PUT", ["runs", self.id, "metadata"]:
                return self._describe(body)
            case "POST", ["events"]:
                self.events.append(body["event"])
                return _event_log(body["event"])
            case "POST", ["events", "bulk"]:
                self.events += body["events"]
                return [_event_log(event) for event in body["events"]]
            case "POST", ["jobs", job_id, "invoke"]:
                self.invoked.append((job_id, body.get("payload")))
                return {"id": str(uuid4())}
            case "PUT", ["store", key]:
                self.store[key] = json.dumps(body)
                return {"action": "SET", "key": key, "value": self.store[key]}
            case "GET", ["store", key]:
                return {"action": "GET", "key": key, "value": self.store.get(key)}
            case "DELETE", ["store", key]:
                return {"action": "DELETE", "key": key, "deleted": self.store.pop(key, None) is not None}
        raise KeyError(path)

    def _describe(self, change: Mapping[str, Any]) -> dict[str, Any]:
        self.tags = (self.tags - set(change.get("removeTags", ()))) | set(change.get("addTags", ()))
        merged = {**self.metadata, **change.get("metadata", {})}
        self.metadata = {name: value for name, value in merged.items() if value is not None}
        return {"tags": sorted(self.tags), "metadata": self.metadata}


def cached(row: dict[str, Any]) -> dict[str, Any]:
    """A task as an execution gets it."""
    shown = ("id", "idempotencyKey", "status", "attempts", "output", "parentId", "displayKey", "name")
    found = {name: row[name] for name in (*shown, "operation") if name in row}
    return {**found, "noop": row.get("noop", False)}


def _server_task(row: dict[str, Any]) -> dict[str, Any]:
    task = cached(row)
    return {**task, "callbackUrl": row["callbackUrl"]} if "callbackUrl" in row else task


def _event_log(event: dict[str, Any]) -> dict[str, Any]:
    log: dict[str, Any] = {"timestamp": datetime.now(UTC).isoformat()}
    return log | {name: event[name] for name in ("id", "name", "payload", "context") if name in event}


def _shown(row: dict[str, Any]) -> str:
    return str(row.get("displayKey") or row["name"])


def _error(error: Exception) -> dict[str, str]:
    return {"message": str(error), "name": type(error).__name__}


def _answer(status: int, document: Any) -> HttpResponse:
    return HttpResponse(status, {"content-type": names.JSON_TYPE}, json.dumps(document).encode())
