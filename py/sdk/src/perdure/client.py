"""Typed calls of the API: one function a call, one error class, nothing retried here but what is safe."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import quote, urlencode

from pydantic import ConfigDict, TypeAdapter, ValidationError

from perdure.errors import ApiError
from perdure.settings import Settings
from perdure.version import VERSION
from perdure.wire import headers as names
from perdure.wire.base import MalformedMessage, WireModel, describe
from perdure.wire.events import ApiEventLog, SendEventBody, SendEventsBody
from perdure.wire.http import HttpClient, HttpError, HttpResponse
from perdure.wire.runs import ApiErrorBody, CancelRunsAnswer, EventDetails, Run
from perdure.wire.sources import UpdateSource, UpdateSourceAnswer
from perdure.wire.statuses import TaskStatus
from perdure.wire.tasks import CachedTasksPage

M = TypeVar("M", bound=WireModel)

CALL_TIMEOUT_S = 15.0
_MAX_ANSWER_BYTES = 32 * 1024 * 1024
_FIRST_DELAY_S = 0.05
_MAX_DELAY_S = 2.0
_EVENT_LOGS: TypeAdapter[list[ApiEventLog]] = TypeAdapter(
    list[ApiEventLog], config=ConfigDict(defer_build=True)
)


class StoredTask(WireModel):
    """What the SDK reads of a ServerTask after storing it: enough to know that it is one."""

    id: str
    idempotency_key: str
    status: TaskStatus


class StoredTasks(WireModel):
    """What the SDK reads of the answer to storing tasks."""

    tasks: list[StoredTask]


class ApiClient:
    """Calls the platform's HTTP API with the environment's key.

    Every call raises ApiError when it is refused, or when no answer came. Calls that may safely be repeated
    are repeated first, with growing delays, for ``patience_s`` seconds.
    """

    def __init__(self, settings: Settings, http: HttpClient, *, patience_s: float) -> None:
        self._settings = settings
        self._http = http
        self.patience_s = patience_s

    async def send_event(self, body: SendEventBody) -> ApiEventLog:
        """``POST /api/v1/events``; the event must have an id, so that repeating is safe."""
        return await self._patiently("POST", "/api/v1/events", ApiEventLog, body)

    async def send_events(self, body: SendEventsBody) -> list[ApiEventLog]:
        """``POST /api/v1/events/bulk``; every event must have an id, so that repeating is safe."""
        response = await self._repeat("POST", "/api/v1/events/bulk", body.to_wire_bytes())
        try:
            return _EVENT_LOGS.validate_json(response.body)
        except ValidationError as error:
            raise _strange_answer("/api/v1/events/bulk", response, describe(error)) from error

    async def get_event(self, event_id: str) -> EventDetails:
        """``GET /api/v2/events/{id}``."""
        return await self._patiently("GET", f"/api/v2/events/{_segment(event_id)}", EventDetails)

    async def cancel_event(self, event_id: str) -> ApiEventLog:
        """``POST /api/v1/events/{id}/cancel``."""
        return await self._patiently("POST", f"/api/v1/events/{_segment(event_id)}/cancel", ApiEventLog)

    async def cancel_event_runs(self, event_id: str) -> CancelRunsAnswer:
        """``POST /api/v1/events/{id}/cancel-runs``."""
        return await self._patiently(
            "POST", f"/api/v1/events/{_segment(event_id)}/cancel-runs", CancelRunsAnswer
        )

    async def get_run(self, run_id: str, query: Mapping[str, str]) -> Run:
        """``GET /api/v2/runs/{id}``."""
        path = f"/api/v2/runs/{_segment(run_id)}" + (f"?{urlencode(query)}" if query else "")
        return await self._patiently("GET", path, Run)

    async def cancel_run(self, run_id: str) -> Run:
        """``POST /api/v1/runs/{id}/cancel``."""
        return await self._patiently("POST", f"/api/v1/runs/{_segment(run_id)}/cancel", Run)

    async def update_source(self, client_id: str, update: UpdateSource) -> UpdateSourceAnswer:
        """``PUT /api/v2/{clientId}/sources/{key}``."""
        path = f"/api/v2/{_segment(client_id)}/sources/{_segment(update.key)}"
        return await self._patiently("PUT", path, UpdateSourceAnswer, update)

    async def get_cached_tasks(self, run_id: str, cursor: str) -> CachedTasksPage:
        """``GET /api/v1/runs/{id}/tasks/cached``."""
        path = f"/api/v1/runs/{_segment(run_id)}/tasks/cached?{urlencode({'cursor': cursor})}"
        return await self._patiently("GET", path, CachedTasksPage)

    async def store_tasks(self, run_id: str, body: bytes, *, timeout_s: float) -> StoredTasks:
        """``PUT /api/v1/runs/{id}/tasks`` once; the recorder repeats it."""
        path = f"/api/v1/runs/{_segment(run_id)}/tasks"
        return _parse(StoredTasks, path, await self._call("PUT", path, body, timeout_s=timeout_s))

    async def _patiently(self, method: str, path: str, answer: type[M], body: WireModel | None = None) -> M:
        response = await self._repeat(method, path, None if body is None else body.to_wire_bytes())
        return _parse(answer, path, response)

    async def _repeat(self, method: str, path: str, body: bytes | None) -> HttpResponse:
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self.patience_s
        attempt = 0
        while True:
            try:
                return await self._call(method, path, body)
            except ApiError as error:
                delay_s = backoff_s(attempt)
                if not error.is_temporary or loop.time() + delay_s > give_up_at:
                    raise
            attempt += 1
            await asyncio.sleep(delay_s)

    async def _call(
        self, method: str, path: str, body: bytes | None, *, timeout_s: float = CALL_TIMEOUT_S
    ) -> HttpResponse:
        headers = {
            names.AUTHORIZATION: f"Bearer {self._settings.api_key}",
            names.PYTHON_SDK_VERSION: VERSION,
            "user-agent": f"perdure-python/{VERSION}",
            "accept": names.JSON_TYPE,
        }
        if body is not None or method != "GET":
            headers["content-type"] = names.JSON_TYPE
        url = self._settings.api_url + path
        try:
            response = await self._http.request(
                method,
                url,
                headers,
                b"" if body is None and method != "GET" else body,
                timeout_s=timeout_s,
                max_response_bytes=_MAX_ANSWER_BYTES,
            )
        except HttpError as error:
            raise ApiError(f"the API could not be reached: {error}") from error
        if response.status != 200:
            raise _refusal(method, path, response)
        return response


def backoff_s(attempt: int) -> float:
    """Seconds before the next try, attempt 0 being the first: 50 ms, doubling to 2 s, halved at random."""
    delay = min(_FIRST_DELAY_S * 2.0**attempt, _MAX_DELAY_S)
    return delay * (0.5 + random.random() / 2)  # noqa: S311 - spreads load, keeps no secret


def _parse(answer: type[M], path: str, response: HttpResponse) -> M:
    try:
        return answer.parse(response.body)
    except MalformedMessage as error:
        raise _strange_answer(path, response, str(error)) from error


def _refusal(method: str, path: str, response: HttpResponse) -> ApiError:
    try:
        body = ApiErrorBody.parse(response.body)
    except MalformedMessage:
        text = response.body[:200].decode("utf-8", "replace")
        return ApiError(f"{method} {path} answered {response.status}: {text}", status=response.status)
    return ApiError(
        f"{method} {path} answered {response.status}: {body.error}", status=response.status, code=body.code
    )


def _strange_answer(path: str, response: HttpResponse, problem: str) -> ApiError:
    kind = response.headers.get("content-type", "no content type")
    return ApiError(f"{path} answered 200 with something else than expected ({kind}): {problem}")


def _segment(text: str) -> str:
    """A path segment: a slash in an id must not become a separator."""
    return quote(text, safe="")
