"""``io``: waiting without being executed, for time to pass, an event, a request or the answer to one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar, Unpack, overload

from pydantic import AwareDatetime, JsonValue

from perdure.errors import ConfigurationError
from perdure.fetch import (
    FetchResponse,
    PollOptions,
    RetriedFetchOptions,
    Text,
    fetch_fields,
    poll_fields,
)
from perdure.io.base import MINIMAL, IOBase
from perdure.keys import TELL_KEY, Key
from perdure.wire.base import WireModel
from perdure.wire.events import (
    MAX_TIMEOUT_S,
    EphemeralDispatcherBody,
    EventFilter,
    check_event_filter,
    plain_filter,
)
from perdure.wire.tasks import TaskCallback, WaitForEventEffect

T = TypeVar("T")

_HOUR = timedelta(hours=1)


class ReceivedEvent(WireModel, Generic[T]):
    """An event that a run has waited for."""

    id: str
    name: str
    source: str
    payload: T
    context: JsonValue = None
    timestamp: AwareDatetime
    account_id: str | None = None


class WaitsIO(IOBase):
    """The run's execution ends at a wait; the app may restart, deploy or scale to zero meanwhile."""

    def wait(self, key: Key, duration: timedelta | float) -> Coroutine[Any, Any, None]:
        """Wait for a time.

        Args:
            key: unique within the surrounding task.
            duration: a timedelta or seconds; counted by the platform's clock.
        """
        seconds = duration.total_seconds() if isinstance(duration, timedelta) else float(duration)
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"io.wait: the duration must be 0 or more seconds, not {seconds}")
        return self._platform_task(
            key,
            {
                "name": "wait",
                "icon": "clock",
                "noop": True,
                "params": {"seconds": seconds},
                "delay_seconds": seconds,
                **MINIMAL,
            },
        )

    def wait_until(self, key: Key, instant: datetime) -> Coroutine[Any, Any, None]:
        """Wait until an instant; one that is past is no wait.

        Args:
            key: unique within the surrounding task.
            instant: an aware datetime.
        """
        if instant.tzinfo is None:
            raise ValueError("io.wait_until: the instant must be an aware datetime: say in which time zone")
        return self._platform_task(
            key,
            {
                "name": "wait until",
                "icon": "clock",
                "noop": True,
                "params": {"instant": instant.isoformat()},
                "delay_until": instant,
                **MINIMAL,
            },
        )

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
    ) -> Coroutine[Any, Any, ReceivedEvent[T]]: ...

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
    ) -> Coroutine[Any, Any, ReceivedEvent[Any]]: ...

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
    ) -> Coroutine[Any, Any, ReceivedEvent[Any]]:
        """Wait for the first event that matches, sent since the run was created: also one that came already.

        Each event ends one such wait of a run at most, so a loop gets one event after the other.

        Args:
            key: unique within the surrounding task.
            schema: type of its payload.
            filter: what the payload must match, such as ``{"order": [payload.id]}``; name, source and
                ``context_filter`` are as those of ``event_trigger``.
            account_id: only events about this end user.
            timeout: how long to wait, at most a year.
        Raises:
            WaitTimedOut: no such event came in time.
        """
        names = [name] if isinstance(name, str) else list(name)
        for label, given in (("filter", filter), ("context_filter", context_filter)):
            if given is not None:
                try:
                    check_event_filter(given, label)
                except ValueError as error:
                    raise ConfigurationError(f"io.wait_for_event: {error}") from error
        wanted: dict[str, Any] = {
            "name": name if isinstance(name, str) else names,
            "source": source,
            "filter": plain_filter(filter),
            "context_filter": plain_filter(context_filter),
            "account_id": account_id,
            "timeout_in_seconds": _timeout_s("io.wait_for_event", timeout),
        }
        fields: dict[str, Any] = {
            "name": "Wait for Event",
            "icon": "custom-event",
            "params": {key: value for key, value in wanted.items() if value is not None},
            "properties": [
                {"label": "Event", "text": ", ".join(names)},
                {"label": "Timeout", "text": str(timeout)},
            ],
        }
        returns = ReceivedEvent[schema]
        if self._execution.has_effects:
            return self._platform_task(
                key, {**fields, "effect": WaitForEventEffect(**wanted)}, returns=returns
            )

        async def register(url: str) -> None:
            body = EphemeralDispatcherBody(url=url, **wanted)
            await self._task(TELL_KEY, partial(self._api.register_ephemeral_dispatcher, body))

        callback = TaskCallback(timeout_in_seconds=wanted["timeout_in_seconds"])
        return self._opened_task(key, {**fields, "callback": callback}, register, returns=returns)

    @overload
    def wait_for_request(
        self,
        key: Key,
        tell: Callable[[str], Awaitable[object] | object],
        *,
        schema: type[T],
        timeout: timedelta = _HOUR,
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def wait_for_request(
        self,
        key: Key,
        tell: Callable[[str], Awaitable[object] | object],
        *,
        timeout: timedelta = _HOUR,
    ) -> Coroutine[Any, Any, Any]: ...

    def wait_for_request(
        self,
        key: Key,
        tell: Callable[[str], Awaitable[object] | object],
        *,
        schema: Any = Any,
        timeout: timedelta = _HOUR,
    ) -> Coroutine[Any, Any, Any]:
        """Wait for a POST with JSON to a URL that is made for this wait.

        So a person approves, or another service answers.

        Args:
            key: unique within the surrounding task.
            tell: given the URL, tells it to whoever is to call it. Runs once, as a task within this one.
                Who knows the URL may answer, once.
            schema: type of the JSON.
            timeout: how long to wait, at most a year.
        Returns: the JSON, as ``schema``.
        Raises:
            WaitTimedOut: nobody called in time.
            TaskFailed: ``tell`` failed.
        """
        fields: dict[str, Any] = {
            "name": "Wait for Request",
            "icon": "clock",
            "properties": [{"label": "Timeout", "text": str(timeout)}],
            "callback": TaskCallback(timeout_in_seconds=_timeout_s("io.wait_for_request", timeout)),
        }

        async def tell_url(url: str) -> None:
            await self._task(TELL_KEY, self._user_call(tell, url))

        return self._opened_task(key, fields, tell_url, returns=schema)


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


def _timeout_s(what: str, timeout: timedelta) -> float:
    seconds = timeout.total_seconds()
    if not 1 <= seconds <= MAX_TIMEOUT_S:
        raise ValueError(f"{what}: timeout must be a second to a year, not {timeout}")
    return seconds
