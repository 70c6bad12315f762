"""Options of a task: how it is shown, and what becomes of it when its function fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from perdure.clock import read_http_date, utc_now
from perdure.errors import NonRetryableError, RetryAt, TaskFailed
from perdure.wire.tasks import DisplayProperty, RetryPolicy, Style

ErrorTest: TypeAlias = type[BaseException] | tuple[type[BaseException], ...] | Callable[[Exception], bool]
"""Which errors: a class, several, or a function that says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How a failing task is tried again. The platform computes the delays, from its own clock.

    An error that carries a response with ``Retry-After``, as those of httpx do, is tried again no earlier.

    Args:
        limit: tries in all, the first included.
        factor: how the delay grows, from ``min_delay_s`` before the first retry to ``max_delay_s``.
        randomize: multiply each delay by 1 to 2 at random, so that failing tasks do not move in step.
        on: try again after these errors only: ``on=httpx.TransportError``; None: after all.
        unless: never after these: ``unless=lambda error: error.status == 404``.
    """

    limit: int = 5
    factor: float = 1.8
    min_delay_s: float = 1.0
    max_delay_s: float = 60.0
    randomize: bool = True
    on: ErrorTest | None = None
    unless: ErrorTest | None = None

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError(f"limit counts every try, so it must be 1 or more, not {self.limit}")
        if self.factor < 1:
            raise ValueError(f"factor must be 1 or more, not {self.factor}")
        if not 0 <= self.min_delay_s <= self.max_delay_s:
            raise ValueError(f"delays must be 0 <= min <= max, not {self.min_delay_s} and {self.max_delay_s}")

    def applies_to(self, error: Exception) -> bool:
        """True when the policy is for this error."""
        if self.on is not None and not _passes(self.on, error):
            return False
        return self.unless is None or not _passes(self.unless, error)

    def to_wire(self) -> RetryPolicy:
        """The policy as it travels, in milliseconds."""
        return RetryPolicy(
            limit=self.limit,
            factor=self.factor,
            min_timeout_in_ms=round(self.min_delay_s * 1000),
            max_timeout_in_ms=round(self.max_delay_s * 1000),
            randomize=self.randomize,
        )


STANDARD_BACKOFF = Retry(limit=8, factor=1.8, min_delay_s=0.5, max_delay_s=30)
"""For calls to other services: 8 tries over about a minute."""

EXPONENTIAL_BACKOFF = Retry(limit=8, factor=2, min_delay_s=1, max_delay_s=30)
"""Slower: 8 tries over about two minutes."""


def retry_after(error: Exception) -> datetime | None:
    """When the response that an error carries allows another try; None when it does not say.

    Understands ``error.response.headers["retry-after"]``, seconds or a date, as httpx, requests and others
    have it. Source: RFC 9110, section 10.2.3.
    """
    headers = getattr(getattr(error, "response", None), "headers", None)
    try:
        text = str(headers["retry-after"] if headers is not None else "").strip()
    except (KeyError, TypeError, IndexError):
        return None
    try:
        if text.isdigit():
            return utc_now() + timedelta(seconds=int(text))
        return read_http_date(text)
    except (ValueError, OverflowError):
        return None


def _passes(test: ErrorTest, error: Exception) -> bool:
    if isinstance(test, type | tuple):
        return isinstance(error, test)
    return test(error)


class GiveUp:
    """Returned by ``on_error``: do not try again, whatever the policy says."""


ErrorDecision: TypeAlias = RetryAt | GiveUp | Exception | None
"""RetryAt: try again then. GiveUp: fail now. Another exception: take it instead. None: by policy."""

OnError: TypeAlias = Callable[[Exception], ErrorDecision]

Properties: TypeAlias = Mapping[str, object] | Sequence[DisplayProperty]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOptions:
    """How a task is shown, retried and undone.

    Args:
        name: what people see; the key when absent.
        params: what went in, any JSON, for people to see, as are icon, description and style.
        properties: labelled texts to highlight: ``{"Channel": "C04GW"}``, or DisplayProperty with links.
        retry: policy after a failure; None: one try. An exception's ``retry_at`` attribute is obeyed.
        on_error: looks at a failure first and may decide.
        timeout: fails a try that takes longer, with TaskTimedOut. A plain function cannot be stopped: it is
            run in a thread of its own, which is left behind.
        at_most_once: never call the function a second time, not even when the app was killed in the middle
            of it, so that nobody knows how far it came: the task fails then. Costs one more call.
        compensate: undoes the task, given its result, when the run fails later. Itself a task, with the
            standard backoff; the last task is undone first. For a task directly in the job, or the items of
            an ``io.map``; within another task it is refused: give it to that one.
        connection_key: name of the integration it belongs to.
    """

    name: str | None = None
    icon: str | None = None
    description: str | None = None
    params: Any = None
    properties: Properties | None = None
    retry: Retry | None = None
    on_error: OnError | None = None
    timeout: timedelta | None = None
    at_most_once: bool = False
    compensate: Callable[[Any], Any] | None = None
    style: Style | None = None
    connection_key: str | None = None

    @property
    def show_nothing(self) -> bool:
        """True when people see the task by its key alone."""
        shown = (self.name, self.icon, self.description, self.params, self.properties, self.style)
        return self.connection_key is None and all(one is None for one in shown)

    def __post_init__(self) -> None:
        if self.timeout is not None and self.timeout <= timedelta(0):
            raise ValueError(f"timeout must be longer than nothing, not {self.timeout}")
        if self.at_most_once and (self.retry is not None or self.on_error is not None):
            raise ValueError("at_most_once: a task that is called once only has no use for retry or on_error")


NO_OPTIONS = TaskOptions()


def to_display_properties(properties: Properties | None) -> list[DisplayProperty] | None:
    """Properties as they travel."""
    if properties is None:
        return None
    if isinstance(properties, Mapping):
        return [DisplayProperty(label=label, text=str(value)) for label, value in properties.items()]
    return list(properties)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``failure`` is what failed in the end; ``policy`` is None when it is not tried again."""

    failure: Exception
    policy: Retry | None = None
    retry_at: datetime | None = None


def judge(failure: Exception, options: TaskOptions, *, attempts: int) -> Verdict:
    """Decide about a failure, this having been try number ``attempts``.

    ``on_error`` has the first word, then the error, then the policy. A failed subtask is stored as failed:
    trying the task around it again would only meet it again.
    """
    if isinstance(failure, TaskFailed):
        return Verdict(failure)
    retry_at: datetime | None = None
    if options.on_error is not None:
        try:
            decision = options.on_error(failure)
        except Exception as error:
            error.__cause__ = failure
            return Verdict(error)
        if isinstance(decision, GiveUp):
            return Verdict(failure)
        if isinstance(decision, RetryAt):
            retry_at = decision.retry_at
        elif decision is not None:
            decision.__cause__ = decision.__cause__ or failure
            failure = decision
    if isinstance(failure, NonRetryableError):
        return Verdict(failure)
    retry_at = retry_at or _own_retry_at(failure)
    policy = options.retry or (STANDARD_BACKOFF if retry_at is not None else None)
    if policy is None or attempts >= policy.limit:
        return Verdict(failure)
    if retry_at is None:
        if not policy.applies_to(failure):
            return Verdict(failure)
        retry_at = retry_after(failure)
    return Verdict(failure, policy, retry_at)


def _own_retry_at(failure: Exception) -> datetime | None:
    retry_at = getattr(failure, "retry_at", None)
    return retry_at if isinstance(retry_at, datetime) and retry_at.tzinfo is not None else None
