"""A platform just big enough to execute one app's jobs in tests of integrations: it stores tasks and asks
again.

It speaks the real wire format on both sides: signed requests to the app's endpoint, and the API that the
app calls. Waits and retries are over as soon as the test asks for the next execution. Tests of the product
itself use the real engine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from perdure import Perdure
from perdure.integrations import DeliverAnswer, SourceRequest
from perdure.wire.headers import ACTION, Action
from perdure.wire.signing import derive_signing_secret, sign
from tests.support.fakes.service import FakeService
from tests.support.source_headers import write_source_headers

API_KEY = "tr_dev_" + "0" * 40

JsonObject = dict[str, Any]


class FakeRun:
    """One run: ``tasks`` as the platform stores them, in order of creation, by their idempotency keys."""

    def __init__(self, job_id: str, payload: Any, event_name: str) -> None:
        self.id = str(uuid4())
        self.job_id = job_id
        self.event = {"id": str(uuid4()), "name": event_name, "payload": payload, "timestamp": _now()}
        self.tasks: dict[str, JsonObject] = {}

    def task(self, key: str) -> JsonObject:
        """The task with this key as the job wrote it."""
        return next(task for task in self.tasks.values() if task.get("displayKey") == key)

    def store(self, record: JsonObject) -> JsonObject:
        """Store a record over what is known of its task, and return the task as the API shows it."""
        key = record["idempotencyKey"]
        status = record.get("status") or ("COMPLETED" if record.get("noop") else "RUNNING")
        known = self.tasks.get(key, {"id": str(uuid4()), "attempts": 1})
        task = {"noop": False, **known, **record, "status": status}
        if status == "ERRORED":
            task["output"] = record["error"]
        self.tasks[key] = task
        return {name: value for name, value in task.items() if name != "error"}

    def take_reply(self, reply: JsonObject) -> None:
        """Store the records of a reply, and end the wait or retry that it asks for."""
        for record in reply.get("tasks", []):
            self.store(record)
        task = reply.get("task")
        if task is None:
            return
        if "id" not in task:
            key = self.store(task)["idempotencyKey"]
        else:
            key = next(key for key, known in self.tasks.items() if known["id"] == task["id"])
        if reply["status"] == "RETRY_WITH_TASK":
            self.tasks[key]["attempts"] += 1
        elif reply["status"] == "RESUME_WITH_TASK" and self.tasks[key].get("noop"):
            self.tasks[key]["status"] = "COMPLETED"


class FakePlatform(FakeService):
    """Runs jobs of an app that was made with ``api_url=platform.url, api_key=API_KEY``."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: dict[str, FakeRun] = {}
        self.updated_sources: list[JsonObject] = []
        self.environment_type = "DEVELOPMENT"

    def routes(self) -> Sequence[BaseRoute]:
        """What an execution calls."""
        return [
            Route("/api/v1/runs/{run_id}/tasks", self._store_tasks, methods=["PUT"]),
            Route("/api/v2/{client_id}/sources/{key:path}", self._update_source, methods=["PUT"]),
        ]

    def start(self, job_id: str, payload: Any, *, event_name: str = "test") -> FakeRun:
        """A new run of a job; nothing is executed yet."""
        run = FakeRun(job_id, payload, event_name)
        self.runs[run.id] = run
        return run

    async def execute(self, app: Perdure, run: FakeRun) -> JsonObject:
        """Execute a run once, and return the reply of the app's endpoint."""
        finished = ("id", "idempotencyKey", "status", "noop", "attempts", "output")
        tasks = [{name: task[name] for name in finished if name in task} for task in run.tasks.values()]
        body = {
            "event": run.event,
            "job": {"id": run.job_id, "version": "0.1.0"},
            "run": {"id": run.id, "startedAt": _now()},
            "environment": {"id": "e1", "slug": "dev", "type": self.environment_type},
            "organization": {"id": "o1", "slug": "acme", "title": "Acme"},
            "tasks": tasks,
            "perdure": {"leaseNumber": 1},
        }
        reply = await self._ask(app, Action.EXECUTE_JOB, {}, json.dumps(body).encode())
        run.take_reply(reply)
        return reply

    async def deliver(self, app: Perdure, request: SourceRequest) -> DeliverAnswer:
        """Hand a request that a source received to the app."""
        headers = write_source_headers(request)
        answer = await self._ask(app, Action.DELIVER_HTTP_SOURCE_REQUEST, headers, request.body)
        return DeliverAnswer.model_validate(answer)

    async def index(self, app: Perdure) -> JsonObject:
        """The app's manifest."""
        return await self._ask(app, Action.INDEX_ENDPOINT, {}, b"")

    async def _ask(self, app: Perdure, action: Action, headers: dict[str, str], body: bytes) -> JsonObject:
        message_id = f"{action.value}_{uuid4().hex}"
        secret = derive_signing_secret(API_KEY)
        signed = sign([secret], message_id=message_id, timestamp=int(time.time()), body=body)
        answer = await app.endpoint.handle("POST", {**headers, **signed, ACTION: action.value}, body)
        assert answer.status == 200, answer.body
        reply: JsonObject = json.loads(answer.body)
        return reply

    async def _store_tasks(self, request: Request) -> Response:
        run = self.runs[request.path_params["run_id"]]
        body = await request.json()
        return JSONResponse({"tasks": [run.store(record) for record in body["tasks"]]})

    async def _update_source(self, request: Request) -> Response:
        body = await request.json()
        self.updated_sources.append(body)
        return JSONResponse({"id": "s1", "key": body["key"]})


def _now() -> str:
    return datetime.now(UTC).isoformat()
