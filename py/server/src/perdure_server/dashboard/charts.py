"""Charts as SVG, drawn at the server: colours by class, sizes by attributes, and a label to be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

_WIDTH, _HEIGHT = 600, 120
_GAP = 0.2  # of a bar's place


@dataclass(frozen=True, slots=True)
class Series:
    """What a chart shows of one thing, oldest first."""

    label: str
    kind: str
    """good, bad, wait, busy or idle: the class that gives its colour."""
    values: Sequence[float | None]
    """None: nothing to show there."""


def sparkline(values: Sequence[int], label: str) -> Markup:
    """A row of small bars, as high as a line of text; ``label`` is read out instead."""
    width, height = 4 * len(values), 20
    return _svg(
        "spark",
        width,
        height,
        label,
        _bars([Series("", "bad", values)], max(values, default=0), width, height),
    )


def bars(series: Sequence[Series], label: str) -> Markup:
    """Bars, those of all series on top of each other."""
    return _svg("chart", _WIDTH, _HEIGHT, label, _bars(series, highest_bar(series), _WIDTH, _HEIGHT))


def highest_bar(series: Sequence[Series]) -> float:
    """What the upper edge of ``bars`` stands for."""
    totals = [sum(value or 0 for value in part) for part in zip(*(one.values for one in series), strict=True)]
    return max(totals, default=0)


def lines(series: Sequence[Series], label: str) -> Markup:
    """A line for each series, with gaps where it has no value."""
    highest = highest_point(series)
    drawn = [
        Markup('<path class="{}" d="{}"/>').format(one.kind, _path(one.values, highest)) for one in series
    ]
    return _svg("chart", _WIDTH, _HEIGHT, label, drawn)


def highest_point(series: Sequence[Series]) -> float:
    """What the upper edge of ``lines`` stands for."""
    return max((value for one in series for value in one.values if value is not None), default=0)


def _svg(name: str, width: float, height: float, label: str, shapes: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg class="{}" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(name, width, height, label, Markup("").join(shapes))


def _bars(series: Sequence[Series], highest: float, width: float, height: float) -> list[Markup]:
    places = len(series[0].values)
    place = width / max(places, 1)
    drawn = []
    for number in range(places):
        top = height
        for one in series:
            value = one.values[number] or 0
            if not value:
                continue
            tall = max(value / highest * height, 1.5)  # seen, however small
            top -= tall
            drawn.append(
                Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
                    one.kind, number * place + place * _GAP / 2, max(top, 0), place * (1 - _GAP), tall
                )
            )
    return drawn


def _path(values: Sequence[float | None], highest: float) -> str:
    place = _WIDTH / max(len(values), 1)
    steps = []
    for number, value in enumerate(values):
        if value is None:
            continue
        x, y = (number + 0.5) * place, _HEIGHT - 2 - (value / highest if highest else 0) * (_HEIGHT - 4)
        begins = number == 0 or values[number - 1] is None
        if begins and (number + 1 == len(values) or values[number + 1] is None):  # alone
            steps.append(f"M{x - place / 2:.1f} {y:.1f}h{place:.1f}")
        else:
            steps.append(f"{'M' if begins else 'L'}{x:.1f} {y:.1f}")
    return "".join(steps)
