"""A platform of a few lines: real HTTP, rows in memory, the rules of the protocol that the SDK relies on."""

import json
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import httpx
from pydantic import Field, TypeAdapter

from perdure import Perdure
from perdure.wire.headers import NDJSON_TYPE
from perdure.wire.replies import ExecuteJobReply
from tests.support.http_server import read_body, reset_connection
from tests.support.signed_requests import API_KEY, SignedRequest, signed

REPLY: TypeAdapter[ExecuteJobReply] = TypeAdapter(Annotated[ExecuteJobReply, Field(discriminator="status")])
LEASE_LOST = (409, {"error": "the lease was lost", "code": "JQ005"})
RUN_FINISHED = (409, {"error": "the run is already finished", "code": "JQ003"})
NOW = "2026-01-05T10:00:00+00:00"


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A call that the SDK made."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class FakeRun:
    """A run: its payload and its rows."""

    job_id: str
    payload: Any = field(default_factory=dict)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    lease_number: int = 0
    event_name: str = "test.event"
    effect_outputs: dict[str, Any] = field(default_factory=dict)
    """What tasks with an effect that is done at once have as output, by the effect's type."""

    def tasks(self) -> list[dict[str, Any]]:
        """The rows as EXECUTE_JOB carries them."""
        shown = (
            "id",
            "idempotencyKey",
            "status",
            "noop",
            "attempts",
            "output",
            "displayKey",
            "name",
            "parentId",
        )
        return [{name: row[name] for name in shown if name in row} for row in self.rows.values()]

    def row(self, display_key: str) -> dict[str, Any]:
        """The one row with this key."""
        (row,) = [row for row in self.rows.values() if row.get("displayKey") == display_key]
        return row

    def named(self, name: str) -> list[dict[str, Any]]:
        """The rows with this name."""
        return [row for row in self.rows.values() if row["name"] == name]

    def store(self, record: dict[str, Any]) -> dict[str, Any]:
        """Upsert a record as the platform does; refuses a child whose parent is not known."""
        parent = record.get("parentKey")
        assert parent is None or parent in self.rows, f"{record['name']}: its parent was not sent before it"
        assert record["idempotencyKey"] != parent
        new = {**record, "id": str(uuid.uuid4()), "status": "NEW", "attempts": 1}
        if parent is not None:
            new["parentId"] = self.rows[parent]["id"]
        if record.get("callback"):
            new["callbackUrl"] = f"http://callback.test/{new['id']}"
        row = self.rows.setdefault(record["idempotencyKey"], new)
        if row["status"] in ("COMPLETED", "ERRORED"):
            return row
        status = record.get("status")
        if status is None:
            status = row["status"]
            if status == "NEW":
                effect = record.get("effect", {})
                delayed = record.get("delaySeconds") or record.get("delayUntil") or record.get("callback")
                if effect.get("type") == "waitForEvent" or effect.get("wait"):
                    delayed = True
                elif effect:
                    row["output"] = self.effect_outputs[effect["type"]]
                status = "WAITING" if delayed else "COMPLETED" if record["noop"] or effect else "RUNNING"
        row["status"] = status
        if status == "ERRORED":
            row["output"] = record["error"]
            row["error"] = record["error"]["message"]
        elif "output" in record:
            row["output"] = record["output"]
        return row

    def complete(self, display_key: str, output: Any, *, status: str = "COMPLETED") -> None:
        """As if what the task waits for had come."""
        row = self.row(display_key)
        assert row["status"] == "WAITING"
        row |= {"status": status, "output": output}

    def end_waits(self) -> None:
        """As if every delay had passed."""
        for row in self.rows.values():
            if row["status"] == "WAITING" and not (row.get("callback") or row.get("effect")):
                row["status"] = "COMPLETED" if row["noop"] else "RUNNING"


class FakePlatform:
    """An ASGI app with the API's routes, and the other side of the wire: it sends requests to an app."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[ApiCall] = []
        self.runs: dict[str, FakeRun] = {}
        self.faults: deque[Any] = deque()
        self.fault_headers: dict[str, str] = {}
        """Answers for the next calls: (status, JSON or text), "reset", "html" or "hang"."""
        self.pages: dict[str, dict[str, Any]] = {}
        """Pages of cached tasks by cursor."""
        self.before_answer: Callable[[ApiCall], object] = lambda call: None
        self.replies: list[ExecuteJobReply] = []
        self.knows_many = True
        """Whether it takes the tasks of many runs in one call."""
        self.knows_minimal = True
        """Whether it leaves a task out of an answer that would only say what it was told."""

    # The API

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Handle one connection, as ASGI has it."""
        if scope["type"] != "http":
            return
        body = await read_body(receive)
        query = scope["query_string"].decode()
        path = scope["raw_path"].decode().partition("?")[0] + (f"?{query}" if query else "")
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        call = ApiCall(scope["method"], path, headers, _read(headers.get("content-type"), body))
        self.calls.append(call)
        self.before_answer(call)
        fault = self.faults.popleft() if self.faults else None
        if fault == "reset":
            reset_connection(scope)
            return
        if fault == "hang":
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        kind = b"application/json"
        if fault is None:
            status, answer = self._answer(call)
            if isinstance(answer, str):
                kind = NDJSON_TYPE.encode()
        elif fault == "html":
            status, answer, kind = 200, "<html>Please log in</html>", b"text/html"
        else:
            status, answer = fault
        text = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        sent = [(b"content-type", kind)]
        if fault is not None:
            sent += [(name.encode(), value.encode()) for name, value in self.fault_headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": text})

    def _answer(self, call: ApiCall) -> tuple[int, Any]:
        if call.headers.get("authorization") != f"Bearer {API_KEY}":
            return 401, {"error": "unknown API key", "code": "UNAUTHORIZED"}
        path, _, query = call.path.partition("?")
        parts = path.strip("/").split("/")
        match call.method, parts:
            case "PUT", ["api", "v1", "runs", run_id, "tasks"]:
                return self._store(run_id, call.body, call)
            case "PUT", ["api", "v1", "tasks"] if self.knows_many:
                answers = [self._store(line["runId"], line, call) for line in call.body]
                lines = [body if status == 200 else {**body, "status": status} for status, body in answers]
                return 200, "".join(json.dumps(line) + "\n" for line in lines)
            case "GET", ["api", "v1", "runs", _, "tasks", "cached"]:
                return 200, self.pages[query.removeprefix("cursor=")]
            case "PUT", ["api", "v2", _, "sources", _]:
                return 200, {"id": "source-1", "key": call.body["key"]}
            case "POST", ["api", "v1", "events"]:
                return 200, _event_log(call.body["event"])
            case "POST", ["api", "v1", "events", "bulk"]:
                minimal = call.headers.get("prefer") == "return=minimal"
                return 200, [] if minimal else [_event_log(event) for event in call.body["events"]]
            case _, ["api", _, "runs", run_id, *_]:
                return 200, {"id": run_id, "status": "CANCELED", "tasks": [], "statuses": []}
        return 404, {"error": f"no such route: {path}", "code": "NOT_FOUND"}

    def _store(self, run_id: str, body: dict[str, Any], call: ApiCall) -> tuple[int, dict[str, Any]]:
        run = self.runs[run_id]
        if body["leaseNumber"] != run.lease_number:
            return LEASE_LOST
        minimal = self.knows_minimal and call.headers.get("prefer") == "return=minimal"
        stored: list[dict[str, Any] | None] = []
        for record in body["tasks"]:
            is_new = record["idempotencyKey"] not in run.rows
            row = run.store(record)
            tells_nothing = is_new and row["status"] == record.get("status") != "RUNNING"
            stored.append(None if minimal and tells_nothing else row)
        return 200, {"tasks": stored}

    def puts(self) -> list[list[dict[str, Any]]]:
        """The task records of each PUT, in order; of one for many runs, those of each line."""
        calls = [call.body for call in self.calls if call.method == "PUT" and "/tasks" in call.path]
        return [one["tasks"] for body in calls for one in (body if isinstance(body, list) else [body])]

    # The other direction

    def start(self, job_id: str, payload: Any = None) -> FakeRun:
        """A new run of a job."""
        run = FakeRun(job_id, {} if payload is None else payload)
        self.runs[run.id] = run
        return run

    def body(self, run: FakeRun, **extra: Any) -> dict[str, Any]:
        """The body of EXECUTE_JOB for a run as it is now."""
        return {
            "event": {"id": "event-1", "name": run.event_name, "payload": run.payload, "timestamp": NOW},
            "job": {"id": run.job_id, "version": "1.0.0"},
            "run": {"id": run.id, "isTest": False, "startedAt": NOW},
            "environment": {"id": "environment-1", "slug": "dev", "type": "DEVELOPMENT"},
            "organization": {"id": "organization-1", "title": "Acme", "slug": "acme"},
            "project": {"id": "project-1", "name": "Site", "slug": "site"},
            "tasks": run.tasks(),
            "perdure": {"leaseNumber": run.lease_number},
            **extra,
        }

    async def execute(self, app: Perdure, run: FakeRun, **extra: Any) -> Any:
        """One execution: claim, POST, apply the reply. Returns the reply as JSON."""
        run.lease_number += 1
        response = await post(app, execute_request(self.body(run, **extra)))
        assert response.status_code == 200, response.text
        self.replies.append(REPLY.validate_json(response.content))
        reply = response.json()
        self._apply(run, reply)
        return reply

    async def finish(self, app: Perdure, run: FakeRun, *, most: int = 20) -> Any:
        """Execute until the run ends, skipping every delay. Returns the last reply."""
        for _ in range(most):
            run.end_waits()
            reply = await self.execute(app, run)
            if reply["status"] in ("SUCCESS", "ERROR", "INVALID_PAYLOAD", "CANCELED"):
                return reply
        raise AssertionError(f"the run did not end within {most} executions")

    def _apply(self, run: FakeRun, reply: dict[str, Any]) -> None:
        for record in reply.get("tasks", []):
            run.store(record)
        if reply["status"] not in ("RESUME_WITH_TASK", "RETRY_WITH_TASK"):
            return
        task = reply["task"]
        if "id" in task:
            (row,) = [row for row in run.rows.values() if row["id"] == task["id"]]
        else:
            row = run.store(task)
        if reply["status"] == "RETRY_WITH_TASK":
            row["attempts"] += 1
            row["status"] = "WAITING"


def execute_request(body: dict[str, Any]) -> SignedRequest:
    """A signed EXECUTE_JOB request."""
    return signed("EXECUTE_JOB", json.dumps(body).encode())


async def post(app: Perdure, request: SignedRequest, *, method: str = "POST") -> httpx.Response:
    """Send a request to an app through its ASGI adapter."""
    transport = httpx.ASGITransport(app=app.asgi())
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        return await client.request(method, "/", headers=request.headers, content=request.body)


def _read(kind: str | None, body: bytes) -> Any:
    if kind == NDJSON_TYPE:
        return [json.loads(line) for line in body.split(b"\n")]
    return json.loads(body) if body else None


def _event_log(event: dict[str, Any]) -> dict[str, Any]:
    return {"id": event["id"], "name": event["name"], "payload": event["payload"], "timestamp": NOW}
