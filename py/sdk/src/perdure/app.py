"""The app object: jobs are declared on it, and it speaks with the platform."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar
from uuid import uuid4

from pydantic_core import PydanticSerializationError, from_json, to_json

from perdure.adapters.asgi import AsgiApp
from perdure.client import ApiClient
from perdure.endpoint import Endpoint
from perdure.errors import ConfigurationError
from perdure.integration import Integration
from perdure.job import Job
from perdure.registration import SourceRegistry
from perdure.settings import Settings
from perdure.triggers.base import Trigger
from perdure.triggers.external_source import ExternalSource
from perdure.wire.events import ApiEventLog, RawEvent, SendEventBody, SendEventOptions, SendEventsBody
from perdure.wire.http import HttpClient
from perdure.wire.manifest import Manifest
from perdure.wire.runs import CancelRunsAnswer, EventDetails, Run

P = ParamSpec("P")
R = TypeVar("R")

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-._~]*")
_DEFAULT_MAX_BODY_BYTES = 16 * 1024 * 1024


class Perdure:
    """An app with durable jobs.

    Args:
        id: identifies the app at the platform; never change it.
        api_url: address of the Perdure server; else ``PERDURE_API_URL``.
        api_key: the environment's secret key; else ``PERDURE_API_KEY``. Both are read when needed.
        max_body_bytes: longest request body that the endpoint takes.
        patience_s: seconds for which a call of an API out of reach is repeated before giving up.
    Raises:
        ConfigurationError: the id has characters that do not fit into an address.
    """

    def __init__(
        self,
        id: str,
        *,
        api_url: str | None = None,
        api_key: str | None = None,
        max_body_bytes: int = _DEFAULT_MAX_BODY_BYTES,
        patience_s: float = 20.0,
    ) -> None:
        if not _SLUG.fullmatch(id):
            raise ConfigurationError(
                f"app id {id!r}: use letters, digits and -._~ only, first a letter or digit"
            )
        self.id = id
        self.settings = Settings(api_url, api_key)
        self.max_body_bytes = max_body_bytes
        self._http = HttpClient()
        self.api = ApiClient(self.settings, self._http, patience_s=patience_s)
        """The typed API client; the methods below are its everyday part."""
        self._jobs: dict[str, Job[..., Any]] = {}
        self._sources = SourceRegistry()
        self.endpoint = Endpoint(self)
        """Answers the platform; adapters call it."""

    # Declaring

    def job(
        self,
        *,
        id: str,
        version: str,
        on: Trigger,
        integrations: Sequence[Integration] = (),
        name: str | None = None,
        enabled: bool = True,
    ) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Job[P, R]]:
        """Declare a job over ``async def fn(payload, io)`` or ``async def fn(payload, io, ctx)``.

        Args:
            id: lower case, digits, ``-._~``; never change it.
            version: semantic version of the job, such as ``1.0.0``.
            on: what starts it, such as ``event_trigger("user.created")``.
            integrations: reached as ``io.<name>``.
            name: for people; the id when absent.
            enabled: False: declared, but never started.
        Raises:
            ConfigurationError: something in the declaration is wrong; the text says what and how to fix it.
        """

        def declare(fn: Callable[P, Coroutine[Any, Any, R]]) -> Job[P, R]:
            job = Job(
                fn, id=id, version=version, on=on, integrations=integrations, name=name, enabled=enabled
            )
            if id in self._jobs:
                other = self._jobs[id].fn
                raise ConfigurationError(f"job id {id!r} is declared twice: {_place(other)} and {_place(fn)}")
            for source in on.sources():
                self._sources.add(source)
            self._jobs[id] = job
            return job

        return declare

    @property
    def jobs(self) -> list[Job[..., Any]]:
        """The declared jobs, without internal ones."""
        return list(self._jobs.values())

    def find_job(self, job_id: str) -> Job[..., Any] | None:
        """A job by id, internal ones included."""
        return self._jobs.get(job_id) or self._sources.find_job(job_id)

    def find_source(self, key: str) -> ExternalSource | None:
        """An external source by key."""
        return self._sources.find(key)

    def manifest(self) -> Manifest:
        """Everything the platform indexes: jobs, internal jobs, sources."""
        jobs = [job.metadata() for job in (*self._jobs.values(), *self._sources.jobs())]
        return Manifest(jobs=jobs, sources=self._sources.metadata())

    def asgi(self) -> AsgiApp:
        """An ASGI app: ``api.mount("/api/trigger", app.asgi())``, or serve it alone."""
        return AsgiApp(self.endpoint, on_shutdown=self.close)

    # Speaking with the platform

    async def send_event(
        self,
        name: str,
        payload: Any = None,
        *,
        id: str | None = None,
        context: Any = None,
        source: str | None = None,
        timestamp: datetime | None = None,
        deliver_at: datetime | None = None,
        deliver_after: timedelta | None = None,
        account_id: str | None = None,
    ) -> ApiEventLog:
        """Send an event; every job whose trigger matches it gets a run.

        Args:
            payload: plain data, or a pydantic model or dataclass.
            id: the same id again sends nothing twice; a new one is made when absent.
            deliver_at: not before then.
            deliver_after: not before this time has passed.
        Raises:
            ApiError: refused, or the API could not be reached.
        """
        event = make_event(name, payload, id=id, context=context, source=source, timestamp=timestamp)
        options = SendEventOptions(
            deliver_at=deliver_at,
            deliver_after=None if deliver_after is None else round(deliver_after.total_seconds()),
            account_id=account_id,
        )
        return await self.api.send_event(SendEventBody(event=event, options=options))

    async def send_events(self, events: Iterable[RawEvent]) -> list[ApiEventLog]:
        """Send many events in one call and one transaction; make them with ``make_event``."""
        with_ids = [
            event if event.id is not None else event.model_copy(update={"id": uuid4().hex})
            for event in events
        ]
        return await self.api.send_events(SendEventsBody(events=with_ids))

    async def get_event(self, event_id: str) -> EventDetails:
        """An event and the runs it started."""
        return await self.api.get_event(event_id)

    async def cancel_event(self, event_id: str) -> ApiEventLog:
        """Cancel an event that is not delivered yet."""
        return await self.api.cancel_event(event_id)

    async def cancel_event_runs(self, event_id: str) -> CancelRunsAnswer:
        """Cancel every run that an event started."""
        return await self.api.cancel_event_runs(event_id)

    async def get_run(
        self,
        run_id: str,
        *,
        subtasks: bool = False,
        task_details: bool = False,
        cursor: str | None = None,
        take: int | None = None,
    ) -> Run:
        """A run with a page of its tasks.

        Args:
            subtasks: with the tasks inside tasks.
            task_details: with params and outputs.
            cursor: ``next_cursor`` of the page before.
            take: tasks in a page, at most 50.
        """
        query = {
            name: value
            for name, value in {
                "subtasks": "true" if subtasks else None,
                "taskdetails": "true" if task_details else None,
                "cursor": cursor,
                "take": None if take is None else str(take),
            }.items()
            if value is not None
        }
        return await self.api.get_run(run_id, query)

    async def cancel_run(self, run_id: str) -> Run:
        """Cancel a run."""
        return await self.api.cancel_run(run_id)

    async def close(self) -> None:
        """Close idle connections. The app stays usable."""
        await self._http.close()


def make_event(
    name: str,
    payload: Any = None,
    *,
    id: str | None = None,
    context: Any = None,
    source: str | None = None,
    timestamp: datetime | None = None,
) -> RawEvent:
    """An event for ``send_events``.

    Args:
        payload: plain data, or a pydantic model or dataclass.
        id: the same id again sends nothing twice; a new one is made when absent.
        timestamp: when it happened, aware.
    Raises:
        TypeError: payload or context is not JSON.
    """
    return RawEvent(
        name=name,
        payload=_plain(payload, "payload"),
        context=_plain(context, "context"),
        id=id or uuid4().hex,
        source=source,
        timestamp=timestamp,
    )


def _plain(value: Any, what: str) -> Any:
    try:
        return {} if value is None else from_json(to_json(value, by_alias=True, inf_nan_mode="null"))
    except (PydanticSerializationError, ValueError) as error:
        raise TypeError(f"the event's {what} cannot be sent as JSON: {error}") from error


def _place(fn: Callable[..., Any]) -> str:
    code = getattr(fn, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(fn)
