"""Send events and start jobs inside the app's own transaction: they exist exactly when it commits."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, TypeVar

from pydantic_core import from_json, to_json

from perdure.calls import event_options, make_event, plain_json, with_ids
from perdure.triggers.event import EventTrigger
from perdure.wire.events import EVENT_LOGS, ApiEventLog, RawEvent, SendEventOptions
from perdure_postgres.statement import Statement, driver_of, find_driver

if TYPE_CHECKING:
    from perdure.app import Perdure
    from perdure.job import Job

R = TypeVar("R")

# Names in full: the app's search path is its own.
_ENVIRONMENT = "perdure.environment_of_key(pg_catalog.decode(cast({key_hash} as pg_catalog.text), 'hex'))"
_SEND = (
    "select cast(coalesce(pg_catalog.json_agg(sent.event), '[]') as pg_catalog.text) "  # noqa: S608  # only a constant
    f"from perdure.send_events({_ENVIRONMENT}, cast({{events}} as pg_catalog.json), "
    "cast({options} as pg_catalog.json)) as sent (event)"
)
_INVOKE = (
    f"select cast(perdure.invoke_job({_ENVIRONMENT}, cast({{job}} as pg_catalog.text), "
    "cast({payload} as pg_catalog.json), cast({context} as pg_catalog.json), "
    "cast({options} as pg_catalog.json), cast({key} as pg_catalog.text)) as pg_catalog.text)"
)


class AsyncTransaction(Protocol):
    """A connection or session that is async: what it does must be awaited."""

    def execute(self, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        """Execute a statement."""
        ...


class EventOptions(TypedDict, total=False):
    """What may be said of an event besides its name and payload; as in ``app.send_event``."""

    id: str | None
    context: Any
    source: str | None
    timestamp: datetime | None
    deliver_at: datetime | None
    deliver_after: timedelta | None
    account_id: str | None


class ManyEventsOptions(TypedDict, total=False):
    """What may be said of many events; as in ``app.send_events``."""

    deliver_at: datetime | None
    deliver_after: timedelta | None
    account_id: str | None
    tags: Iterable[str]
    metadata: Mapping[str, Any] | None


class StartOptions(TypedDict, total=False):
    """What may be said of the start of a job besides the payload.

    ``id`` is the event's id, or the idempotency key of an invocation: the same again starts nothing twice.
    """

    id: str | None
    context: Any
    account_id: str | None


@dataclass(frozen=True, slots=True)
class Enqueued:
    """What ``job.enqueue`` left in the transaction; only after the commit is there anything to find."""

    event_id: str | None = None
    """The event that starts the run, of a job that runs for events."""
    run_id: str | None = None
    """The run, of any other job."""


def enqueue_event(
    app: Perdure,
    connection: Any,
    name: str,
    payload: Any = None,
    *,
    id: str | None = None,
    context: Any = None,
    source: str | None = None,
    timestamp: datetime | None = None,
    deliver_at: datetime | None = None,
    deliver_after: timedelta | None = None,
    account_id: str | None = None,
) -> Any:
    """Send an event within the transaction of ``connection``: nobody sees it before the commit.

    Args:
        app: its key tells the environment; the key itself is not sent.
        connection: of psycopg, SQLAlchemy or Django, or a cursor, to the Postgres that Perdure uses. Its role
            must be a member of ``perdure_app``.
        payload: plain data, or a pydantic model or dataclass.
        id: the same id again sends nothing twice; a new one is made when absent.
        deliver_at: not before then.
        deliver_after: not before this time has passed.
        account_id: the end user whom it is about.
    Returns: the event as stored; of an async connection something to await.
    Raises:
        DirectModeError: refused; the text names the fix. The transaction can only be rolled back.
    """
    event = make_event(name, payload, id=id, context=context, source=source, timestamp=timestamp)
    options = event_options(deliver_at, deliver_after, account_id, (), None)
    return _execute(connection, _send(app, [event], options), lambda text: _stored(text)[0])


def enqueue_events(
    app: Perdure,
    connection: Any,
    events: Iterable[RawEvent],
    *,
    deliver_at: datetime | None = None,
    deliver_after: timedelta | None = None,
    account_id: str | None = None,
    tags: Iterable[str] = (),
    metadata: Mapping[str, Any] | None = None,
) -> Any:
    """Send many events within the transaction of ``connection``, in one statement.

    Args:
        events: made with ``make_event``; the rest is as for ``enqueue_event`` and ``app.send_events``.
    Returns: the events as stored; of an async connection something to await.
    Raises:
        DirectModeError: refused; the text names the fix. The transaction can only be rolled back.
    """
    options = event_options(deliver_at, deliver_after, account_id, tags, metadata)
    return _execute(connection, _send(app, with_ids(events), options), _stored)


def enqueue_job(
    job: Job[Any, Any, Any, Any],
    connection: Any,
    payload: Any = None,
    *,
    id: str | None = None,
    context: Any = None,
    account_id: str | None = None,
) -> Any:
    """Start a job within the transaction of ``connection``.

    A job that runs for events is sent its event, which starts other jobs that listen to it, too; any other
    one is invoked.

    Args:
        payload: plain data, or a pydantic model or dataclass.
        id: the event's id, or the idempotency key of the invocation: the same again starts nothing twice.
        account_id: the end user on whose behalf it works.
    Returns: an Enqueued; of an async connection something to await.
    Raises:
        DirectModeError: refused; the text names the fix. The transaction can only be rolled back.
    """
    options = event_options(None, None, account_id, (), None)
    if isinstance(job.on, EventTrigger):
        name, source = job.event()
        event = make_event(name, payload, id=id, context=context, source=source)
        return _execute(connection, _send(job.app, [event], options), _sent)
    statement = Statement(
        _INVOKE,
        {
            "key_hash": key_hash(job.app),
            "job": job.id,
            "payload": to_json(plain_json(payload, "the payload")).decode(),
            "context": to_json(plain_json(context, "the context")).decode(),
            "options": _text(options),
            "key": id,
        },
    )
    return _execute(connection, statement, _invoked)


def key_hash(app: Perdure) -> str:
    """What Perdure keeps of the app's secret key, in hexadecimal digits."""
    return hashlib.sha256(app.settings.api_key.encode()).hexdigest()


def _send(app: Perdure, events: Iterable[RawEvent], options: SendEventOptions | None) -> Statement:
    return Statement(
        _SEND,
        {
            "key_hash": key_hash(app),
            "events": f"[{b','.join([event.to_wire_bytes() for event in events]).decode()}]",
            "options": _text(options),
        },
    )


def _text(options: SendEventOptions | None) -> str:
    return "{}" if options is None else options.to_wire_bytes().decode()


def _stored(text: str) -> list[ApiEventLog]:
    return EVENT_LOGS.validate_json(text)


def _sent(text: str) -> Enqueued:
    return Enqueued(event_id=from_json(text)[0]["id"])


def _invoked(text: str) -> Enqueued:
    return Enqueued(run_id=from_json(text)["id"])


def _execute(connection: Any, statement: Statement, read: Callable[[str], R]) -> R | Awaitable[R]:
    if find_driver(connection) is None:
        connection = getattr(connection, "connection", connection)  # of a cursor
    if not driver_of(connection).is_async:
        return read(statement.execute(connection))

    async def execute() -> R:
        return read(await statement.execute_async(connection))

    return execute()
