"""The calls of an app for code that is not async: Flask, Django, scripts, plain functions of jobs."""

from __future__ import annotations

from typing import Any, TypeVar, overload

from perdure.calls import PlatformCalls
from perdure.stores import Store
from perdure.threads import Blocking, blocking, run_blocking

T = TypeVar("T")


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


class SyncStore(Blocking[Store]):
    """``app.sync.store``: as ``app.store``, blocking."""

    @overload
    def get(self, key: str) -> Any: ...

    @overload
    def get(self, key: str, schema: type[T]) -> T | None: ...

    @overload
    def get(self, key: str, schema: Any) -> Any: ...

    def get(self, key: str, schema: Any = Any) -> Any:
        """As ``Store.get``."""
        return run_blocking(lambda: self._twin.get(key, schema))

    set = blocking(Store.set)
    delete = blocking(Store.delete)
    has = blocking(Store.has)
