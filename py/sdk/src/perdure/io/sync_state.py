"""What ``SyncIO`` gives for statuses and key-value stores: the same objects as ``IO``, with plain calls."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any, Protocol, TypeVar, overload

from perdure.io.state import RunStore, RunStores, State, StatusHandle
from perdure.keys import Key
from perdure.wire.runs import StatusRecord

T = TypeVar("T")


class WaitFor(Protocol):
    """Runs a coroutine on the job's event loop and returns its result."""

    def __call__(self, coroutine: Coroutine[Any, Any, T], /) -> T:
        """Wait for it."""
        ...


class SyncStatusHandle:
    """A status that a run shows to its user, made by ``io.create_status`` in a plain job."""

    def __init__(self, handle: StatusHandle, wait_for: WaitFor) -> None:
        self._handle = handle
        self._wait_for = wait_for

    @property
    def record(self) -> StatusRecord:
        """As it was stored last."""
        return self._handle.record

    def update(
        self,
        key: Key,
        *,
        label: str | None = None,
        state: State | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """See ``StatusHandle.update``."""
        self._wait_for(self._handle.update(key, label=label, state=state, data=data))


class SyncRunStore:
    """See ``RunStore``."""

    def __init__(self, store: RunStore, wait_for: WaitFor) -> None:
        self._store = store
        self._wait_for = wait_for

    @overload
    def get(self, key: Key, store_key: str) -> Any: ...

    @overload
    def get(self, key: Key, store_key: str, schema: type[T]) -> T | None: ...

    @overload
    def get(self, key: Key, store_key: str, schema: Any) -> Any: ...

    def get(self, key: Key, store_key: str, schema: Any = Any) -> Any:
        """See ``RunStore.get``."""
        return self._wait_for(self._store.get(key, store_key, schema))

    def set(self, key: Key, store_key: str, value: Any) -> None:
        """See ``RunStore.set``."""
        self._wait_for(self._store.set(key, store_key, value))

    def delete(self, key: Key, store_key: str) -> bool:
        """See ``RunStore.delete``."""
        return self._wait_for(self._store.delete(key, store_key))

    def has(self, key: Key, store_key: str) -> bool:
        """See ``RunStore.has``."""
        return self._wait_for(self._store.has(key, store_key))


class SyncRunStores:
    """See ``RunStores``."""

    def __init__(self, stores: RunStores, wait_for: WaitFor) -> None:
        self.env = SyncRunStore(stores.env, wait_for)
        """All jobs and runs of the environment."""
        self.job = SyncRunStore(stores.job, wait_for)
        """All runs of this job."""
        self.run = SyncRunStore(stores.run, wait_for)
        """This run alone."""
