"""``io``: events, and other jobs, which a run starts and may wait for."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

from perdure.calls import event_options, make_event, plain_json
from perdure.codec import Codec, return_annotation
from perdure.errors import ConfigurationError, RunFailed
from perdure.io.base import IOBase
from perdure.io.tasks import side_by_side
from perdure.keys import TELL_KEY, Key
from perdure.options import TaskOptions
from perdure.wire.events import MAX_TIMEOUT_S, ApiEventLog, RawEvent, SendEventOptions, SendEventsBody
from perdure.wire.runs import CancelRunsAnswer, EventDetails, InvokedRun, InvokeJobBody, InvokeOptions
from perdure.wire.tasks import InvokeEffect, SendEventsEffect, TaskCallback, stored_error

if TYPE_CHECKING:
    from perdure.job import Job

In = TypeVar("In")
Out = TypeVar("Out")


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


class InvocationsIO(IOBase):
    """Each run is started once, however often this one is executed."""

    def invoke(
        self,
        key: Key,
        job: Job[In, Any, ..., Any] | str,
        payload: In | None = None,
        *,
        account_id: str | None = None,
    ) -> Coroutine[Any, Any, InvokedRun]:
        """Start a job, and go on without waiting for it.

        Args:
            key: unique within the surrounding task.
            job: the job, or the id of one, which may be another app's.
            payload: what it gets; as its first parameter is annotated.
            account_id: the end user on whose behalf it works.
        Returns: the run, as ``.id``.
        Raises:
            TaskFailed: there is no such job.
        """
        fields = _fields(job, wait=False)
        body = plain_json(payload, "payload")
        if self._execution.has_effects:
            effect = InvokeEffect(job_id=_id(job), payload=body, account_id=account_id, wait=False)
            return self._effect_task(key, {**fields, "effect": effect}, returns=InvokedRun)
        claim = self._runner.claim(key)
        request = InvokeJobBody(payload=body, options=InvokeOptions(account_id=account_id))
        return self._claimed_task(
            claim,
            partial(self._api.invoke_job, _id(job), request, idempotency_key=claim.idempotency_key),
            returns=InvokedRun,
            options=TaskOptions(name=fields["name"], properties=[*fields["properties"]]),
        )

    @overload
    def invoke_and_wait(
        self,
        key: Key,
        job: Job[In, Out, ..., Any],
        payload: In,
        *,
        account_id: str | None = None,
        timeout: timedelta | None = None,
    ) -> Coroutine[Any, Any, Out]: ...

    @overload
    def invoke_and_wait(
        self,
        key: Key,
        job: str,
        payload: Any = None,
        *,
        account_id: str | None = None,
        timeout: timedelta | None = None,
    ) -> Coroutine[Any, Any, Any]: ...

    def invoke_and_wait(
        self,
        key: Key,
        job: Job[Any, Any, ..., Any] | str,
        payload: Any = None,
        *,
        account_id: str | None = None,
        timeout: timedelta | None = None,
    ) -> Coroutine[Any, Any, Any]:
        """Start a job and wait, without being executed, for its output.

        Args:
            key: unique within the surrounding task.
            job: the job, or the id of one, which may be another app's.
            timeout: how long to wait; None: for ever. The other run goes on.
        Returns: what the job returned, as it is annotated.
        Raises:
            RunFailed: it failed or was cancelled.
            WaitTimedOut: it did not end in time.
        """
        return self._outcome(job, self._invoke_and_wait(key, job, payload, account_id, timeout))

    @overload
    def batch_invoke_and_wait(
        self,
        key: Key,
        job: Job[In, Out, ..., Any],
        payloads: Sequence[In],
        *,
        account_id: str | None = None,
        timeout: timedelta | None = None,
    ) -> Coroutine[Any, Any, list[Out | RunFailed]]: ...

    @overload
    def batch_invoke_and_wait(
        self,
        key: Key,
        job: str,
        payloads: Sequence[Any],
        *,
        account_id: str | None = None,
        timeout: timedelta | None = None,
    ) -> Coroutine[Any, Any, list[Any]]: ...

    def batch_invoke_and_wait(
        self,
        key: Key,
        job: Job[Any, Any, ..., Any] | str,
        payloads: Sequence[Any],
        *,
        account_id: str | None = None,
        timeout: timedelta | None = None,
    ) -> Coroutine[Any, Any, list[Any]]:
        """Start a job for each payload and wait for all of them.

        Returns: what each returned, in the order of the payloads; a RunFailed for one that failed.
        Raises:
            WaitTimedOut: one of them did not end in time.
        """

        async def each(index: int) -> Any:
            try:
                return await self._outcome(
                    job, self._invoke_and_wait([index], job, payloads[index], account_id, timeout)
                )
            except RunFailed as failure:
                return failure

        async def all_runs() -> tuple[list[Any], dict[str, int]]:
            count = len(payloads)
            results = await side_by_side(each, count, concurrency=max(count, 1), tolerated_failures=0)
            return results, {"runs": count, "failed": sum(isinstance(one, RunFailed) for one in results)}

        options = TaskOptions(name=f"Batch Invoke {_id(job)!r}", params={"runs": len(payloads)})
        return self._runner.group(self._runner.claim(key), all_runs, options)

    def _invoke_and_wait(
        self,
        key: Key,
        job: Job[Any, Any, ..., Any] | str,
        payload: Any,
        account_id: str | None,
        timeout: timedelta | None,
    ) -> Coroutine[Any, Any, Any]:
        fields = _fields(job, wait=True)
        body = plain_json(payload, "payload")
        timeout_s = 0.0 if timeout is None else timeout.total_seconds()
        if timeout is not None and not 1 <= timeout_s <= MAX_TIMEOUT_S:
            raise ValueError(f"io.invoke_and_wait: timeout must be a second to a year, not {timeout}")
        if self._execution.has_effects:
            effect = InvokeEffect(
                job_id=_id(job), payload=body, account_id=account_id, wait=True, timeout_in_seconds=timeout_s
            )
            return self._platform_task(key, {**fields, "effect": effect})
        claim = self._runner.claim(key)

        async def start(url: str) -> None:
            options = InvokeOptions(account_id=account_id, callback_url=url)
            request = InvokeJobBody(payload=body, options=options)
            call = partial(self._api.invoke_job, _id(job), request, idempotency_key=claim.idempotency_key)
            await self._task(TELL_KEY, call)

        callback = TaskCallback(timeout_in_seconds=timeout_s)
        codec = Codec[Any](Any, f"the end of job {_id(job)!r}")
        return self._runner.opened_task(claim, {**fields, "callback": callback}, start, codec)

    async def _outcome(self, job: Job[Any, Any, ..., Any] | str, waiting: Coroutine[Any, Any, Any]) -> Any:
        end = await waiting
        if not end["ok"]:
            raise RunFailed(_id(job), end["id"], end["status"], stored_error(end.get("error")))
        if "output" not in end or end["output"] is None:
            return None
        returns = Any if isinstance(job, str) else return_annotation(job.fn)
        return Codec[Any](returns, f"the output of job {_id(job)!r}").decode(end["output"])


def _id(job: Job[Any, Any, ..., Any] | str) -> str:
    if isinstance(job, str):
        if not job:
            raise ConfigurationError("io.invoke: the job's id must not be empty")
        return job
    return job.id


def _fields(job: Job[Any, Any, ..., Any] | str, *, wait: bool) -> dict[str, Any]:
    name = job if isinstance(job, str) else job.name
    return {
        "name": f"Invoke {name!r}" + (" and wait for its end" if wait else ""),
        "properties": [{"label": "Job", "text": _id(job)}],
    }
