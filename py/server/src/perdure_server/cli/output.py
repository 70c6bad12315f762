"""Data on stdout, words on stderr."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import typer

_GAP = "  "


def say(text: str) -> None:
    """Words for people."""
    typer.echo(text, err=True)


def print_data(text: str) -> None:
    """A line of data."""
    typer.echo(text)


def print_json(value: Any) -> None:
    """A value as JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Rows under titles, in columns; None is an empty cell."""
    for line in align([titles, *rows]):
        typer.echo(line)


def align(rows: Sequence[Sequence[object]]) -> list[str]:
    """Rows as lines in which the cells of a column begin at the same place."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        _GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def local_time(instant: datetime | None) -> str:
    """An instant on this machine's clock, for people."""
    return instant.astimezone().strftime("%Y-%m-%d %H:%M:%S") if instant else ""


def duration(seconds: float) -> str:
    """A length of time for people, such as ``35 ms``, ``2.5 s``, ``3 min 20 s``, ``1 d 2 h``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    parts = []
    for name, size in units:
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])
