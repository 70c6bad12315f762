"""``SyncIO``: the second argument of a plain job. What is awaited in an async job is just returned here."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, Unpack, overload
from uuid import UUID

from perdure.errors import RunFailed, TaskFailed
from perdure.fetch import FetchResponse, PollOptions, RetriedFetchOptions, Text
from perdure.integration import Integration
from perdure.io.async_io import ThreadedIO, bind_integration
from perdure.io.base import NO_OPTIONS
from perdure.io.state import State
from perdure.io.sync_state import SyncRunStores, SyncStatusHandle
from perdure.io.waits import ReceivedEvent
from perdure.keys import Key
from perdure.options import TaskOptions
from perdure.threads import call_loop
from perdure.wire.events import ApiEventLog, EventFilter, RawEvent
from perdure.wire.jobs import InvokedRun
from perdure.wire.metadata import RunMetadata
from perdure.wire.runs import CancelRunsAnswer, EventDetails
from perdure.wire.schedules import RegisterScheduleAnswer
from perdure.wire.sources import UpdateSourceAnswer
from perdure.wire.webhooks import UpdateWebhookAnswer

if TYPE_CHECKING:
    from perdure.job import Job
    from perdure.triggers.dynamic_schedule import DynamicSchedule
    from perdure.triggers.dynamic_trigger import DynamicTrigger

P = ParamSpec("P")
A = TypeVar("A")
T = TypeVar("T")
In = TypeVar("In")
Out = TypeVar("Out")
Params = TypeVar("Params")

_HOUR = timedelta(hours=1)


class SyncIO:
    """Second argument of a job that is a plain ``def``: the same methods as ``IO``, which return values.

    A task's plain function runs in the job's own thread, so what is bound to the thread, such as a database
    connection, is there. For calls side by side use ``map``, whose functions run in threads of their own.
    The job's integrations are attributes, by their names, and their tasks return values too.
    """

    def __init__(
        self, io: ThreadedIO, loop: asyncio.AbstractEventLoop, integrations: Mapping[str, Integration]
    ) -> None:
        self._io = io
        self._loop = loop
        self._integrations = integrations
        self.logger = io.logger
        """Writes log lines into the run, and to ``logging`` as ``perdure.job.<id>``."""

    def _wait_for(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return call_loop(self._loop, coroutine)

    # Tasks: see perdure.io.tasks

    @overload
    def run_task(
        self,
        key: Key,
        fn: Callable[..., Coroutine[Any, Any, T]],
        /,
        *args: Any,
        options: TaskOptions,
        **kwargs: Any,
    ) -> T: ...

    @overload
    def run_task(
        self, key: Key, fn: Callable[..., T], /, *args: Any, options: TaskOptions, **kwargs: Any
    ) -> T: ...

    @overload
    def run_task(
        self, key: Key, fn: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> T: ...

    @overload
    def run_task(self, key: Key, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T: ...

    def run_task(self, key: Key, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """See ``IO.run_task``."""
        return self._wait_for(self._io.run_task(key, fn, *args, **kwargs))

    @overload
    def map(
        self,
        key: Key,
        fn: Callable[[A], T],
        items: Iterable[A],
        *,
        concurrency: int = 10,
        options: TaskOptions = NO_OPTIONS,
    ) -> list[T]: ...

    @overload
    def map(
        self,
        key: Key,
        fn: Callable[[A], T],
        items: Iterable[A],
        *,
        tolerated_failures: int | None,
        concurrency: int = 10,
        options: TaskOptions = NO_OPTIONS,
    ) -> list[T | TaskFailed]: ...

    def map(
        self,
        key: Key,
        fn: Callable[[Any], Any],
        items: Iterable[Any],
        *,
        tolerated_failures: int | None = 0,
        concurrency: int = 10,
        options: TaskOptions = NO_OPTIONS,
    ) -> list[Any]:
        """See ``IO.map``; each item's function runs in a thread of its own."""
        mapped = self._io.map(
            key,
            fn,
            items,
            tolerated_failures=tolerated_failures,
            concurrency=concurrency,
            options=options,
        )
        return self._wait_for(mapped)

    def yield_execution(self, key: str) -> None:
        """See ``IO.yield_execution``."""
        self._wait_for(self._io.yield_execution(key))

    # Waits: see perdure.io.waits

    def wait(self, key: Key, duration: timedelta | float) -> None:
        """See ``IO.wait``."""
        self._wait_for(self._io.wait(key, duration))

    def wait_until(self, key: Key, instant: datetime) -> None:
        """See ``IO.wait_until``."""
        self._wait_for(self._io.wait_until(key, instant))

    @overload
    def wait_for_event(
        self,
        key: Key,
        name: str | Sequence[str],
        *,
        schema: type[T],
        filter: EventFilter | None = None,
        context_filter: EventFilter | None = None,
        source: str | None = None,
        account_id: str | None = None,
        timeout: timedelta = _HOUR,
    ) -> ReceivedEvent[T]: ...

    @overload
    def wait_for_event(
        self,
        key: Key,
        name: str | Sequence[str],
        *,
        filter: EventFilter | None = None,
        context_filter: EventFilter | None = None,
        source: str | None = None,
        account_id: str | None = None,
        timeout: timedelta = _HOUR,
    ) -> ReceivedEvent[Any]: ...

    def wait_for_event(
        self,
        key: Key,
        name: str | Sequence[str],
        *,
        schema: Any = Any,
        filter: EventFilter | None = None,
        context_filter: EventFilter | None = None,
        source: str | None = None,
        account_id: str | None = None,
        timeout: timedelta = _HOUR,
    ) -> ReceivedEvent[Any]:
        """See ``IO.wait_for_event``."""
        waiting = self._io.wait_for_event(
            key,
            name,
            schema=schema,
            filter=filter,
            context_filter=context_filter,
            source=source,
            account_id=account_id,
            timeout=timeout,
        )
        return self._wait_for(waiting)

    @overload
    def wait_for_request(
        self,
        key: Key,
        tell: Callable[[str], Awaitable[object] | object],
        *,
        schema: type[T],
        timeout: timedelta = _HOUR,
    ) -> T: ...

    @overload
    def wait_for_request(
        self,
        key: Key,
        tell: Callable[[str], Awaitable[object] | object],
        *,
        timeout: timedelta = _HOUR,
    ) -> Any: ...

    def wait_for_request(
        self,
        key: Key,
        tell: Callable[[str], Awaitable[object] | object],
        *,
        schema: Any = Any,
        timeout: timedelta = _HOUR,
    ) -> Any:
        """See ``IO.wait_for_request``."""
        return self._wait_for(self._io.wait_for_request(key, tell, schema=schema, timeout=timeout))

    # Events: see perdure.io.events

    def send_event(
        self,
        key: Key,
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
        """See ``IO.send_event``."""
        sending = self._io.send_event(
            key,
            name,
            payload,
            id=id,
            context=context,
            source=source,
            timestamp=timestamp,
            deliver_at=deliver_at,
            deliver_after=deliver_after,
            account_id=account_id,
            tags=tags,
            metadata=metadata,
        )
        return self._wait_for(sending)

    def send_events(
        self,
        key: Key,
        events: Iterable[RawEvent],
        *,
        deliver_at: datetime | None = None,
        deliver_after: timedelta | None = None,
        account_id: str | None = None,
        tags: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> list[ApiEventLog]:
        """See ``IO.send_events``."""
        sending = self._io.send_events(
            key,
            events,
            deliver_at=deliver_at,
            deliver_after=deliver_after,
            account_id=account_id,
            tags=tags,
            metadata=metadata,
        )
        return self._wait_for(sending)

    def get_event(self, key: Key, event_id: str) -> EventDetails:
        """See ``IO.get_event``."""
        return self._wait_for(self._io.get_event(key, event_id))

    def cancel_event(self, key: Key, event_id: str) -> ApiEventLog:
        """See ``IO.cancel_event``."""
        return self._wait_for(self._io.cancel_event(key, event_id))

    def cancel_event_runs(self, key: Key, event_id: str) -> CancelRunsAnswer:
        """See ``IO.cancel_event_runs``."""
        return self._wait_for(self._io.cancel_event_runs(key, event_id))

    # Other jobs: see perdure.io.invocations

    def invoke(
        self,
        key: Key,
        job: Job[In, Any, ..., Any] | str,
        payload: In | None = None,
        *,
        account_id: str | None = None,
    ) -> InvokedRun:
        """See ``IO.invoke``."""
        return self._wait_for(self._io.invoke(key, job, payload, account_id=account_id))

    @overload
    def invoke_and_wait(
        self,
        key: Key,
        job: Job[In, Out, ..., Any],
        payload: In,
        *,
        account_id: str | None = None,
        timeout: timedelta | None = None,
    ) -> Out: ...

    @overload
    def invoke_and_wait(
        self,
        key: Key,
        job: str,
        payload: Any = None,
        *,
        account_id: str | None = None,
        timeout: timedelta | None = None,
    ) -> Any: ...

    def invoke_and_wait(
        self,
        key: Key,
        job: Job[Any, Any, ..., Any] | str,
        payload: Any = None,
        *,
        account_id: str | None = None,
        timeout: timedelta | None = None,
    ) -> Any:
        """See ``IO.invoke_and_wait``."""
        return self._wait_for(
            self._io.invoke_and_wait(key, job, payload, account_id=account_id, timeout=timeout)
        )

    @overload
    def batch_invoke_and_wait(
        self,
        key: Key,
        job: Job[In, Out, ..., Any],
        payloads: Sequence[In],
        *,
        account_id: str | None = None,
        timeout: timedelta | None = None,
    ) -> list[Out | RunFailed]: ...

    @overload
    def batch_invoke_and_wait(
        self,
        key: Key,
        job: str,
        payloads: Sequence[Any],
        *,
        account_id: str | None = None,
        timeout: timedelta | None = None,
    ) -> list[Any]: ...

    def batch_invoke_and_wait(
        self,
        key: Key,
        job: Job[Any, Any, ..., Any] | str,
        payloads: Sequence[Any],
        *,
        account_id: str | None = None,
        timeout: timedelta | None = None,
    ) -> list[Any]:
        """See ``IO.batch_invoke_and_wait``."""
        return self._wait_for(
            self._io.batch_invoke_and_wait(key, job, payloads, account_id=account_id, timeout=timeout)
        )

    # Requests in the background: see perdure.io.background

    @overload
    def background_fetch(
        self, key: Key, url: Text, schema: type[T], **request: Unpack[RetriedFetchOptions]
    ) -> T: ...

    @overload
    def background_fetch(
        self, key: Key, url: Text, schema: Any = Any, **request: Unpack[RetriedFetchOptions]
    ) -> Any: ...

    def background_fetch(
        self, key: Key, url: Text, schema: Any = Any, **request: Unpack[RetriedFetchOptions]
    ) -> Any:
        """See ``IO.background_fetch``."""
        return self._wait_for(self._io.background_fetch(key, url, schema, **request))

    @overload
    def background_fetch_response(
        self, key: Key, url: Text, schema: type[T], **request: Unpack[RetriedFetchOptions]
    ) -> FetchResponse[T]: ...

    @overload
    def background_fetch_response(
        self, key: Key, url: Text, schema: Any = Any, **request: Unpack[RetriedFetchOptions]
    ) -> FetchResponse[Any]: ...

    def background_fetch_response(
        self, key: Key, url: Text, schema: Any = Any, **request: Unpack[RetriedFetchOptions]
    ) -> FetchResponse[Any]:
        """See ``IO.background_fetch_response``."""
        return self._wait_for(self._io.background_fetch_response(key, url, schema, **request))

    @overload
    def background_poll(self, key: Key, url: Text, schema: type[T], **poll: Unpack[PollOptions]) -> T: ...

    @overload
    def background_poll(self, key: Key, url: Text, schema: Any = Any, **poll: Unpack[PollOptions]) -> Any: ...

    def background_poll(self, key: Key, url: Text, schema: Any = Any, **poll: Unpack[PollOptions]) -> Any:
        """See ``IO.background_poll``."""
        return self._wait_for(self._io.background_poll(key, url, schema, **poll))

    # Statuses and stores: see perdure.io.state

    @property
    def store(self) -> SyncRunStores:
        """See ``IO.store``."""
        return SyncRunStores(self._io.store, self._wait_for)

    def create_status(
        self,
        key: Key,
        *,
        label: str | None = None,
        state: State | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> SyncStatusHandle:
        """See ``IO.create_status``."""
        handle = self._wait_for(self._io.create_status(key, label=label, state=state, data=data))
        return SyncStatusHandle(handle, self._wait_for)

    # Tags and metadata: see perdure.io.metadata

    def add_tags(self, key: Key, *tags: str) -> RunMetadata:
        """See ``IO.add_tags``."""
        return self._wait_for(self._io.add_tags(key, *tags))

    def set_metadata(self, key: Key, /, **values: Any) -> RunMetadata:
        """See ``IO.set_metadata``."""
        return self._wait_for(self._io.set_metadata(key, **values))

    # Transactions: see perdure.io.transactions

    @overload
    def transaction(
        self, key: Key, fn: Callable[..., T], /, *args: Any, options: TaskOptions, **kwargs: Any
    ) -> T: ...

    @overload
    def transaction(
        self, key: Key, fn: Callable[Concatenate[Any, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T: ...

    def transaction(self, key: Key, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """See ``IO.transaction``; ``fn`` is called in the job's own thread."""
        return self._wait_for(self._io.transaction(key, fn, *args, **kwargs))

    # Schedules and sources: see perdure.io.schedules

    def register_interval(
        self,
        key: Key,
        schedule: DynamicSchedule,
        schedule_key: str,
        every: timedelta,
        *,
        account_id: str | None = None,
        metadata: Any = None,
    ) -> RegisterScheduleAnswer:
        """See ``IO.register_interval``."""
        registering = self._io.register_interval(
            key, schedule, schedule_key, every, account_id=account_id, metadata=metadata
        )
        return self._wait_for(registering)

    def register_cron(
        self,
        key: Key,
        schedule: DynamicSchedule,
        schedule_key: str,
        cron: str,
        *,
        timezone: str | None = None,
        account_id: str | None = None,
        metadata: Any = None,
    ) -> RegisterScheduleAnswer:
        """See ``IO.register_cron``."""
        registering = self._io.register_cron(
            key, schedule, schedule_key, cron, timezone=timezone, account_id=account_id, metadata=metadata
        )
        return self._wait_for(registering)

    def unregister_schedule(self, key: Key, schedule: DynamicSchedule, schedule_key: str) -> None:
        """See ``IO.unregister_schedule``."""
        self._wait_for(self._io.unregister_schedule(key, schedule, schedule_key))

    def register_trigger(
        self,
        key: Key,
        trigger: DynamicTrigger[Params],
        registration_key: str,
        params: Params,
        *,
        account_id: str | None = None,
        metadata: Any = None,
    ) -> None:
        """See ``IO.register_trigger``."""
        registering = self._io.register_trigger(
            key, trigger, registration_key, params, account_id=account_id, metadata=metadata
        )
        self._wait_for(registering)

    # What registration jobs tell the platform: see perdure.io.schedules

    def update_webhook(
        self,
        task_key: Key,
        *,
        key: str,
        active: bool,
        config: Mapping[str, Sequence[str]] | None = None,
    ) -> UpdateWebhookAnswer:
        """See ``IO.update_webhook``."""
        return self._wait_for(self._io.update_webhook(task_key, key=key, active=active, config=config))

    def update_source(
        self,
        task_key: Key,
        *,
        key: str,
        options: Mapping[str, Sequence[str]],
        data: Any = None,
        secret: str | None = None,
    ) -> UpdateSourceAnswer:
        """See ``IO.update_source``."""
        update = self._io.update_source(task_key, key=key, options=options, data=data, secret=secret)
        return self._wait_for(update)

    # Values: see perdure.io.values

    def random(self, key: Key) -> random.Random:
        """See ``IO.random``."""
        return self._io.random(key)

    def uuid(self, key: Key) -> UUID:
        """See ``IO.uuid``."""
        return self._io.uuid(key)

    def now(self, key: Key) -> datetime:
        """See ``IO.now``."""
        return self._io.now(key)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return bind_integration(self, self._integrations, name)
