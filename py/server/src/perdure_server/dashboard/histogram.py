"""When runs were created, drawn: a bar for each span of time, which leads to its runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from perdure_engine.run_search import HistogramSpan

WIDTH, HEIGHT = 960, 88
_GAP = 2
KINDS = {"succeeded": "completed", "open": "not ended", "canceled": "canceled", "failed": "failed"}
"""Class of a part of a bar -> what it counts; from the ground up."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A span of time; numbers are of the drawing."""

    x: float
    width: float
    parts: list[Part]
    span: HistogramSpan
    address: str
    """Of its runs."""

    @property
    def words(self) -> str:
        """How many of what, for people."""
        counts = _counts(self.span)
        said = ", ".join(f"{count:,} {KINDS[kind]}" for kind, count in counts.items() if count)
        about = "" if self.span.is_exact or not said else "about "
        return about + (said or "no runs")


@dataclass(frozen=True, slots=True)
class Histogram:
    """All bars."""

    bars: list[Bar]
    width = WIDTH
    height = HEIGHT

    @property
    def is_exact(self) -> bool:
        """Every run was counted."""
        return all(bar.span.is_exact for bar in self.bars)

    @property
    def totals(self) -> dict[str, int]:
        """Kind -> how many runs, of those that there are."""
        sums = {kind: sum(_counts(bar.span)[kind] for bar in self.bars) for kind in KINDS}
        return {kind: count for kind, count in sums.items() if count}

    @property
    def legend(self) -> list[tuple[str, str]]:
        """Kind and label of what there is."""
        return [(kind, KINDS[kind]) for kind in self.totals]

    @property
    def words(self) -> str:
        """What it shows, in a sentence."""
        said = ", ".join(f"{count:,} {KINDS[kind]}" for kind, count in self.totals.items())
        return ("" if self.is_exact or not said else "About ") + (said or "No runs") + "."


def draw(spans: Sequence[HistogramSpan], address: Callable[[HistogramSpan], str]) -> Histogram:
    """The drawing of spans of time, oldest first; ``address`` is of the runs of one."""
    highest = max((sum(_counts(span).values()) for span in spans), default=0) or 1
    place = WIDTH / len(spans)
    return Histogram(
        [
            Bar(
                round(number * place + _GAP / 2, 2),
                round(place - _GAP, 2),
                _parts(span, highest),
                span,
                address(span),
            )
            for number, span in enumerate(spans)
        ]
    )


def _parts(span: HistogramSpan, highest: int) -> list[Part]:
    parts, top = [], float(HEIGHT)
    for kind, count in _counts(span).items():
        if count:
            height = max(count / highest * HEIGHT, 2)  # one failed run among thousands is still seen
            top -= height
            parts.append(Part(kind, round(max(top, 0), 2), round(height, 2)))
    return parts


def _counts(span: HistogramSpan) -> dict[str, int]:
    return {kind: getattr(span, kind) for kind in KINDS}
