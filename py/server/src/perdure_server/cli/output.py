"""Data on stdout, words on stderr."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from threading import Lock
from typing import Any, TextIO

import typer

_GAP = "  "
_lock = Lock()  # the children of `perdure dev` have a thread each, and say things
_open_steps: list[str] = []  # at most one, whose line on the terminal has no end yet


def say(text: str) -> None:
    """Words for people."""
    with _lock:
        if _open_steps:
            _open_steps.clear()
            typer.echo(err=True)
        typer.echo(text, err=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say what takes a while; on a terminal how long it took, too, at the end of the line."""
    started = time.monotonic()
    if not sys.stderr.isatty():
        say(f"{text} …")
        yield
        return
    with _lock:
        _open_steps.append(text)
        typer.echo(f"{text} … ", err=True, nl=False)
    try:
        yield
    finally:
        with _lock:
            if _open_steps:
                _open_steps.clear()
                typer.echo(duration(time.monotonic() - started), err=True)


def styled(text: str, stream: TextIO, **style: bool | str) -> str:
    """Text with a style (``bold``, ``fg``), where the stream is a terminal and nobody asked for no colour."""
    plain = not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain else typer.style(text, **style)  # type: ignore[arg-type]  # typer names each one


def print_data(text: str) -> None:
    """A line of data."""
    typer.echo(text)


def print_json(value: Any) -> None:
    """A value as JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_json_line(value: Any) -> None:
    """A value as JSON on one line, written at once: somebody may read along."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=str))
    sys.stdout.flush()


def document(row: Any) -> dict[str, Any]:
    """A row of the engine as JSON; what SQL returned as JSON, which rows have as bytes, is part of it."""
    members = {field.name: getattr(row, field.name) for field in fields(row)}
    return {name: json.loads(value) if isinstance(value, bytes) else value for name, value in members.items()}


class Table:
    """Rows under titles, in columns that begin at the same place; None is an empty cell.

    Rows that are added later are as wide as those before, or wider. On a terminal a row is one line: what is
    wider is cut.
    """

    def __init__(self, titles: Sequence[str]) -> None:
        self._titles: Sequence[str] | None = titles
        self._widths = [0] * len(titles)

    def add(self, rows: Sequence[Sequence[object]]) -> None:
        """Print rows; the titles before the first ones."""
        shown = [self._titles, *rows] if self._titles else rows
        self._titles = None
        most = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        for line in align(shown, self._widths):
            typer.echo(line if most is None or len(line) <= most else line[: most - 1] + "…")
        sys.stdout.flush()


def align(rows: Sequence[Sequence[object]], widths: list[int] | None = None) -> list[str]:
    """Rows as lines in which the cells of a column begin at the same place.

    Args:
        rows: all of the same length.
        widths: the least of each column; becomes what was needed.
    """
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    needed = [max(map(len, column)) for column in zip(*cells, strict=True)]
    if widths is not None:
        needed[:] = widths[:] = [max(pair) for pair in zip(widths, needed, strict=True)]
    return [
        _GAP.join(cell.ljust(width) for cell, width in zip(row, needed, strict=True)).rstrip()
        for row in cells
    ]


def parse_instant(text: str | None) -> datetime | None:
    """An instant of the API."""
    return datetime.fromisoformat(text) if text else None


def local_time(instant: datetime | None) -> str:
    """An instant on this machine's clock, for people."""
    return instant.astimezone().strftime("%Y-%m-%d %H:%M:%S") if instant else ""


def short_time(instant: datetime | None) -> str:
    """The same for a column: the time of day if it is today, else without seconds, or without a time."""
    if instant is None:
        return ""
    local, today = instant.astimezone(), datetime.now().astimezone()
    if local.date() == today.date():
        return f"{local:%H:%M:%S}"
    return f"{local:%m-%d %H:%M}" if local.year == today.year else f"{local:%Y-%m-%d}"


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
