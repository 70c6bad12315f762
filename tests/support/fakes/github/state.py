"""What the fake GitHub knows: repositories, their issues, comments and hooks."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

MAX_ASSIGNEES = 10


def now() -> datetime:
    """The time as GitHub gives it: whole seconds, UTC."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass
class Comment:
    """A comment on an issue."""

    id: int
    user: str
    body: str
    created_at: datetime


@dataclass
class Issue:
    """An issue; ``updated_at`` grows with every activity, by a second at least, so that it always tells."""

    id: int
    number: int
    user: str
    title: str
    body: str | None
    created_at: datetime
    updated_at: datetime
    state: str = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)

    def become(self, state: str, reason: str | None) -> bool:
        """Close or reopen the issue; False when it is so already."""
        if state == self.state:
            return False
        self.touch()
        self.state = state
        self.closed_at = self.updated_at if state == "closed" else None
        self.state_reason = reason or ("completed" if state == "closed" else "reopened")
        return True

    def touch(self) -> None:
        """Note that something happened to the issue."""
        self.updated_at = max(now(), self.updated_at + timedelta(seconds=1))


@dataclass
class Delivery:
    """One request to a hook's URL and the answer; ``status_code`` 0 when there was none."""

    id: int
    guid: str
    event: str
    action: str | None
    body: bytes
    delivered_at: datetime
    redelivery: bool = False
    status_code: int = 0
    status: str = "pending"
    duration_s: float = 0.0
    response_body: str = ""


@dataclass
class Hook:
    """A webhook of a repository."""

    id: int
    events: list[str]
    url: str
    content_type: str
    secret: str | None
    insecure_ssl: str
    active: bool
    created_at: datetime
    updated_at: datetime
    deliveries: list[Delivery] = field(default_factory=list)

    def wants(self, event: str) -> bool:
        """True when the hook gets this event; every active hook gets pings."""
        return self.active and (event == "ping" or event in self.events or "*" in self.events)


@dataclass
class Repository:
    """A repository; only its ``collaborators`` can be assigned."""

    id: int
    owner: str
    name: str
    collaborators: frozenset[str]
    created_at: datetime = field(default_factory=now)
    issues: dict[int, Issue] = field(default_factory=dict)
    hooks: dict[int, Hook] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return f"{self.owner}/{self.name}"

    def assign(self, issue: Issue, logins: list[str]) -> list[str]:
        """Add assignees and return the new ones; GitHub ignores unknown ones and those over its limit."""
        new = [name for name in logins if name in self.collaborators and name not in issue.assignees]
        added = new[: MAX_ASSIGNEES - len(issue.assignees)]
        issue.assignees += added
        if added:
            issue.touch()
        return added


class Ids:
    """Numbers that look like GitHub's and never repeat."""

    def __init__(self) -> None:
        self._ids = itertools.count(1_000_001)
        self._users: dict[str, int] = {}

    def next(self) -> int:
        """A new id."""
        return next(self._ids)

    def of_user(self, login: str) -> int:
        """The id of a user, the same at every call."""
        return self._users.setdefault(login, 5000 + len(self._users))


JsonObject = dict[str, Any]
