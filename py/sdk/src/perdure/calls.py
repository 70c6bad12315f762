"""What an app asks of the platform from outside of runs: events, jobs, runs, statuses, the store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from os import urandom
from time import time_ns
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from perdure.client import ApiClient
from perdure.codec import to_plain
from perdure.stores import Store, SyncStore
from perdure.threads import Blocking, blocking
from perdure.wire.events import (
    ApiEventLog,
    RawEvent,
    RunMetadata,
    RunMetadataChange,
    SendEventBody,
    SendEventOptions,
    SendEventsBody,
)
from perdure.wire.runs import (
    CancelRunsAnswer,
    EventDetails,
    InvokedRun,
    InvokeJobBody,
    InvokeOptions,
    JobRuns,
    Run,
    RunList,
    RunStatus,
    RunStatuses,
    StatusRecord,
    StatusUpdate,
)

if TYPE_CHECKING:
    from perdure.job import AnyJob, Job

In = TypeVar("In")

_FIRST_LOOK_S = 0.1
_SLOWEST_LOOK_S = 2.0
_SLOWER = 1.5


class PlatformCalls:
    """The calls of an app; ``app.sync`` has the same ones for code that is not async.

    Each raises ApiError when it is refused, with a text that names what is wrong and what to do, or when the
    API could not be reached: calls that may be repeated safely are repeated for ``patience_s`` first.
    """

    api: ApiClient
    """The typed API client; the methods here are its everyday part."""

    @property
    def sync(self) -> SyncCalls:
        """The same for code that is not async: ``app.sync.send_event("user.created")``."""
        return SyncCalls(self)

    @property
    def store(self) -> Store:
        """The key-value store of the environment: ``await app.store.set("cursor", 42)``."""
        return Store(self.api)

    # Events

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
        tags: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> ApiEventLog:
        """Send an event; every job whose trigger matches it gets a run.

        Args:
            payload: plain data, a pydantic model or dataclass.
            id: the same id again sends nothing twice.
            context: more about it, for filters and for the job's ``ctx``.
            source: who sends it; only triggers with this source match.
            timestamp: when it happened, aware; else now.
            deliver_at: not before then, aware.
            deliver_after: not before this has passed.
            account_id: the end user.
            tags: of the runs that it starts, to find them by: at most 50 of at most 200 characters.
            metadata: of these runs, a JSON object of at most 64 KiB.
        Returns: the event as it was stored first.
        Raises:
            TypeError: payload or context is not JSON.
            ValueError: name or id is empty or too long, or an instant is not aware.
            ApiError: refused, or the API could not be reached.
        """
        event = make_event(name, payload, id=id, context=context, source=source, timestamp=timestamp)
        options = event_options(deliver_at, deliver_after, account_id, tags, metadata)
        return await self.api.send_event(SendEventBody(event=event, options=options))

    async def send_events(
        self,
        events: Iterable[RawEvent],
        *,
        deliver_at: datetime | None = None,
        deliver_after: timedelta | None = None,
        account_id: str | None = None,
        tags: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
        minimal: bool = False,
    ) -> list[ApiEventLog]:
        """Send many events in one call and one transaction, all or none; make them with ``make_event``.

        Args:
            minimal: return nothing, which is cheaper. The others are as those of ``send_event``, for all.
        """
        options = event_options(deliver_at, deliver_after, account_id, tags, metadata)
        body = SendEventsBody(events=with_ids(events), options=options)
        return await self.api.send_events(body, minimal=minimal)

    async def get_event(self, event_id: str) -> EventDetails:
        """An event and the runs it started."""
        return await self.api.get_event(event_id)

    async def cancel_event(self, event_id: str) -> ApiEventLog:
        """Take back an event that is not delivered."""
        return await self.api.cancel_event(event_id)

    async def cancel_event_runs(self, event_id: str) -> CancelRunsAnswer:
        """Cancel every run that an event started and that has not ended."""
        return await self.api.cancel_event_runs(event_id)

    # Jobs

    async def invoke_job(
        self,
        job: Job[In, Any, ..., Any] | str,
        payload: In | None = None,
        *,
        idempotency_key: str | None = None,
        context: Any = None,
        account_id: str | None = None,
        callback_url: str | None = None,
        tags: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> InvokedRun:
        """Start a run of a job's newest version, without an event.

        Args:
            job: the job or its id, also another app's.
            idempotency_key: the same key again starts nothing and answers the run that it started. ASCII, and
                not the id of an event.
            callback_url: gets the run's notification, signed, when it ends.
            metadata: of the run, as are tags; the others are as those of ``send_event``.
        Raises:
            TypeError: payload or context is not JSON.
            ValueError: the idempotency key cannot be sent.
            ApiError: refused, such as an unknown job (404), or the API could not be reached.
        """
        if idempotency_key is not None and not (idempotency_key.isascii() and idempotency_key.isprintable()):
            raise ValueError(f"idempotency_key must be printable ASCII, not {idempotency_key!r}")
        options = InvokeOptions(
            account_id=account_id,
            callback_url=callback_url,
            tags=tag_list(tags),
            metadata=plain_metadata(metadata),
        )
        body = InvokeJobBody(
            payload=plain_json(payload, "the job's payload"),
            context=plain_json(context, "the job's context"),
            options=options,
        )
        return await self.api.invoke_job(_job_id(job), body, idempotency_key=idempotency_key or new_id())

    async def list_job_runs(
        self, job: AnyJob | str, *, cursor: str | None = None, take: int | None = None
    ) -> JobRuns:
        """A page of a job's runs, newest first.

        Args:
            job: the job or its id.
            cursor: ``next_cursor`` of the page before.
            take: runs in a page, at most 50.
        """
        return await self.api.list_job_runs(_job_id(job), cursor=cursor, take=take)

    async def cancel_job_runs(self, job: AnyJob | str) -> CancelRunsAnswer:
        """Cancel every run of a job that has not ended."""
        return await self.api.cancel_job_runs(_job_id(job))

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
        """A run with a page of its tasks; ``run.output_as(Model)`` reads what the job returned.

        Args:
            subtasks: with the tasks inside tasks.
            task_details: with params and outputs.
            take: tasks in a page, at most 50.
        """
        return await self.api.get_run(
            run_id, subtasks=subtasks, task_details=task_details, cursor=cursor, take=take
        )

    async def list_runs(
        self,
        *,
        status: RunStatus | None = None,
        job: AnyJob | str | None = None,
        tag: str | Iterable[str] = (),
        cursor: str | None = None,
        take: int | None = None,
    ) -> RunList:
        """A page of the environment's runs, newest first.

        Args:
            status: only runs that stand there.
            job: only runs of this job, given as it is or by its id.
            tag: only runs with this tag, or with all of these.
            cursor: ``next_cursor`` of the page before.
        """
        job_id = None if job is None else _job_id(job)
        tags = [tag] if isinstance(tag, str) else tag_list(tag)
        return await self.api.list_runs(status=status, job_id=job_id, tags=tags, cursor=cursor, take=take)

    async def wait_for_run(self, run_id: str, *, timeout_s: float | None = 60.0) -> Run:
        """Wait until a run has ended, however; for scripts and tests (in a job, see ``io.invoke_and_wait``).

        Args:
            timeout_s: seconds; None waits as long as it takes.
        Returns: the run; ``status`` says how it ended, ``output_as`` reads what it returned.
        Raises:
            TimeoutError: it has not ended in time; it goes on.
        """
        loop = asyncio.get_running_loop()
        ends_at = None if timeout_s is None else loop.time() + timeout_s
        pause_s = _FIRST_LOOK_S
        while True:
            run = await self.api.get_run(run_id)
            if run.status.is_final:
                return run
            if ends_at is not None:
                left_s = ends_at - loop.time()
                if left_s <= 0:
                    raise TimeoutError(
                        f"run {run_id} is still {run.status} after {timeout_s:g} s; it goes on"
                    )
                pause_s = min(pause_s, left_s)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * _SLOWER, _SLOWEST_LOOK_S)

    async def cancel_run(self, run_id: str) -> Run:
        """Cancel a run. One that was cancelled before is no error, one that has ended otherwise is (409)."""
        return await self.api.cancel_run(run_id)

    async def rerun_run(self, run_id: str) -> Run:
        """Do all of a run's work again, in a new run, which is returned. Never repeated by itself."""
        return await self.api.rerun_run(run_id)

    async def continue_run(self, run_id: str) -> Run:
        """Let a run that ended without success go on where it stopped; finished tasks keep their results."""
        return await self.api.continue_run(run_id)

    # Statuses

    async def get_run_statuses(self, run_id: str) -> RunStatuses:
        """The statuses that a run shows, in the order in which they were first set, and how it stands."""
        return await self.api.get_run_statuses(run_id)

    async def set_run_status(
        self,
        run_id: str,
        key: str,
        *,
        label: str | None = None,
        state: Literal["loading", "success", "failure"] | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> StatusRecord:
        """Set a status of a run from outside, or change it; inside a run there is ``io.create_status``.

        Args:
            key: which status of the run.
            label: what people read; the key when a new status has none.
        Returns: the status; what is absent here keeps its value, and what it was is in ``history``.
        """
        return await self.api.set_run_status(run_id, key, make_status(label, state, data))

    # Tags and metadata

    async def set_run_metadata(
        self,
        run_id: str,
        *,
        add_tags: Iterable[str] = (),
        remove_tags: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> RunMetadata:
        """Change the tags and the metadata of a run, which may have ended; the same again changes nothing.

        Inside a run there are ``io.add_tags`` and ``io.set_metadata``.

        Args:
            remove_tags: those that the run does not have are no error.
            metadata: members that replace those of the same name; None as a value removes one.
        Returns: the tags and the metadata as they are now.
        Raises:
            TypeError: metadata is not JSON, or tags are one text in place of several.
            ApiError: refused, such as an unknown run (404), or the API could not be reached.
        """
        return await self.api.set_run_metadata(run_id, make_change(add_tags, remove_tags, metadata))

    async def close(self) -> None:
        """Close idle connections: those of the running event loop, and ``app.sync.close()`` its own."""
        await self.api.http.close()


class SyncCalls(Blocking[PlatformCalls]):
    """``app.sync``: the methods of PlatformCalls, which wait for the answer and return it.

    Connections stay open from call to call. In async code use those of the app itself: these would hold up
    the event loop.
    """

    @property
    def store(self) -> SyncStore:
        """The key-value store of the environment: ``app.sync.store.set("cursor", 42)``."""
        return SyncStore(self._twin.store)

    send_event = blocking(PlatformCalls.send_event)
    send_events = blocking(PlatformCalls.send_events)
    get_event = blocking(PlatformCalls.get_event)
    cancel_event = blocking(PlatformCalls.cancel_event)
    cancel_event_runs = blocking(PlatformCalls.cancel_event_runs)
    invoke_job = blocking(PlatformCalls.invoke_job)
    list_job_runs = blocking(PlatformCalls.list_job_runs)
    cancel_job_runs = blocking(PlatformCalls.cancel_job_runs)
    get_run = blocking(PlatformCalls.get_run)
    list_runs = blocking(PlatformCalls.list_runs)
    wait_for_run = blocking(PlatformCalls.wait_for_run)
    cancel_run = blocking(PlatformCalls.cancel_run)
    rerun_run = blocking(PlatformCalls.rerun_run)
    continue_run = blocking(PlatformCalls.continue_run)
    get_run_statuses = blocking(PlatformCalls.get_run_statuses)
    set_run_status = blocking(PlatformCalls.set_run_status)
    set_run_metadata = blocking(PlatformCalls.set_run_metadata)
    close = blocking(PlatformCalls.close)


def make_event(
    name: str,
    payload: Any = None,
    *,
    id: str | None = None,
    context: Any = None,
    source: str | None = None,
    timestamp: datetime | None = None,
) -> RawEvent:
    """An event for ``send_events``; the arguments are as those of ``send_event``.

    Raises:
        TypeError: payload or context is not JSON.
        ValueError: name or id is empty or too long, or an instant is not aware.
    """
    return RawEvent(
        name=name,
        payload=plain_json(payload, "the event's payload"),
        context=plain_json(context, "the event's context"),
        id=id or new_id(),
        source=source,
        timestamp=timestamp,
    )


def new_id() -> str:
    """An id of an event, or an idempotency key, which becomes one: microseconds since 1970 and chance.

    Ids ascend with time: where a new one belongs in the database's index is then where the last one went.
    """
    return f"{time_ns() // 1000:013x}{urandom(7).hex()}"


def with_ids(events: Iterable[RawEvent]) -> list[RawEvent]:
    """The events, each with an id."""
    return [event if event.id is not None else event.model_copy(update={"id": new_id()}) for event in events]


def make_status(
    label: str | None,
    state: Literal["loading", "success", "failure"] | None,
    data: Mapping[str, Any] | None,
) -> StatusUpdate:
    """A status as it travels."""
    return StatusUpdate(
        label=label, state=state, data=None if data is None else to_plain(data, "the status's data")
    )


def make_change(
    add_tags: Iterable[str], remove_tags: Iterable[str], metadata: Mapping[str, Any] | None
) -> RunMetadataChange:
    """A change of a run's tags and metadata as it travels."""
    return RunMetadataChange(
        add_tags=tag_list(add_tags), remove_tags=tag_list(remove_tags), metadata=plain_metadata(metadata)
    )


def tag_list(tags: Iterable[str]) -> list[str] | None:
    """Tags as they travel; None: none.

    Raises:
        TypeError: they are one text in place of several.
    """
    if isinstance(tags, str):
        raise TypeError(f"tags must be several texts, such as [{tags!r}], not one: {tags!r}")
    return list(tags) or None


def plain_metadata(metadata: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Metadata as they travel; None: none."""
    return None if metadata is None else to_plain(metadata, "the run's metadata")


def event_options(
    deliver_at: datetime | None,
    deliver_after: timedelta | None,
    account_id: str | None,
    tags: Iterable[str],
    metadata: Mapping[str, Any] | None,
) -> SendEventOptions | None:
    """The options of sending events as they travel; None: there are none."""
    if (deliver_at, deliver_after, account_id, tags, metadata) == (None, None, None, (), None):
        return None
    return SendEventOptions(
        deliver_at=deliver_at,
        deliver_after=None if deliver_after is None else round(deliver_after.total_seconds()),
        account_id=account_id,
        tags=tag_list(tags),
        metadata=plain_metadata(metadata),
    )


def plain_json(value: Any, what: str) -> Any:
    """A payload as plain JSON, as its fields are named on the wire; None is ``{}``.

    Args:
        what: for the error's text.
    Raises:
        TypeError: it is not JSON.
    """
    return {} if value is None else to_plain(value, what)


def _job_id(job: AnyJob | str) -> str:
    return job if isinstance(job, str) else job.id
