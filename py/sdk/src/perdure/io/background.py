"""``io``: requests that the platform sends for a run, which is not executed while it waits for the answer."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar, Unpack, overload

from perdure.fetch import (
    FetchResponse,
    PollOptions,
    RetriedFetchOptions,
    Text,
    fetch_fields,
    poll_fields,
)
from perdure.io.base import IOBase
from perdure.keys import Key

T = TypeVar("T")


class BackgroundIO(IOBase):
    """Requests in the background. The platform sends them, so the app's host may stop meanwhile.

    They cost no call and no execution while they last. An answer that is not good, after all retries, fails
    the task with the answer's JSON as its error: TaskFailed.
    """

    @overload
    def background_fetch(
        self, key: Key, url: Text, schema: type[T], **request: Unpack[RetriedFetchOptions]
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def background_fetch(
        self, key: Key, url: Text, schema: Any = Any, **request: Unpack[RetriedFetchOptions]
    ) -> Coroutine[Any, Any, Any]: ...

    def background_fetch(
        self, key: Key, url: Text, schema: Any = Any, **request: Unpack[RetriedFetchOptions]
    ) -> Coroutine[Any, Any, Any]:
        """Have the platform send a request; gives the JSON of a good answer (2xx).

        Args:
            key: unique within the surrounding task.
            url: http or https.
            schema: what the answer is read as: a pydantic model, a dataclass, ``list[int]``; else any JSON.
            request: method, headers, json or body, retry, timeout, redact; see RetriedFetchOptions.
        Raises:
            TaskFailed: no good answer.
            StoredResultMismatch: the answer does not fit ``schema``.
            ValueError: something in the request can never be sent.
        """
        return self._platform_task(key, fetch_fields("fetch", url, **request), returns=schema)

    @overload
    def background_fetch_response(
        self, key: Key, url: Text, schema: type[T], **request: Unpack[RetriedFetchOptions]
    ) -> Coroutine[Any, Any, FetchResponse[T]]: ...

    @overload
    def background_fetch_response(
        self, key: Key, url: Text, schema: Any = Any, **request: Unpack[RetriedFetchOptions]
    ) -> Coroutine[Any, Any, FetchResponse[Any]]: ...

    def background_fetch_response(
        self, key: Key, url: Text, schema: Any = Any, **request: Unpack[RetriedFetchOptions]
    ) -> Coroutine[Any, Any, FetchResponse[Any]]:
        """As ``background_fetch``; gives the answer's status and headers, too, and its JSON as ``data``.

        Paths in ``redact`` begin there: ``["data.token", "headers.set-cookie"]``.
        """
        fields = fetch_fields("fetch-response", url, **request)
        return self._platform_task(key, fields, returns=FetchResponse[schema])

    @overload
    def background_poll(
        self, key: Key, url: Text, schema: type[T], **poll: Unpack[PollOptions]
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def background_poll(
        self, key: Key, url: Text, schema: Any = Any, **poll: Unpack[PollOptions]
    ) -> Coroutine[Any, Any, Any]: ...

    def background_poll(
        self, key: Key, url: Text, schema: Any = Any, **poll: Unpack[PollOptions]
    ) -> Coroutine[Any, Any, Any]:
        """Have the platform ask again and again until an answer is as wanted; gives its JSON.

        Args:
            schema: what the answer is read as, as in ``background_fetch``.
            poll: what is wanted (until_status, until_headers, until_body), how often (interval, timeout,
                request_timeout), and the request (method, headers, json or body); see PollOptions.
        Raises:
            TaskFailed: no such answer in time; else as ``background_fetch``.
        """
        return self._platform_task(key, poll_fields(url, **poll), returns=schema)
