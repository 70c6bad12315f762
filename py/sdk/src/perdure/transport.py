"""Sends calls of the API: with the key, again while that may help, a refusal as one error."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlencode
from weakref import WeakKeyDictionary

from perdure.errors import ApiError
from perdure.settings import Settings
from perdure.wire import headers as names
from perdure.wire.base import MalformedMessage, WireModel
from perdure.wire.http import HttpError, HttpResponse, HttpTransport
from perdure.wire.runs import ApiErrorBody

if TYPE_CHECKING:
    from perdure.task_calls import TaskCalls

M = TypeVar("M", bound=WireModel)

CALL_TIMEOUT_S = 15.0
_MAX_ANSWER_BYTES = 32 * 1024 * 1024
_FIRST_DELAY_S = 0.05
_MAX_DELAY_S = 2.0
_LATEST_RESET = timedelta(days=1)  # a later one is taken for a mistake


class ApiTransport:
    """Sends calls to the platform's HTTP API with the environment's key.

    Every call raises ApiError when it is refused, or when no answer came. Calls that may safely be repeated
    are repeated first, with growing delays, for ``patience_s`` seconds. A call beyond the rate limit (429)
    was not done, so any is repeated: when the answer says that it may be, if that is soon enough.
    """

    def __init__(self, settings: Settings, http: HttpTransport, *, patience_s: float) -> None:
        self._settings = settings
        self.http = http
        """Sends the requests; a test may put another one here."""
        self.patience_s = patience_s
        self.knows_many = True
        """False once the API turned out not to know the call for many runs."""
        self.shared_calls: WeakKeyDictionary[asyncio.AbstractEventLoop, TaskCalls] = WeakKeyDictionary()

    @property
    def shares_calls(self) -> bool:
        """Whether tasks of several runs may go in one call."""
        return not getattr(self.http, "wants_single_calls", False)

    @property
    def is_gathering(self) -> bool:
        """Whether calls at the same time go together anyway."""
        return getattr(self.http, "is_gathering", False)

    async def call(
        self,
        answer: type[M],
        method: str,
        path: str,
        body: WireModel | bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> M:
        """Send a call, and read its answer.

        Args:
            path: with its query; see ``path_of``.
            headers: besides those of every call.
            repeatable: doing it twice is as good as once.
        Raises:
            ApiError: refused, no answer, or one that is not ``answer``.
        """
        text = body.to_wire_bytes() if isinstance(body, WireModel) else body
        response = await self.send(method, path, text, headers=headers, repeatable=repeatable)
        return read_answer(answer, path, response)

    async def send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        *,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> HttpResponse:
        """As ``call``, with a body that is written and an answer that is not read yet."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self.patience_s
        attempt = 0
        while True:
            try:
                return await self.send_once(method, path, body, headers=headers)
            except ApiError as error:
                delay_s = pause_s(error, attempt)
                repeat = error.is_temporary if repeatable else error.status == 429
                if not repeat or loop.time() + delay_s > give_up_at:
                    raise
            attempt += 1
            await asyncio.sleep(delay_s)

    async def send_once(
        self,
        method: str,
        path: str,
        body: bytes | None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> HttpResponse:
        """Send one request; ``timeout_s`` seconds for all of it."""
        has_body = body is not None or method != "GET"
        sent = {**_headers(self._settings.api_key, has_body), **(headers or {})}
        try:
            response = await self.http.request(
                method,
                self._settings.api_url + path,
                sent,
                body or b"" if has_body else None,
                timeout_s=timeout_s,
                max_response_bytes=_MAX_ANSWER_BYTES,
            )
        except HttpError as error:
            raise ApiError(f"the API could not be reached: {error}") from error
        if response.status != 200:
            raise _refusal(method, path, response)
        return response


@lru_cache(maxsize=10)
def _headers(api_key: str, has_body: bool) -> Mapping[str, str]:
    always = {
        names.AUTHORIZATION: f"Bearer {api_key}",
        names.PYTHON_SDK_VERSION: names.VERSION,
        "user-agent": f"perdure-python/{names.VERSION}",
        "accept": names.JSON_TYPE,
    }
    return {**always, "content-type": names.JSON_TYPE} if has_body else always


def path_of(template: str, *segments: str, **query: str | int | Sequence[str] | None) -> str:
    """A path: each ``{}`` is a segment, in which a slash is no separator; of the query, None is left out."""
    path = template.format(*map(_quoted, segments))
    asked = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(asked, doseq=True)}" if asked else path


@lru_cache(maxsize=1000)  # a run's id comes with each of its tasks
def _quoted(segment: str) -> str:
    return quote(segment, safe="")


def backoff_s(attempt: int) -> float:
    """Seconds before the next try, attempt 0 being the first: 50 ms, doubling to 2 s, halved at random."""
    delay = min(_FIRST_DELAY_S * 2.0**attempt, _MAX_DELAY_S)
    return delay * (0.5 + random.random() / 2)  # noqa: S311 - spreads load, keeps no secret


def read_answer(answer: type[M], path: str, response: HttpResponse) -> M:
    """The message in an answer.

    Raises:
        ApiError: it is something else.
    """
    try:
        return answer.parse(response.body)
    except MalformedMessage as error:
        raise strange_answer(path, response, str(error)) from error


def strange_answer(path: str, response: HttpResponse, problem: str) -> ApiError:
    """The error for an answer that is no message of the API."""
    kind = response.headers.get("content-type", "no content type")
    return ApiError(f"{path} answered 200 with something else than expected ({kind}): {problem}")


def _refusal(method: str, path: str, response: HttpResponse) -> ApiError:
    try:
        body = ApiErrorBody.parse(response.body)
        text, code = body.error, body.code
    except MalformedMessage:
        text, code = response.body[:200].decode("utf-8", "replace"), None
    return ApiError(
        f"{method} {path} answered {response.status}: {text}",
        status=response.status,
        code=code,
        retry_at=_reset_at(response.headers) if response.status == 429 else None,
    )


def _reset_at(headers: Mapping[str, str]) -> datetime | None:
    """When a rate limit allows calls again: the platform says it in unix ms, a proxy in seconds."""
    now = datetime.now(UTC)
    reset, after = headers.get("x-ratelimit-reset", ""), headers.get("retry-after", "")
    try:
        if reset.isdigit():
            reset_at = datetime.fromtimestamp(int(reset) / 1000, UTC)
        elif after.isdigit():
            reset_at = now + timedelta(seconds=int(after))
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return reset_at if reset_at < now + _LATEST_RESET else None


def pause_s(error: ApiError, attempt: int) -> float:
    """Seconds before the next try after this error, attempt 0 being the first."""
    if error.retry_at is None:
        return backoff_s(attempt)
    return max(error.retry_at.timestamp() - time.time(), 0) + backoff_s(attempt)  # not all clients at once
