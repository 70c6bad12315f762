"""``io``: what a run keeps and shows, and the values that it gets alike in every execution."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from functools import partial, wraps
from typing import (
    Any,
    Concatenate,
    Generic,
    Literal,
    Optional,
    ParamSpec,
    Protocol,
    TypeVar,
    overload,
)
from uuid import UUID

from perdure.calls import make_change, make_status
from perdure.clock import utc_now
from perdure.codec import to_plain
from perdure.io.base import MINIMAL, WHILE_OUT_OF_REACH, IOBase
from perdure.keys import Key, display_key
from perdure.options import TaskOptions
from perdure.stores import Store
from perdure.wire.events import RunMetadata, RunMetadataChange
from perdure.wire.runs import StatusRecord, StatusUpdate
from perdure.wire.tasks import Style

_UUID_VERSION = 4


class MetadataIO(IOBase):
    """Each is a task; what is read back is in ``app.get_run`` and ``app.list_runs``."""

    def add_tags(self, key: Key, *tags: str) -> Coroutine[Any, Any, RunMetadata]:
        """Give the run tags, to find it by: ``app.list_runs(tag="vip")``, ``perdure runs list --tag vip``.

        Args:
            tags: at most 50 in all, of at most 200 characters each.
        Returns: the run's tags and metadata, as they were then.
        Raises:
            ValueError: a tag is empty or too long.
            TaskFailed: the run would have more than 50.
        """
        return self._describe(key, "Add Tags", make_change(tags, (), None))

    def set_metadata(self, key: Key, /, **values: Any) -> Coroutine[Any, Any, RunMetadata]:
        """Say more about the run; each value replaces that of the same name, None removes it.

        Args:
            values: JSON, pydantic models or dataclasses; at most 64 KiB in all.
        Returns: the run's tags and metadata, as they were then.
        Raises:
            TypeError: a value is not JSON.
            TaskFailed: there would be more than 64 KiB.
        """
        return self._describe(key, "Set Metadata", make_change((), (), values))

    def _describe(self, key: Key, name: str, change: RunMetadataChange) -> Coroutine[Any, Any, RunMetadata]:
        options = TaskOptions(name=name, icon="tag", params=change.to_wire(), retry=WHILE_OUT_OF_REACH)
        call = partial(self._api.set_run_metadata, self._runner.run_id, change)
        return self._task(key, call, returns=RunMetadata, options=options)


A = TypeVar("A")
Twin_co = TypeVar("Twin_co", covariant=True)
P = ParamSpec("P")
T = TypeVar("T")

State = Literal["loading", "success", "failure"]


class StatusHandle:
    """A status that a run shows to its user, made by ``io.create_status``."""

    def __init__(self, io: StateIO, record: StatusRecord) -> None:
        self._io = io
        self.record = record
        """As it was stored last."""

    def update(
        self,
        key: Key,
        *,
        label: str | None = None,
        state: State | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> Coroutine[Any, Any, None]:
        """Change it, as a task; what is absent keeps its value, and what it was goes into its history.

        The arguments are as those of ``io.create_status``.
        """
        return self._update(self._io._set_status(key, self.record.key, make_status(label, state, data)))

    async def _update(self, setting: Coroutine[Any, Any, StatusRecord]) -> None:
        self.record = await setting


class RunStore:
    """One of ``io.store``'s three: values by keys, each access a task, so that a replay sees what it saw.

    A value is any JSON of at most 256 KiB: plain data, a pydantic model or a dataclass.
    """

    def __init__(self, io: StateIO, prefix: str) -> None:
        self._io = io
        self._store = Store(io._api, prefix=prefix)

    @overload
    def get(self, key: Key, store_key: str, schema: type[T]) -> Coroutine[Any, Any, T | None]: ...

    @overload
    def get(self, key: Key, store_key: str, schema: Any = ...) -> Coroutine[Any, Any, Any]: ...

    def get(self, key: Key, store_key: str, schema: Any = Any) -> Coroutine[Any, Any, Any]:
        """A value, None when there is none.

        Args:
            key: of the task, unique within the surrounding one.
            schema: what it is read as: a pydantic model, a dataclass, ``list[int]``; else plain JSON.
        Raises:
            TaskFailed: it does not fit ``schema``.
        """
        call = partial(self._store.get, store_key, schema)
        return self._task(key, "Get", "database-export", store_key, call, Optional[schema])  # noqa: UP045

    def set(self, key: Key, store_key: str, value: Any) -> Coroutine[Any, Any, None]:
        """Keep a value in place of what was there.

        Raises:
            TypeError: it is not JSON.
            TaskFailed: it is larger than 256 KiB.
        """
        call = partial(self._store.set, store_key, to_plain(value, f"the value of {store_key!r}"))
        return self._task(key, "Set", "database-import", store_key, call, None)

    def delete(self, key: Key, store_key: str) -> Coroutine[Any, Any, bool]:
        """Remove a value; True when there was one."""
        call = partial(self._store.delete, store_key)
        return self._task(key, "Delete", "database-minus", store_key, call, bool)

    def has(self, key: Key, store_key: str) -> Coroutine[Any, Any, bool]:
        """True when there is a value, be it null."""
        call = partial(self._store.has, store_key)
        return self._task(key, "Has", "database-search", store_key, call, bool)

    def _task(
        self, key: Key, verb: str, icon: str, store_key: str, call: Any, returns: Any
    ) -> Coroutine[Any, Any, Any]:
        options = TaskOptions(
            name=f"Key-Value Store {verb}",
            icon=icon,
            params={"key": store_key},
            retry=WHILE_OUT_OF_REACH,
            style=Style(style="minimal"),
        )
        return self._io._task(key, call, returns=returns, options=options)


class RunStores:
    """``io.store``: three key-value stores, by who shares them."""

    def __init__(self, io: StateIO, *, job_id: str, run_id: str) -> None:
        self.env = RunStore(io, "")
        """All jobs and runs of the environment; the app reads it as ``app.store``."""
        self.job = RunStore(io, f"job:{job_id}:")
        """All runs of this job."""
        self.run = RunStore(io, f"run:{run_id}:")
        """This run alone."""


class StateIO(IOBase):
    """Statuses and stores."""

    @property
    def store(self) -> RunStores:
        """Key-value stores: ``await io.store.job.set("keep cursor", "cursor", 42)``."""
        return RunStores(self, job_id=self._execution.request.job.id, run_id=self._runner.run_id)

    def create_status(
        self,
        key: Key,
        *,
        label: str | None = None,
        state: State | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> Coroutine[Any, Any, StatusHandle]:
        """Show a status to whoever looks at the run: ``app.get_run_statuses``, React hooks, the dashboard.

        Args:
            key: of the task, unique within the surrounding one; and of the status within the run.
            label: what people read; the key when absent.
            state: how it stands.
            data: more about it, any JSON object.
        Returns: the status, to ``update`` as the run goes on.
        """
        shown = display_key(key)
        return self._create(self._set_status(key, shown, make_status(label or shown, state, data)))

    async def _create(self, setting: Coroutine[Any, Any, StatusRecord]) -> StatusHandle:
        return StatusHandle(self, await setting)

    def _set_status(
        self, key: Key, status_key: str, update: StatusUpdate
    ) -> Coroutine[Any, Any, StatusRecord]:
        options = TaskOptions(
            name=update.label or "Status update",
            icon="bell",
            params=update.to_wire(),
            properties={"Status": status_key},
            retry=WHILE_OUT_OF_REACH,
        )
        call = partial(self._api.set_run_status, self._runner.run_id, status_key, update)
        return self._task(key, call, returns=StatusRecord, options=options)


class ValuesIO(IOBase):
    """None of these costs a call, and none needs to be awaited."""

    def random(self, key: Key) -> random.Random:
        """A generator of random numbers that begins alike in every execution.

        ``io.random("dice").randint(1, 6)``. Made of the run and the key, not stored. Not for secrets.

        Args:
            key: unique within the surrounding task.
        """
        return random.Random(self._digest(key))  # noqa: S311 - says so

    def uuid(self, key: Key) -> UUID:
        """A UUID that is the same in every execution and differs between runs. Made of the run and the key.

        Args:
            key: unique within the surrounding task.
        """
        return UUID(bytes=self._digest(key)[:16], version=_UUID_VERSION)

    def now(self, key: Key) -> datetime:
        """The present when the run came here first, in UTC; stored with the next call.

        Args:
            key: unique within the surrounding task.
        """
        fields = {"name": "now", "icon": "clock", **MINIMAL}
        return datetime.fromisoformat(self._note(key, fields, utc_now().isoformat()))

    def _digest(self, key: Key) -> bytes:
        claim = self._runner.claim(key)
        return hashlib.sha256(claim.idempotency_key.encode()).digest()


class WaitFor(Protocol):
    """Runs a coroutine on the job's event loop and returns its result."""

    def __call__(self, coroutine: Coroutine[Any, Any, T], /) -> T:
        """Wait for it."""
        ...


class Waiting(Generic[Twin_co]):
    """Base of what a plain job gets: it has the methods of another object, which return values.

    Args:
        twin: the other one.
    """

    def __init__(self, twin: Twin_co, wait_for: WaitFor) -> None:
        self._twin = twin
        self._wait_for = wait_for


def waiting(
    method: Callable[Concatenate[A, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Waiting[A], P], T]:
    """A method of the other one."""

    @wraps(method)
    def wait(self: Waiting[A], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._wait_for(method(self._twin, *args, **kwargs))

    return wait


class SyncStatusHandle(Waiting[StatusHandle]):
    """A status that a run shows to its user, made by ``io.create_status`` in a plain job."""

    @property
    def record(self) -> StatusRecord:
        """As it was stored last."""
        return self._twin.record

    update = waiting(StatusHandle.update)


class SyncRunStore(Waiting[RunStore]):
    """See ``RunStore``."""

    @overload
    def get(self, key: Key, store_key: str, schema: type[T]) -> T | None: ...

    @overload
    def get(self, key: Key, store_key: str, schema: Any = ...) -> Any: ...

    def get(self, key: Key, store_key: str, schema: Any = Any) -> Any:
        """See ``RunStore.get``."""
        return self._wait_for(self._twin.get(key, store_key, schema))

    set = waiting(RunStore.set)
    delete = waiting(RunStore.delete)
    has = waiting(RunStore.has)


class SyncRunStores:
    """See ``RunStores``."""

    def __init__(self, stores: RunStores, wait_for: WaitFor) -> None:
        self.env = SyncRunStore(stores.env, wait_for)
        """All jobs and runs of the environment."""
        self.job = SyncRunStore(stores.job, wait_for)
        """All runs of this job."""
        self.run = SyncRunStore(stores.run, wait_for)
        """This run alone."""
