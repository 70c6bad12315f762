"""What the dispatcher is told from outside: arguments or ``PERDURE_*`` variables, checked once."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from perdure_engine.errors import InvalidSecretKey
from perdure_engine.sealing import SETTING, SecretBox

MEBIBYTE = 1024 * 1024
_LONGEST_NAME = 200

Value = TypeVar("Value")


class InvalidSettings(ValueError):
    """A setting is missing or cannot be used; the text names it, what it holds and what belongs there."""


def new_dispatcher_name() -> str:
    """A name no other dispatcher has, and that leads a person to the process: host:pid:random."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one dispatcher process.

    Args:
        database_url: libpq connection string; the login must be a member of ``perdure_dispatcher``.
        slots: most executions at the same time; each holds one request to an app.
        delivery_slots: most deliveries, to apps and to others, at the same time, beside the executions.
        name: who holds a lease, as the database shows it; unique to this process.
        max_sleep_s: longest time between two looks at the database, should every hint be lost.
        drain_s: seconds that executions in flight may still take after SIGTERM.
        lease_margin_s: seconds that a lease outlives the app's timeout, for storing the reply.
        max_response_bytes: largest answer.
        database_wait_s: seconds to wait for the database at the start; later, before saying that it is away.
        fetch_private: requests outside may go to private addresses: this machine, the networks around it.
        secret_keys: the keys of stored secrets, as in ``PERDURE_SECRET_KEYS``; None: none, and
            what needs one cannot be sent.
    Raises:
        InvalidSettings: a value is out of range.
    """

    database_url: str = field(repr=False)  # it may hold a password
    slots: int = 50
    delivery_slots: int = 10
    name: str = field(default_factory=new_dispatcher_name)
    max_sleep_s: float = 15.0
    drain_s: float = 25.0
    lease_margin_s: float = 10.0
    max_response_bytes: int = 10 * MEBIBYTE
    database_wait_s: float = 10.0
    fetch_private: bool = True
    secret_keys: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.database_url:
            raise InvalidSettings(
                "PERDURE_DATABASE_URL is not set: give the Postgres that Perdure is installed in, such as "
                "postgresql://user@host:5432/name (DATABASE_URL is read when it is absent)"
            )
        if not 0 < len(self.name) <= _LONGEST_NAME:
            raise InvalidSettings(
                f"PERDURE_DISPATCHER_NAME must have 1 to {_LONGEST_NAME} characters, not {len(self.name)}"
            )
        _check("PERDURE_SLOTS", self.slots, lowest=1, highest=10_000)
        _check("PERDURE_DELIVERY_SLOTS", self.delivery_slots, lowest=1, highest=10_000)
        _check("PERDURE_MAX_SLEEP_S", self.max_sleep_s, lowest=0.1, highest=3600)
        _check("PERDURE_DRAIN_S", self.drain_s, lowest=0, highest=3600)
        _check("PERDURE_LEASE_MARGIN_S", self.lease_margin_s, lowest=1, highest=3600)
        _check("PERDURE_MAX_RESPONSE_BYTES", self.max_response_bytes, lowest=1024, highest=1024 * MEBIBYTE)
        _check("PERDURE_DATABASE_WAIT_S", self.database_wait_s, lowest=0.1, highest=3600)
        try:
            SecretBox.from_setting(self.secret_keys)
        except InvalidSecretKey as error:
            raise InvalidSettings(error.message) from None

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from variables; None: those of the process. An empty variable counts as absent.

        Raises:
            InvalidSettings: names the variable and the fix.
        """
        given = {
            name: value for name, value in (os.environ if variables is None else variables).items() if value
        }

        def read(name: str, parse: Callable[[str, str], Value], default: Value) -> Value:
            return parse(name, given[name]) if name in given else default

        return cls(
            database_url=given.get("PERDURE_DATABASE_URL") or given.get("DATABASE_URL") or "",
            slots=read("PERDURE_SLOTS", _whole_number, 50),
            delivery_slots=read("PERDURE_DELIVERY_SLOTS", _whole_number, 10),
            name=given.get("PERDURE_DISPATCHER_NAME") or new_dispatcher_name(),
            max_sleep_s=read("PERDURE_MAX_SLEEP_S", _number, 15.0),
            drain_s=read("PERDURE_DRAIN_S", _number, 25.0),
            lease_margin_s=read("PERDURE_LEASE_MARGIN_S", _number, 10.0),
            max_response_bytes=read("PERDURE_MAX_RESPONSE_BYTES", _whole_number, 10 * MEBIBYTE),
            database_wait_s=read("PERDURE_DATABASE_WAIT_S", _number, 10.0),
            fetch_private=read("PERDURE_FETCH_PRIVATE", _yes_or_no, True),
            secret_keys=given.get(SETTING),
        )

    @property
    def lease_margin(self) -> timedelta:
        """``lease_margin_s`` as the database takes it."""
        return timedelta(seconds=self.lease_margin_s)


def _check(name: str, value: float, *, lowest: float, highest: float) -> None:
    if not lowest <= value <= highest:
        raise InvalidSettings(f"{name} must be in {lowest:g}..{highest:g}, not {value:g}")


def _yes_or_no(name: str, text: str) -> bool:
    if text not in ("yes", "no"):
        raise InvalidSettings(f"{name} must be yes or no, not {text!r}")
    return text == "yes"


def _whole_number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidSettings(f"{name} must be a whole number, not {text!r}") from None


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidSettings(f"{name} must be a number of seconds, not {text!r}") from None
