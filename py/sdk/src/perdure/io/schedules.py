"""``io``: schedules and sources that come and go, and what registration jobs tell the platform."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from perdure import wire
from perdure.io.base import WHILE_OUT_OF_REACH, IOBase
from perdure.keys import Key
from perdure.options import TaskOptions
from perdure.triggers.schedule import DynamicSchedule, cron_schedule, interval_schedule, registration

if TYPE_CHECKING:
    from perdure.integrations import DynamicTrigger

Params = TypeVar("Params")


class SchedulesIO(IOBase):
    """Each is a task, so it is done once however often the run is executed."""

    def register_interval(
        self,
        key: Key,
        schedule: DynamicSchedule,
        schedule_key: str,
        every: timedelta,
        *,
        account_id: str | None = None,
        metadata: Any = None,
    ) -> Coroutine[Any, Any, wire.manifest.RegisterScheduleAnswer]:
        """Add an interval to a dynamic schedule, or change the schedule that has this key.

        Args:
            key: of the task, unique within the surrounding one.
            schedule_key: of the schedule, such as a customer's id; the others are as those of
                ``DynamicSchedule.register``.
        Raises:
            ConfigurationError: the interval is too short or too long.
            TaskFailed: the platform refused it.
        """
        timing = interval_schedule(every, account_id=account_id, metadata=metadata)
        return self._register_schedule(key, schedule, schedule_key, timing)

    def register_cron(
        self,
        key: Key,
        schedule: DynamicSchedule,
        schedule_key: str,
        cron: str,
        *,
        timezone: str | None = None,
        account_id: str | None = None,
        metadata: Any = None,
    ) -> Coroutine[Any, Any, wire.manifest.RegisterScheduleAnswer]:
        """The same with a cron expression; see ``cron_trigger`` for ``cron`` and ``timezone``."""
        timing = cron_schedule(cron, timezone=timezone, account_id=account_id, metadata=metadata)
        return self._register_schedule(key, schedule, schedule_key, timing)

    def unregister_schedule(
        self, key: Key, schedule: DynamicSchedule, schedule_key: str
    ) -> Coroutine[Any, Any, None]:
        """End a schedule of a dynamic schedule; one that there is not is no error.

        Raises:
            TaskFailed: the platform refused it.
        """

        async def unregister() -> None:
            await self._api.unregister_schedule(self._client_id, schedule.id, schedule_key)

        shown = {"schedule": schedule.id, "key": schedule_key}
        return self._api_task(key, "Unregister Schedule", unregister, shown, returns=None)

    def register_trigger(
        self,
        key: Key,
        trigger: DynamicTrigger[Params],
        registration_key: str,
        params: Params,
        *,
        account_id: str | None = None,
        metadata: Any = None,
    ) -> Coroutine[Any, Any, None]:
        """Add a source to a dynamic trigger, or change the one that has this key.

        Args:
            key: of the task, unique within the surrounding one.
            registration_key: of the source, such as a customer's id.
            params: what the trigger's function makes a trigger of.
        Raises:
            TaskFailed: the platform refused it.
        """
        claim = self._runner.claim(key)
        body = trigger.registration(params, account_id=account_id, metadata=metadata)

        async def register() -> None:  # the answer has the source's secret, which is not to be stored
            await self._api.register_trigger(
                self._client_id,
                trigger.id,
                registration_key,
                body,
                idempotency_key=claim.idempotency_key,
            )

        shown = {"trigger": trigger.id, "key": registration_key}
        options = _options("Register Dynamic Trigger", shown)
        return self._claimed_task(claim, register, returns=None, options=options)

    def update_webhook(
        self,
        task_key: Key,
        *,
        key: str,
        active: bool,
        config: Mapping[str, Sequence[str]] | None = None,
    ) -> Coroutine[Any, Any, wire.sources.UpdateWebhookAnswer]:
        """Tell the platform, as a task, whether a webhook is registered at its provider.

        Args:
            key: the webhook's key.
            config: what it is registered with, when it is.
        """
        plain = None if config is None else {name: list(values) for name, values in config.items()}
        update = wire.sources.UpdateWebhook(key=key, active=active, config=plain)
        call = partial(self._api.update_webhook, key, update)
        shown = {"key": key, "active": active, "config": plain}
        return self._api_task(
            task_key, "Update Webhook", call, shown, returns=wire.sources.UpdateWebhookAnswer
        )

    def update_source(
        self,
        task_key: Key,
        *,
        key: str,
        options: Mapping[str, Sequence[str]],
        data: Any = None,
        secret: str | None = None,
    ) -> Coroutine[Any, Any, wire.sources.UpdateSourceAnswer]:
        """Tell the platform, as a task, that an external source is registered at its provider.

        Args:
            key: the source's key.
            options: what is registered now.
            data: what the next registration needs to know, such as the webhook's id.
            secret: what the provider signs with, if it is not the one that the platform gave.
        """
        update = wire.sources.UpdateSource(
            key=key,
            options={name: list(values) for name, values in options.items()},
            data=data,
            secret=secret,
        )
        call = partial(self._api.update_source, self._client_id, update)
        return self._api_task(task_key, "Update Source", call, None, returns=wire.sources.UpdateSourceAnswer)

    def _register_schedule(
        self, key: Key, schedule: DynamicSchedule, schedule_key: str, timing: wire.manifest.ScheduleMetadata
    ) -> Coroutine[Any, Any, wire.manifest.RegisterScheduleAnswer]:
        body = registration(schedule_key, timing)
        call = partial(self._api.register_schedule, self._client_id, schedule.id, body)
        shown = {"schedule": schedule.id, **body.to_wire()}
        return self._api_task(
            key, "Register Schedule", call, shown, returns=wire.manifest.RegisterScheduleAnswer
        )

    def _api_task(
        self, key: Key, name: str, call: Callable[[], Any], params: Any, *, returns: Any
    ) -> Coroutine[Any, Any, Any]:
        return self._task(key, call, returns=returns, options=_options(name, params))


def _options(name: str, params: Any) -> TaskOptions:
    return TaskOptions(name=name, icon="refresh", params=params, retry=WHILE_OUT_OF_REACH)
