"""What a run did when: its time as parts, and an axis on which days of waiting leave the seconds readable."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from perdure_engine.run_views import Execution, Span

Kind: TypeAlias = Literal["queued", "http", "executing", "waiting"]

KINDS: dict[Kind, str] = {
    "queued": "Queued",
    "http": "HTTP",
    "executing": "Executing tasks",
    "waiting": "Waiting",
}
"""What a run can be at: ready and not yet called, the call apart from its tasks, tasks, nothing to do yet."""

WIDTH = 1000.0
"""Of the axis, in units of its own."""
_SHARE_OF_WAITS = 0.4  # of the width, where they would take more
_LEAST = 1.5  # units of width: so that what is short can still be seen
_NEAR = 220.0  # units of width: words of marks closer to each other than this would overlap


@dataclass(frozen=True, slots=True)
class Part:
    """A time in which a run was at one thing."""

    kind: Kind
    begin: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long."""
        return self.end - self.begin


def parts_of_run(
    begin: datetime,
    end: datetime,
    executions: Iterable[Execution],
    busy: Sequence[Span],
    wakes: Sequence[datetime],
    *,
    waits: bool,
) -> list[Part]:
    """The whole time of a run, part after part.

    Args:
        begin: when it was created.
        end: when it ended, or the present.
        executions: its requests, oldest first.
        busy: when tasks were at work, apart from each other, oldest first.
        wakes: when waits ended, oldest first; what follows until the next request is the queue.
        waits: after its last request it waits, instead of being queued.
    """
    parts: list[Part] = []
    at, before = begin, None
    for execution in executions:
        claimed = max(execution.claimed_at, at)
        parts += _gap(at, claimed, before, wakes)
        at = max(min(execution.ended_at or end, end), claimed)
        parts += _request(claimed, at, busy)
        before = execution
    if end > at:
        parts.append(Part("waiting" if waits else "queued", at, end))
    return [part for part in parts if part.end > part.begin]


def _gap(begin: datetime, end: datetime, before: Execution | None, wakes: Sequence[datetime]) -> list[Part]:
    """From the end of a request, or the creation of the run, to the next request."""
    if before is None:
        return [Part("queued", begin, end)]
    last = bisect_right(wakes, end) - 1
    if last >= 0 and wakes[last] >= begin:
        return [Part("waiting", begin, wakes[last]), Part("queued", wakes[last], end)]
    goes_on = before.verdict == "REPLY" and "YIELD" in (before.reply_status or "")
    resumes = (before.reply_status or "").startswith("RESUME")  # what it waited for had ended by then
    return [Part("queued" if goes_on or resumes else "waiting", begin, end)]


def _request(begin: datetime, end: datetime, busy: Sequence[Span]) -> list[Part]:
    parts: list[Part] = []
    at = begin
    first = max(bisect_right(busy, begin, key=lambda span: span.begin) - 1, 0)
    for span in busy[first:]:
        if span.begin >= end:
            break
        start, stop = max(span.begin, at), min(span.end, end)
        if stop <= start:
            continue
        parts += [Part("http", at, start), Part("executing", start, stop)]
        at = stop
    return [*parts, Part("http", at, end)]


def totals(parts: Iterable[Part]) -> dict[Kind, float]:
    """Milliseconds by kind, in the order of ``KINDS``."""
    sums = dict.fromkeys(KINDS, 0.0)
    for part in parts:
        sums[part.kind] += part.length / timedelta(milliseconds=1)
    return sums


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle on the axis."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the axis."""

    x: float
    ms: float
    """Since the run was created."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Instants to places from 0 to ``WIDTH``."""

    times: list[datetime]
    places: list[float]
    is_shortened: bool = field(default=False)
    """Waits are drawn shorter than they were."""

    def place(self, at: datetime) -> float:
        """Where an instant is; one outside of the run at the nearer end."""
        times, places = self.times, self.places
        if at <= times[0]:
            return 0.0
        if at >= times[-1]:
            return WIDTH
        index = bisect_right(times, at)
        before, after = times[index - 1], times[index]
        share = (at - before) / (after - before)
        return places[index - 1] + share * (places[index] - places[index - 1])

    def bar(self, begin: datetime, end: datetime) -> Bar | None:
        """Where a time is; None: outside of the run."""
        if end < self.times[0] or begin > self.times[-1]:
            return None
        x = self.place(begin)
        width = max(self.place(end) - x, _LEAST)
        return Bar(round(min(x, WIDTH - width), 1), round(width, 1))

    def ticks(self, parts: Sequence[Part]) -> list[Tick]:
        """The beginning, the end, and in between where long waits begin and end, or else the quarters."""
        begin, end = self.times[0], self.times[-1]
        if self.is_shortened:
            waits = sorted((part for part in parts if part.kind == "waiting"), key=lambda part: part.length)
            between = [at for part in waits[-3:] for at in (part.begin, part.end)]
        else:
            between = [begin + (end - begin) * share / 4 for share in (1, 2, 3)]
        ticks = [Tick(0.0, 0.0)]
        for at in [*sorted(between), end]:
            tick = Tick(self.place(at), (at - begin) / timedelta(milliseconds=1))
            if at == end and tick.x - ticks[-1].x < _NEAR and len(ticks) > 1:
                ticks.pop()
            if tick.x - ticks[-1].x >= _NEAR:
                ticks.append(tick)
        return ticks


def axis_of(parts: Sequence[Part], begin: datetime) -> Axis:
    """An axis for these parts: true to scale, unless waits would leave little room for the rest."""
    if not parts:
        return Axis([begin, begin + timedelta(milliseconds=1)], [0.0, WIDTH])
    seconds = [part.length.total_seconds() for part in parts]
    waits = [part.kind == "waiting" for part in parts]
    waiting = sum(length for length, is_wait in zip(seconds, waits, strict=True) if is_wait)
    active = sum(seconds) - waiting
    shortened = active > 0 and waiting > active * _SHARE_OF_WAITS / (1 - _SHARE_OF_WAITS)
    if shortened:
        weights = [
            math.log1p(length) if is_wait else 0.0 for length, is_wait in zip(seconds, waits, strict=True)
        ]
        of_waits = _SHARE_OF_WAITS * WIDTH / sum(weights)
        of_active = (1 - _SHARE_OF_WAITS) * WIDTH / active
        widths = [
            weight * of_waits if is_wait else length * of_active
            for length, weight, is_wait in zip(seconds, weights, waits, strict=True)
        ]
    else:
        widths = [length * WIDTH / (active + waiting) for length in seconds]
    times, places = [parts[0].begin], [0.0]
    for part, width in zip(parts, widths, strict=True):
        times.append(part.end)
        places.append(places[-1] + width)
    return Axis(times, places, shortened)


def path_of(parts: Iterable[Part], kind: Kind, axis: Axis, height: float) -> str:
    """All parts of a kind as the path of an SVG: one element, however many there are."""
    bars = (axis.bar(part.begin, part.end) for part in parts if part.kind == kind)
    return "".join(f"M{bar.x:g} 0h{bar.width:g}v{height:g}h-{bar.width:g}z" for bar in bars if bar)
