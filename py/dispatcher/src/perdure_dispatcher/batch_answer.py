"""Reads the answer to EXECUTE_JOBS: for each execution a head and the body of its answer, a line each."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from perdure.wire.base import describe
from perdure.wire.http import HttpError, HttpResponse

MOST_HEAD_BYTES = 64 * 1024


class MalformedBatch(HttpError):
    """The answer to EXECUTE_JOBS is none; ``line`` is where that showed."""

    def __init__(self, reason: str, line: bytes) -> None:
        super().__init__(reason)
        self.line = line


class Head(BaseModel):
    """What comes before the body of an execution's answer.

    Args:
        index: which execution, from 0.
        ms: how long after the request's arrival it ended.
        took: how long its job was at work.
        headers: of its answer, by names in lower case.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    index: int
    status: int = Field(ge=200, le=599)
    ms: float = Field(ge=0, allow_inf_nan=False)
    took: float = Field(ge=0, allow_inf_nan=False)
    headers: dict[str, str]


class BatchAnswer:
    """Takes bytes as they come and yields the executions' answers.

    Args:
        count: executions in the request.
        max_body_bytes: most bytes of body to accept for one of them.
    """

    def __init__(self, count: int, *, max_body_bytes: int) -> None:
        self._missing = set(range(count))  # whose head has not come yet
        self._max_body_bytes = max_body_bytes
        self._line = bytearray()
        self._head: Head | None = None
        self._skipping = False

    @property
    def is_complete(self) -> bool:
        """Whether all have been answered."""
        return not self._missing and self._head is None

    def feed(self, data: bytes) -> Iterator[tuple[Head, HttpResponse | None]]:
        """Take the next bytes; yield the answers that are complete, None in place of one too large.

        Raises:
            MalformedBatch: this is no answer to EXECUTE_JOBS; what was yielded before counts.
        """
        first, *others = data.split(b"\n")
        self._line += first
        for other in others:
            line, self._line = bytes(self._line), bytearray(other)
            if self._skipping:
                self._skipping = False
            elif self._head is None:
                self._head = self._read_head(line)
            else:
                head, self._head = self._head, None
                is_too_large = len(line) > self._max_body_bytes
                yield head, None if is_too_large else HttpResponse(head.status, head.headers, line)
        if self._skipping:
            self._line.clear()
        elif self._head is None:
            if len(self._line) > MOST_HEAD_BYTES:
                raise MalformedBatch(f"a head is larger than {MOST_HEAD_BYTES} bytes", bytes(self._line))
        elif len(self._line) > self._max_body_bytes:
            head, self._head = self._head, None
            self._skipping = True
            self._line.clear()
            yield head, None

    def _read_head(self, line: bytes) -> Head:
        try:
            head = Head.model_validate_json(line)
        except ValidationError as error:
            raise MalformedBatch(f"not a head of EXECUTE_JOBS: {describe(error)}", line) from error
        if head.index not in self._missing:
            raise MalformedBatch(f"execution {head.index} was not asked for, or is answered twice", line)
        self._missing.discard(head.index)
        return head
