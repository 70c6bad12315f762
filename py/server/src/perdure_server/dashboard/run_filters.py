"""What somebody looks for in the list of runs: in the page's address, for the database, and in words."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from perdure_server.dashboard import windows
from perdure_server.dashboard.forms import BadField
from perdure_server.dashboard.windows import DAY, HOUR, MONTH, WEEK, Window

WINDOWS = (HOUR, DAY, WEEK, MONTH)

GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "failed": ("Failed", ("FAILURE", "TIMED_OUT", "ABORTED", "INVALID_PAYLOAD", "UNRESOLVED_AUTH")),
    "executing": ("Executing", ("EXECUTING", "STARTED", "PREPROCESSING")),
    "queued": ("Queued", ("QUEUED", "PENDING")),
    "waiting": ("Waiting", ("WAITING_TO_CONTINUE", "WAITING_TO_EXECUTE", "WAITING_ON_CONNECTIONS")),
    "completed": ("Completed", ("SUCCESS",)),
    "canceled": ("Canceled", ("CANCELED",)),
}
"""Statuses that people look for together: name in the address -> label, statuses."""

_STATUSES = {status for _label, statuses in GROUPS.values() for status in statuses}
_LONGEST = 1000  # characters of one field
_MOST_TAGS = 20


@dataclass(frozen=True, slots=True)
class RunFilter:
    """A filter; what is empty or None does not matter."""

    statuses: tuple[str, ...] = ()
    """Names of GROUPS, or statuses."""
    job: str = ""
    version: str = ""
    tags: tuple[str, ...] = ()
    text: str = ""
    is_test: bool | None = None
    fingerprint: str = ""
    window: Window | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """The time that a histogram shows: the filter's, else the last 24 hours.

        It ends on a round instant, so that bars stay where they are while time passes.
        """
        if self.from_at or self.to_at:
            to_at = self.to_at or _round_up(now, timedelta(minutes=1))
            return self.from_at or to_at - DAY.length, to_at
        window = self.window or DAY
        to_at = _round_up(now, window.part)
        return to_at - window.length, to_at

    def document(self, now: datetime) -> dict[str, Any]:
        """The filter for the database, at this instant."""
        from_at = self.span(now)[0] if self.window else self.from_at
        members = {
            "status": _plain_statuses(self.statuses),
            "job": self.job,
            "version": self.version,
            "tags": list(self.tags),
            "text": self.text,
            "isTest": self.is_test,
            "fingerprint": self.fingerprint,
            "from": from_at.isoformat() if from_at else None,
            "to": self.to_at.isoformat() if self.to_at else None,
        }
        return {name: value for name, value in members.items() if value not in ("", [], None)}

    def encoded(self, now: datetime) -> bytes:
        """``document`` as JSON."""
        return json.dumps(self.document(now)).encode()

    def query(self) -> str:
        """The filter as it stands in the page's address."""
        pairs = [
            *(("status", status) for status in self.statuses),
            ("job", self.job),
            ("version", self.version),
            ("tag", ", ".join(self.tags)),
            ("text", self.text),
            ("test", "" if self.is_test is None else "yes" if self.is_test else "no"),
            ("fingerprint", self.fingerprint),
            (windows.QUERY, self.window.name if self.window else ""),
            ("from", plain_time(self.from_at)),
            ("to", plain_time(self.to_at)),
        ]
        return urlencode([(name, value) for name, value in pairs if value])

    def within(self, from_at: datetime, to_at: datetime) -> RunFilter:
        """The same filter, of another time."""
        return replace(self, window=None, from_at=from_at, to_at=to_at)

    def lately(self, window: Window | None) -> RunFilter:
        """The same filter, of the time until now; None: of any time."""
        return replace(self, window=window, from_at=None, to_at=None)

    def words(self) -> list[tuple[str, str]]:
        """What it says: each thing with its value, for people."""
        said = [
            ("Status", status_words(_plain_statuses(self.statuses))),
            ("Job", self.job),
            ("Version", self.version),
            ("Tags", ", ".join(self.tags)),
            ("Text", self.text),
            ("Test", "" if self.is_test is None else "tests only" if self.is_test else "no tests"),
            ("Error", self.fingerprint),
            ("Time", f"the last {self.window.label}" if self.window else ""),
            ("From", _said(self.from_at)),
            ("To", _said(self.to_at)),
        ]
        return [(name, value) for name, value in said if value]


def read_filter(pairs: Sequence[tuple[str, str]]) -> RunFilter:
    """The filter that an address has, by its parameters; others are passed over.

    Raises:
        BadField: names the parameter.
    """
    fields: dict[str, str] = {}
    statuses: list[str] = []
    for name, text in pairs:
        if "\0" in text or len(text) > _LONGEST:
            raise BadField(name, f"must be at most {_LONGEST} characters of text.")
        if name == "status":
            statuses += [part.strip() for part in text.split(",") if part.strip()]
        else:
            fields[name] = text.strip()
    return RunFilter(
        statuses=_statuses(statuses),
        job=fields.get("job", ""),
        version=fields.get("version", ""),
        tags=_tags(fields.get("tag", "")),
        text=fields.get("text", ""),
        is_test=_choice("test", fields.get("test", ""), {"yes": True, "no": False}),
        fingerprint=_uuid("fingerprint", fields.get("fingerprint", "")),
        window=_choice(windows.QUERY, fields.get(windows.QUERY, ""), {one.name: one for one in WINDOWS}),
        **_times(fields.get("from", ""), fields.get("to", "")),
    )


def read_query(query: str) -> RunFilter:
    """``read_filter`` of a query string.

    Raises:
        BadField: as ``read_filter``.
    """
    try:
        return read_filter(parse_qsl(query, errors="strict", max_num_fields=100))
    except ValueError as error:
        raise BadField("query", "cannot be read. Open the list of runs again.") from error


def status_words(statuses: Sequence[str]) -> str:
    """Statuses for people: those of a group by its name when all of it are there."""
    left, said = list(dict.fromkeys(statuses)), []
    for label, members in GROUPS.values():
        if set(members) <= set(left):
            said.append(label)
            left = [status for status in left if status not in members]
    return ", ".join([*said, *(status.replace("_", " ").capitalize() for status in left)])


def _plain_statuses(names: Sequence[str]) -> list[str]:
    return sorted({status for name in names for status in (GROUPS[name][1] if name in GROUPS else (name,))})


def _statuses(names: Sequence[str]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in GROUPS and name not in _STATUSES]
    if unknown:
        raise BadField(
            "status", f"{unknown[0]} is none. There are {', '.join(GROUPS)}, and {', '.join(_STATUSES)}."
        )
    return tuple(dict.fromkeys(names))


def _tags(text: str) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(tag for tag in re.split(r"\s*,\s*", text) if tag))
    if len(tags) > _MOST_TAGS or any(len(tag) > 200 for tag in tags):
        raise BadField(
            "tag", f"must be at most {_MOST_TAGS} tags of at most 200 characters, with commas between."
        )
    return tags


def _choice(name: str, text: str, choices: dict[str, Any]) -> Any:
    if text and text not in choices:
        raise BadField(name, f"must be {' or '.join(choices)}.")
    return choices.get(text)


def _uuid(name: str, text: str) -> str:
    try:
        return str(UUID(text)) if text else ""
    except ValueError as error:
        raise BadField(name, "must be an id, as in the address of an error.") from error


def _times(from_text: str, to_text: str) -> dict[str, datetime | None]:
    from_at, to_at = _instant("from", from_text), _instant("to", to_text)
    if from_at and to_at and from_at >= to_at:
        raise BadField("to", "must be later than from.")
    return {"from_at": from_at, "to_at": to_at}


def _instant(name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadField(name, "must be a time, such as 2026-01-31T12:00.") from error
    if not 1970 < at.year < 9999:
        raise BadField(name, "must be a time of this era, such as 2026-01-31T12:00.")
    return at


def plain_time(at: datetime | None) -> str:
    """An instant as fields for times have it, in UTC."""
    if at is None:
        return ""
    return at.replace(tzinfo=None).isoformat(timespec="seconds" if at.second or at.microsecond else "minutes")


def _said(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC") if at else ""


def _round_up(at: datetime, unit: timedelta) -> datetime:
    start = datetime(1970, 1, 1, tzinfo=UTC)
    return start + -(-(at - start) // unit) * unit
