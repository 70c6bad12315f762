"""Typed calls of the API, one method a call: its route is in it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from pydantic import Field, ValidationError
from pydantic_core import to_json

from perdure import wire
from perdure.errors import ApiError
from perdure.transport import ApiTransport, path_of, read_answer, strange_answer
from perdure.wire import headers as names
from perdure.wire.base import MalformedMessage, OutputModel, WireModel, describe
from perdure.wire.events import (
    EVENT_LOGS,
    ApiEventLog,
    EphemeralDispatcherAnswer,
    EphemeralDispatcherBody,
    RunMetadata,
    RunMetadataChange,
    SendEventBody,
    SendEventsBody,
)
from perdure.wire.execution import ConnectionAuth
from perdure.wire.http import HttpResponse
from perdure.wire.runs import (
    CancelRunsAnswer,
    Connection,
    CreateConnectionBody,
    EventDetails,
    InvokedRun,
    InvokeJobBody,
    JobRuns,
    Run,
    RunList,
    RunStatus,
    RunStatuses,
    StatusRecord,
    StatusUpdate,
    StoreItem,
    StoreItemDeleted,
)
from perdure.wire.tasks import CachedTasksPage, TaskStatus


class StoredTask(OutputModel):
    """What the SDK reads of a ServerTask after storing it; the output is there when it has ended."""

    id: str
    status: TaskStatus
    callback_url: str | None = None


class StoredTasks(WireModel):
    """What the SDK reads of the answer to storing a run's tasks, or their refusal; None: as recorded."""

    tasks: list[StoredTask | None] = Field(default_factory=list)
    status: int = 200
    code: str | None = None
    error: str = ""


_ONE = b'{"tasks":[null]}'  # nearly all
_ONE_STORED = StoredTasks.model_construct(tasks=[None])
_MINIMAL = {"prefer": "return=minimal"}


class ApiClient(ApiTransport):
    """Calls the platform's HTTP API. How calls are repeated, and what they raise, is in ApiTransport."""

    # Events

    async def send_event(self, body: SendEventBody) -> ApiEventLog:
        """The event must have an id: repeating is safe then."""
        return await self.call(ApiEventLog, "POST", "/api/v1/events", body)

    async def send_events(self, body: SendEventsBody, *, minimal: bool = False) -> list[ApiEventLog]:
        """The events must have an id: repeating is safe then."""
        path = "/api/v1/events/bulk"
        response = await self.send("POST", path, body.to_wire_bytes(), headers=_MINIMAL if minimal else None)
        try:
            return EVENT_LOGS.validate_json(response.body)
        except ValidationError as error:
            raise strange_answer(path, response, describe(error)) from error

    async def get_event(self, event_id: str) -> EventDetails:
        return await self.call(EventDetails, "GET", path_of("/api/v2/events/{}", event_id))

    async def cancel_event(self, event_id: str) -> ApiEventLog:
        return await self.call(ApiEventLog, "POST", path_of("/api/v1/events/{}/cancel", event_id))

    async def cancel_event_runs(self, event_id: str) -> CancelRunsAnswer:
        return await self.call(CancelRunsAnswer, "POST", path_of("/api/v1/events/{}/cancel-runs", event_id))

    async def register_ephemeral_dispatcher(self, body: EphemeralDispatcherBody) -> EphemeralDispatcherAnswer:
        return await self.call(EphemeralDispatcherAnswer, "POST", "/api/v1/event-dispatchers/ephemeral", body)

    # Runs

    async def get_run(
        self,
        run_id: str,
        *,
        subtasks: bool = False,
        task_details: bool = False,
        cursor: str | None = None,
        take: int | None = None,
    ) -> Run:
        path = path_of(
            "/api/v2/runs/{}",
            run_id,
            subtasks="true" if subtasks else None,
            taskdetails="true" if task_details else None,
            cursor=cursor,
            take=take,
        )
        return await self.call(Run, "GET", path)

    async def list_runs(
        self,
        *,
        status: RunStatus | None = None,
        job_id: str | None = None,
        tags: Sequence[str] | None = None,
        cursor: str | None = None,
        take: int | None = None,
    ) -> RunList:
        path = path_of("/api/v1/runs", status=status, job=job_id, tag=tags, cursor=cursor, take=take)
        return await self.call(RunList, "GET", path)

    async def cancel_run(self, run_id: str) -> Run:
        return await self.call(Run, "POST", path_of("/api/v1/runs/{}/cancel", run_id))

    async def rerun_run(self, run_id: str) -> Run:
        """Each call starts a run, so it is not repeated."""
        return await self.call(Run, "POST", path_of("/api/v1/runs/{}/rerun", run_id), repeatable=False)

    async def continue_run(self, run_id: str) -> Run:
        """Not repeated: the run may have failed again meanwhile."""
        return await self.call(Run, "POST", path_of("/api/v1/runs/{}/continue", run_id), repeatable=False)

    async def get_run_statuses(self, run_id: str) -> RunStatuses:
        return await self.call(RunStatuses, "GET", path_of("/api/v2/runs/{}/statuses", run_id))

    async def set_run_status(self, run_id: str, key: str, update: StatusUpdate) -> StatusRecord:
        """Repeated, it may be in the status's history twice."""
        path = path_of("/api/v1/runs/{}/statuses/{}", run_id, key)
        return await self.call(StatusRecord, "PUT", path, update)

    async def set_run_metadata(self, run_id: str, change: RunMetadataChange) -> RunMetadata:
        """Repeated, it changes nothing."""
        return await self.call(RunMetadata, "PUT", path_of("/api/v1/runs/{}/metadata", run_id), change)

    async def get_cached_tasks(self, run_id: str, cursor: str) -> CachedTasksPage:
        path = path_of("/api/v1/runs/{}/tasks/cached", run_id, cursor=cursor)
        return await self.call(CachedTasksPage, "GET", path)

    async def store_tasks(self, run_id: str, body: bytes, *, timeout_s: float) -> StoredTasks:
        """Sent once; the recorder repeats it."""
        path = path_of("/api/v1/runs/{}/tasks", run_id)
        response = await self.send_once("PUT", path, body, headers=_MINIMAL, timeout_s=timeout_s)
        return _ONE_STORED if response.body == _ONE else read_answer(StoredTasks, path, response)

    async def store_tasks_of_runs(
        self, runs: Sequence[tuple[str, bytes]], *, timeout_s: float
    ) -> list[StoredTasks | ApiError]:
        """``store_tasks`` for each run's id and body, in one call: what it would have returned or raised."""
        path = "/api/v1/tasks"
        body = b"\n".join([b'{"runId":%b,%b' % (to_json(run_id), body[1:]) for run_id, body in runs])
        headers = {"content-type": names.NDJSON_TYPE, **_MINIMAL}
        response = await self.send_once("PUT", path, body, headers=headers, timeout_s=timeout_s)
        lines = response.body.split(b"\n")[:-1]
        if len(lines) != len(runs):
            raise strange_answer(path, response, f"{len(lines)} lines for {len(runs)}")
        return [_read_line(path, response, line) for line in lines]

    # Jobs

    async def invoke_job(self, job_id: str, body: InvokeJobBody, *, idempotency_key: str) -> InvokedRun:
        path = path_of("/api/v1/jobs/{}/invoke", job_id)
        headers = {names.IDEMPOTENCY_KEY: idempotency_key}
        return await self.call(InvokedRun, "POST", path, body, headers=headers)

    async def list_job_runs(
        self, job_id: str, *, cursor: str | None = None, take: int | None = None
    ) -> JobRuns:
        return await self.call(
            JobRuns, "GET", path_of("/api/v1/jobs/{}/runs", job_id, cursor=cursor, take=take)
        )

    async def cancel_job_runs(self, job_id: str) -> CancelRunsAnswer:
        return await self.call(CancelRunsAnswer, "POST", path_of("/api/v1/jobs/{}/cancel-runs", job_id))

    # The key-value store

    async def get_store_item(self, key: str) -> StoreItem:
        return await self.call(StoreItem, "GET", path_of("/api/v1/store/{}", key))

    async def set_store_item(self, key: str, value: bytes) -> StoreItem:
        """``value``: its JSON text."""
        return await self.call(StoreItem, "PUT", path_of("/api/v1/store/{}", key), value)

    async def delete_store_item(self, key: str) -> StoreItemDeleted:
        """Repeated, it may say that there was none."""
        return await self.call(StoreItemDeleted, "DELETE", path_of("/api/v1/store/{}", key))

    # Schedules, triggers, sources, webhooks

    async def register_schedule(
        self, client_id: str, schedule_id: str, body: wire.manifest.RegisterSchedule
    ) -> wire.manifest.RegisterScheduleAnswer:
        path = path_of("/api/v1/{}/schedules/{}/registrations", client_id, schedule_id)
        return await self.call(wire.manifest.RegisterScheduleAnswer, "POST", path, body)

    async def unregister_schedule(
        self, client_id: str, schedule_id: str, key: str
    ) -> wire.manifest.UnregisterScheduleAnswer:
        path = path_of("/api/v1/{}/schedules/{}/registrations/{}", client_id, schedule_id, key)
        return await self.call(wire.manifest.UnregisterScheduleAnswer, "DELETE", path)

    async def register_trigger(
        self,
        client_id: str,
        trigger_id: str,
        key: str,
        body: wire.sources.RegisterTrigger,
        *,
        idempotency_key: str | None = None,
    ) -> wire.sources.RegisterTriggerAnswer:
        """With the same idempotency key again, the registration at the provider is asked for once."""
        path = path_of("/api/v2/{}/triggers/{}/registrations/{}", client_id, trigger_id, key)
        headers = {names.IDEMPOTENCY_KEY: idempotency_key or uuid4().hex}
        return await self.call(wire.sources.RegisterTriggerAnswer, "PUT", path, body, headers=headers)

    async def update_source(
        self, client_id: str, update: wire.sources.UpdateSource
    ) -> wire.sources.UpdateSourceAnswer:
        path = path_of("/api/v2/{}/sources/{}", client_id, update.key)
        return await self.call(wire.sources.UpdateSourceAnswer, "PUT", path, update)

    async def update_webhook(
        self, key: str, update: wire.sources.UpdateWebhook
    ) -> wire.sources.UpdateWebhookAnswer:
        return await self.call(
            wire.sources.UpdateWebhookAnswer, "PUT", path_of("/api/v1/webhooks/{}", key), update
        )

    # Accounts at services

    async def create_connection(
        self, integration_id: str, body: CreateConnectionBody, *, account_id: str | None = None
    ) -> Connection:
        """Without an account, the developer's own."""
        path = path_of("/api/v1/integrations/{}/connections", integration_id)
        if account_id is not None:
            path = path_of("/api/v1/accounts/{}/connections/{}", account_id, integration_id)
        return await self.call(Connection, "POST", path, body)

    async def get_connection(self, integration_id: str, connection_id: str) -> Connection:
        path = path_of("/api/v1/integrations/{}/connections/{}", integration_id, connection_id)
        return await self.call(Connection, "GET", path)

    async def delete_connection(self, integration_id: str, connection_id: str) -> Connection:
        """Not repeated: the second time there is none, which is an error."""
        path = path_of("/api/v1/integrations/{}/connections/{}", integration_id, connection_id)
        return await self.call(Connection, "DELETE", path, repeatable=False)

    async def get_auth(self, client_id: str, integration_id: str) -> ConnectionAuth | None:
        """The developer's own account; None: not connected."""
        path = path_of("/api/v1/{}/auth/{}", client_id, integration_id)
        try:
            return await self.call(ConnectionAuth, "GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise


def _read_line(path: str, response: HttpResponse, line: bytes) -> StoredTasks | ApiError:
    if line == _ONE:
        return _ONE_STORED
    try:
        told = StoredTasks.parse(line)
    except MalformedMessage as error:
        return strange_answer(path, response, str(error))
    if told.status == 200:
        return told
    return ApiError(f"PUT {path} answered {told.status}: {told.error}", status=told.status, code=told.code)
