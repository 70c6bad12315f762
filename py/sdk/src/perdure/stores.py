"""A key-value store at the platform: JSON values, kept until they are deleted."""

from __future__ import annotations

from typing import Any, TypeVar, overload

from pydantic_core import from_json

from perdure.client import ApiClient
from perdure.codec import Codec, to_json_text
from perdure.threads import Blocking, blocking, run_blocking

T = TypeVar("T")


class Store:
    """``app.store``: the values of the app's environment, which all its jobs and runs share.

    A value is any JSON of at most 256 KiB: plain data, a pydantic model or a dataclass. There are no
    transactions: of two writers of a key, the last one stays.
    """

    def __init__(self, api: ApiClient, *, prefix: str = "") -> None:
        self._api = api
        self._prefix = prefix

    @overload
    async def get(self, key: str, schema: type[T]) -> T | None: ...

    @overload
    async def get(self, key: str, schema: Any = ...) -> Any: ...

    async def get(self, key: str, schema: Any = Any) -> Any:
        """A value, None when there is none (or when it is null: ``has`` tells which).

        Args:
            schema: what it is read as: a pydantic model, a dataclass, ``list[int]``; else plain JSON.
        Raises:
            StoredResultMismatch: it does not fit ``schema``.
            ApiError: refused, or the API could not be reached.
        """
        text = (await self._api.get_store_item(self._prefix + key)).value
        if text is None:
            return None
        return Codec[Any](schema, f"the stored value of {key!r}").decode(from_json(text))

    async def set(self, key: str, value: Any) -> None:
        """Keep a value in place of what was there.

        Raises:
            TypeError: it is not JSON.
            ApiError: refused, such as a value that is too large, or the API could not be reached.
        """
        await self._api.set_store_item(self._prefix + key, to_json_text(value, f"the value of {key!r}"))

    async def delete(self, key: str) -> bool:
        """Remove a value; True when there was one."""
        return (await self._api.delete_store_item(self._prefix + key)).deleted

    async def has(self, key: str) -> bool:
        """True when there is a value, be it null."""
        return (await self._api.get_store_item(self._prefix + key)).value is not None


class SyncStore(Blocking[Store]):
    """``app.sync.store``: as ``app.store``, blocking."""

    @overload
    def get(self, key: str, schema: type[T]) -> T | None: ...

    @overload
    def get(self, key: str, schema: Any = ...) -> Any: ...

    def get(self, key: str, schema: Any = Any) -> Any:
        """As ``Store.get``."""
        return run_blocking(lambda: self._twin.get(key, schema))

    set = blocking(Store.set)
    delete = blocking(Store.delete)
    has = blocking(Store.has)
