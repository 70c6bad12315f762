"""Log lines of a run: kept with it, shown between its tasks, written once however often it is replayed."""

from __future__ import annotations

import logging
from typing import Any

from pydantic_core import from_json, to_json

from perdure.errors import printable
from perdure.frame import TaskFrame, current_frame
from perdure.keys import idempotency_key
from perdure.ledger import TaskLedger
from perdure.recorder import Recorder
from perdure.wire.tasks import DisplayProperty, Style, TaskRecord

_MAX_MESSAGE_CHARACTERS = 32_000
_MAX_DATA_BYTES = 256 * 1024
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}


class RunLogger:
    """``io.logger``. Keyword arguments are data shown with the line: ``io.logger.info("paid", amount=3)``.

    A line is known by its number within its task (and that task's try), so keep the order of lines the same
    in every execution. Lines cost no call of their own: they go with the next task, or with the reply.
    Each line also goes to ``logging``, once, as ``perdure.job.<id>`` with ``run_id`` and ``data``.
    Of a long message the first 32,000 characters are kept, and data of more than 256 KiB is left out.
    """

    def __init__(self, run_id: str, job_id: str, ledger: TaskLedger, recorder: Recorder) -> None:
        self._job_id = job_id
        self._run_id = run_id
        self._ledger = ledger
        self._recorder = recorder
        self._count = 0

    def debug(self, message: str, **data: Any) -> None:
        """Something only a developer looks for."""
        self._write("debug", message, data)

    def info(self, message: str, **data: Any) -> None:
        """Something that happened as it should."""
        self._write("info", message, data)

    def warning(self, message: str, **data: Any) -> None:
        """Something odd that the run survives."""
        self._write("warn", message, data)

    def error(self, message: str, **data: Any) -> None:
        """Something that went wrong."""
        self._write("error", message, data)

    def _write(self, level: str, message: str, data: dict[str, Any]) -> None:
        frame = current_frame.get()
        key = idempotency_key(self._run_id, frame.key if frame else None, self._next_key(frame))
        if self._ledger.known(key) is not None:
            return
        log = logging.getLogger(f"perdure.job.{self._job_id}")
        log.log(_LEVELS[level], message, extra={"run_id": self._run_id, "data": data})
        record = TaskRecord(
            idempotency_key=key,
            name="log",
            icon="log",
            noop=True,
            description=printable(message[:_MAX_MESSAGE_CHARACTERS]),
            params=_plain(data) if data else None,
            properties=[DisplayProperty(label="Level", text=level.upper())],
            style=Style(style="minimal", variant=level),
            parent_key=frame.key if frame else None,
        )
        self._recorder.note(record, frame)

    def _next_key(self, frame: TaskFrame | None) -> list[str | int | float | bool | None]:
        if frame is None:
            self._count += 1
            return ["perdure", "log", self._count]
        frame.log_count += 1
        return ["perdure", "log", frame.attempts, frame.log_count]


def _plain(data: dict[str, Any]) -> Any:
    """The data as JSON; what is not JSON as its text, for a log line must never fail."""
    try:
        text = to_json(data, inf_nan_mode="null", serialize_unknown=True)
    except ValueError:
        text = to_json({name: printable(repr(value)) for name, value in data.items()})
    if len(text) > _MAX_DATA_BYTES:
        return {"left out": f"{len(text)} bytes of data; a line keeps at most {_MAX_DATA_BYTES}"}
    return from_json(text)
