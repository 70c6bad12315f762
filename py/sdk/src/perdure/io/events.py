"""``io``: events, sent and cancelled as tasks."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from perdure.calls import event_options, make_event
from perdure.io.base import IOBase
from perdure.keys import Key
from perdure.options import TaskOptions
from perdure.wire.events import ApiEventLog, RawEvent, SendEventOptions, SendEventsBody
from perdure.wire.runs import CancelRunsAnswer, EventDetails
from perdure.wire.tasks import SendEventsEffect


class EventsIO(IOBase):
    """Each is done once, however often the run is executed."""

    def send_event(
        self,
        key: Key,
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
        tags: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> Coroutine[Any, Any, ApiEventLog]:
        """Send an event, in the transaction that stores the task: exactly once.

        Args:
            key: unique within the surrounding task.
            name: the event's name; the others are as those of ``app.send_event``.
            id: made of the task when absent.
        Raises:
            TaskFailed: the platform refused it; the text names the field.
        """
        event = make_event(name, payload, id=id, context=context, source=source, timestamp=timestamp)
        if id is None:
            event = event.model_copy(update={"id": None})
        options = event_options(deliver_at, deliver_after, account_id, tags, metadata)
        return self._send_one(self._send(key, "Send Event", [event], options, [("Event", name)]))

    def send_events(
        self,
        key: Key,
        events: Iterable[RawEvent],
        *,
        deliver_at: datetime | None = None,
        deliver_after: timedelta | None = None,
        account_id: str | None = None,
        tags: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> Coroutine[Any, Any, list[ApiEventLog]]:
        """Send many events, all or none; make them with ``make_event``."""
        sent = list(events)
        options = event_options(deliver_at, deliver_after, account_id, tags, metadata)
        return self._send(key, "Send Multiple Events", sent, options, [("Events", str(len(sent)))])

    def get_event(self, key: Key, event_id: str) -> Coroutine[Any, Any, EventDetails]:
        """An event and the runs it started, as they were when the run came here first."""
        return self._task(
            key,
            partial(self._api.get_event, event_id),
            returns=EventDetails,
            options=TaskOptions(name="getEvent", params={"id": event_id}),
        )

    def cancel_event(self, key: Key, event_id: str) -> Coroutine[Any, Any, ApiEventLog]:
        """Cancel an event that is not delivered yet."""
        return self._task(
            key,
            partial(self._api.cancel_event, event_id),
            returns=ApiEventLog,
            options=TaskOptions(name="cancelEvent", params={"id": event_id}),
        )

    def cancel_event_runs(self, key: Key, event_id: str) -> Coroutine[Any, Any, CancelRunsAnswer]:
        """Cancel every run that an event started."""
        return self._task(
            key,
            partial(self._api.cancel_event_runs, event_id),
            returns=CancelRunsAnswer,
            options=TaskOptions(name="cancelEventRuns", params={"id": event_id}),
        )

    def _send(
        self,
        key: Key,
        name: str,
        events: list[RawEvent],
        options: SendEventOptions | None,
        properties: list[tuple[str, str]],
    ) -> Coroutine[Any, Any, list[ApiEventLog]]:
        fields: dict[str, Any] = {
            "name": name,
            "icon": "send",
            "params": {
                "events": [event.to_wire() for event in events],
                **({"options": options.to_wire()} if options is not None else {}),
            },
            "properties": [{"label": label, "text": text} for label, text in properties],
        }
        if self._execution.has_effects:
            effect = SendEventsEffect(events=events, options=options)
            return self._effect_task(key, {**fields, "effect": effect}, returns=list[ApiEventLog])

        # The events' ids are made of the task's here, so that repeating is safe.
        claim = self._runner.claim(key)
        with_ids = [
            event
            if event.id is not None
            else event.model_copy(update={"id": f"{claim.idempotency_key}:{index}"})
            for index, event in enumerate(events)
        ]
        return self._claimed_task(
            claim,
            partial(self._api.send_events, SendEventsBody(events=with_ids, options=options)),
            returns=list[ApiEventLog],
            options=TaskOptions(name=name, icon="send", params=fields["params"]),
        )

    async def _send_one(self, sending: Coroutine[Any, Any, list[ApiEventLog]]) -> ApiEventLog:
        (event,) = await sending
        return event
