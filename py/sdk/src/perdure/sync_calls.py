"""The calls of an app for code that is not async: Flask, Django, scripts, plain functions of jobs."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, overload

from perdure.calls import PlatformCalls
from perdure.client import ApiClient
from perdure.stores import Store
from perdure.threads import run_blocking

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(
    call: Callable[Concatenate[PlatformCalls, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[SyncCalls, P], T]:
    @wraps(call)
    def wait(self: SyncCalls, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return run_blocking(lambda: call(self._app, *args, **kwargs))

    return wait


class SyncCalls:
    """``app.sync``: the methods of PlatformCalls, which wait for the answer and return it.

    Connections stay open from call to call. In async code use those of the app itself: these would hold up
    the event loop.
    """

    def __init__(self, app: PlatformCalls) -> None:
        self._app = app

    @property
    def store(self) -> SyncStore:
        """The key-value store of the environment: ``app.sync.store.set("cursor", 42)``."""
        return SyncStore(self._app.api)

    send_event = _blocking(PlatformCalls.send_event)
    send_events = _blocking(PlatformCalls.send_events)
    get_event = _blocking(PlatformCalls.get_event)
    cancel_event = _blocking(PlatformCalls.cancel_event)
    cancel_event_runs = _blocking(PlatformCalls.cancel_event_runs)
    invoke_job = _blocking(PlatformCalls.invoke_job)
    list_job_runs = _blocking(PlatformCalls.list_job_runs)
    cancel_job_runs = _blocking(PlatformCalls.cancel_job_runs)
    get_run = _blocking(PlatformCalls.get_run)
    list_runs = _blocking(PlatformCalls.list_runs)
    wait_for_run = _blocking(PlatformCalls.wait_for_run)
    cancel_run = _blocking(PlatformCalls.cancel_run)
    rerun_run = _blocking(PlatformCalls.rerun_run)
    continue_run = _blocking(PlatformCalls.continue_run)
    get_run_statuses = _blocking(PlatformCalls.get_run_statuses)
    set_run_status = _blocking(PlatformCalls.set_run_status)
    set_run_metadata = _blocking(PlatformCalls.set_run_metadata)
    close = _blocking(PlatformCalls.close)


class SyncStore:
    """``app.sync.store``: as ``app.store``, blocking."""

    def __init__(self, api: ApiClient, *, prefix: str = "") -> None:
        self._store = Store(api, prefix=prefix)

    @overload
    def get(self, key: str) -> Any: ...

    @overload
    def get(self, key: str, schema: type[T]) -> T | None: ...

    @overload
    def get(self, key: str, schema: Any) -> Any: ...

    def get(self, key: str, schema: Any = Any) -> Any:
        """As ``Store.get``."""
        return run_blocking(lambda: self._store.get(key, schema))

    def set(self, key: str, value: Any) -> None:
        """As ``Store.set``."""
        run_blocking(lambda: self._store.set(key, value))

    def delete(self, key: str) -> bool:
        """As ``Store.delete``."""
        return run_blocking(lambda: self._store.delete(key))

    def has(self, key: str) -> bool:
        """As ``Store.has``."""
        return run_blocking(lambda: self._store.has(key))
