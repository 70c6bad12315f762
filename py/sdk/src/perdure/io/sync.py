"""``SyncIO``: the second argument of a plain job. What is awaited in an async job is just returned here."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, Unpack, overload
from uuid import UUID

from perdure.errors import RunFailed, TaskFailed
from perdure.fetch import FetchResponse, PollOptions, RetriedFetchOptions, Text
from perdure.io.async_io import ThreadedIO, bind_integration
from perdure.io.state import State, SyncRunStores, SyncStatusHandle, Waiting, waiting
from perdure.io.waits import ReceivedEvent
from perdure.keys import Key
from perdure.options import NO_OPTIONS, TaskOptions
from perdure.threads import call_loop
from perdure.wire.events import EventFilter

if TYPE_CHECKING:
    from perdure.execution import Execution
    from perdure.job import Job
    from perdure.logger import RunLogger

P = ParamSpec("P")
A = TypeVar("A")
T = TypeVar("T")
In = TypeVar("In")
Out = TypeVar("Out")
Params = TypeVar("Params")

_HOUR = timedelta(hours=1)


class SyncIO(Waiting[ThreadedIO]):
    """Second argument of a job that is a plain ``def``: the same methods as ``IO``, which return values.

    A task's plain function runs in the job's own thread, so what is bound to the thread, such as a database
    connection, is there. For calls side by side use ``map``, whose functions run in threads of their own.
    The job's integrations are attributes, by their names, and their tasks return values too.
    """

    def __init__(self, execution: Execution) -> None:
        super().__init__(ThreadedIO(execution), partial(call_loop, execution.loop))
        self._execution = execution

    @property
    def logger(self) -> RunLogger:
        """Writes log lines into the run, and to ``logging`` as ``perdure.job.<id>``."""
        return self._twin.logger

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
        return self._wait_for(self._twin.run_task(key, fn, *args, **kwargs))

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
        mapped = self._twin.map(
            key,
            fn,
            items,
            tolerated_failures=tolerated_failures,
            concurrency=concurrency,
            options=options,
        )
        return self._wait_for(mapped)

    yield_execution = waiting(ThreadedIO.yield_execution)

    # Waits: see perdure.io.waits

    wait = waiting(ThreadedIO.wait)
    wait_until = waiting(ThreadedIO.wait_until)

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
        waiting = self._twin.wait_for_event(
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
        return self._wait_for(self._twin.wait_for_request(key, tell, schema=schema, timeout=timeout))

    # Events: see perdure.io.events

    send_event = waiting(ThreadedIO.send_event)
    send_events = waiting(ThreadedIO.send_events)
    get_event = waiting(ThreadedIO.get_event)
    cancel_event = waiting(ThreadedIO.cancel_event)
    cancel_event_runs = waiting(ThreadedIO.cancel_event_runs)

    # Other jobs: see perdure.io.events

    invoke = waiting(ThreadedIO.invoke)

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
            self._twin.invoke_and_wait(key, job, payload, account_id=account_id, timeout=timeout)
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
            self._twin.batch_invoke_and_wait(key, job, payloads, account_id=account_id, timeout=timeout)
        )

    # Requests in the background: see perdure.io.waits

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
        return self._wait_for(self._twin.background_fetch(key, url, schema, **request))

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
        return self._wait_for(self._twin.background_fetch_response(key, url, schema, **request))

    @overload
    def background_poll(self, key: Key, url: Text, schema: type[T], **poll: Unpack[PollOptions]) -> T: ...

    @overload
    def background_poll(self, key: Key, url: Text, schema: Any = Any, **poll: Unpack[PollOptions]) -> Any: ...

    def background_poll(self, key: Key, url: Text, schema: Any = Any, **poll: Unpack[PollOptions]) -> Any:
        """See ``IO.background_poll``."""
        return self._wait_for(self._twin.background_poll(key, url, schema, **poll))

    # Statuses and stores: see perdure.io.state

    @property
    def store(self) -> SyncRunStores:
        """See ``IO.store``."""
        return SyncRunStores(self._twin.store, self._wait_for)

    def create_status(
        self,
        key: Key,
        *,
        label: str | None = None,
        state: State | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> SyncStatusHandle:
        """See ``IO.create_status``."""
        handle = self._wait_for(self._twin.create_status(key, label=label, state=state, data=data))
        return SyncStatusHandle(handle, self._wait_for)

    # Tags and metadata: see perdure.io.state

    add_tags = waiting(ThreadedIO.add_tags)
    set_metadata = waiting(ThreadedIO.set_metadata)

    # Transactions: see perdure.io.tasks

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
        return self._wait_for(self._twin.transaction(key, fn, *args, **kwargs))

    # Schedules and sources: see perdure.io.schedules

    register_interval = waiting(ThreadedIO.register_interval)
    register_cron = waiting(ThreadedIO.register_cron)
    unregister_schedule = waiting(ThreadedIO.unregister_schedule)
    register_trigger = waiting(ThreadedIO.register_trigger)

    # What registration jobs tell the platform: see perdure.io.schedules

    update_webhook = waiting(ThreadedIO.update_webhook)
    update_source = waiting(ThreadedIO.update_source)

    # Values: see perdure.io.state

    def random(self, key: Key) -> random.Random:
        """See ``IO.random``."""
        return self._twin.random(key)

    def uuid(self, key: Key) -> UUID:
        """See ``IO.uuid``."""
        return self._twin.uuid(key)

    def now(self, key: Key) -> datetime:
        """See ``IO.now``."""
        return self._twin.now(key)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return bind_integration(self, self._execution.integrations, name)
