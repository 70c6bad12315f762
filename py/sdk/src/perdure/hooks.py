"""Hooks: functions of the app that are called when runs end; and the same news for other programs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from perdure import wire
from perdure.codec import is_async
from perdure.threads import run_in_thread
from perdure.wire.signing import derive_signing_secret, verify

_log = logging.getLogger("perdure.hooks")


class Hooks:
    """The hooks of a job, or of an app, for all its jobs."""

    def __init__(self) -> None:
        self.success: list[Callable[[Any], Any]] = []
        self.failure: list[Callable[[Any], Any]] = []

    def add_success(self, fn: Callable[[Any], Any]) -> None:
        """Call ``fn`` when a run has succeeded."""
        self.success.append(fn)

    def add_failure(self, fn: Callable[[Any], Any]) -> None:
        """Call ``fn`` when a run has failed."""
        self.failure.append(fn)


def wanted_of(*hooks: Hooks) -> str | None:
    """Which ends of runs to tell of: the value of ``x-trigger-run-metadata``; None: of none."""
    wanted = []
    if [one for one in hooks if one.success]:
        wanted.append('"successSubscription": true')
    if [one for one in hooks if one.failure]:
        wanted.append('"failedSubscription": true')
    return f"{{{', '.join(wanted)}}}" if wanted else None


async def run_hooks(notification: wire.notifications.RunNotification[Any], *hooks: Hooks) -> None:
    """Call all that are for the end that a run has come to, one after the other.

    One that raises does not keep the others from being called.

    Raises:
        Exception: the first that one of them raised; the platform tells of the run again then.
    """
    first: Exception | None = None
    for fn in [fn for one in hooks for fn in (one.success if notification.ok else one.failure)]:
        try:
            await (fn(notification) if is_async(fn) else _in_thread(fn, notification))
        except Exception as error:
            name = getattr(fn, "__qualname__", repr(fn))
            _log.exception("the hook %s failed for run %s", name, notification.id)
            first = first or error
    if first is not None:
        raise first


def read_notification(
    headers: Mapping[str, str], body: bytes, *, api_key: str | Sequence[str]
) -> wire.notifications.RunNotification[Any]:
    """Read what a ``callback_url`` was sent, after a check that the platform has sent it.

    Args:
        headers: of the request, names in any case.
        body: as it came, byte for byte.
        api_key: a secret key of the environment; of several, any may have been used to sign.
    Raises:
        SignatureError: it is not signed with the key, or was sent more than five minutes ago.
        MalformedMessage: it is no notification.
    """
    keys = [api_key] if isinstance(api_key, str) else api_key
    secrets = [derive_signing_secret(key) for key in keys]
    verify(secrets, {name.lower(): value for name, value in headers.items()}, body, now=time.time())
    return wire.notifications.RunNotification[Any].parse(body)


async def _in_thread(fn: Callable[[Any], Any], notification: wire.notifications.RunNotification[Any]) -> None:
    await run_in_thread(lambda: fn(notification))
