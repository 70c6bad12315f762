"""Reading the answer to EXECUTE_JOBS piece by piece: every way to cut a good one, and many bad ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from perdure.wire.http import HttpResponse
from perdure_dispatcher.batch_answer import BatchAnswer, MalformedBatch

METADATA = {"x-trigger-run-metadata": "{}"}


def head(index: int = 0, **changes: Any) -> bytes:
    told = {"index": index, "status": 200, "ms": 3, "took": 3, "headers": {}, **changes}
    return json.dumps(told).encode() + b"\n"


GOOD = head(1, headers=METADATA) + b'{"status":"SUCCESS"}\n' + head(0, status=500, ms=4.5) + b"\n"


def feed(answer: BatchAnswer, data: bytes, *, step: int = 1_000_000) -> dict[int, HttpResponse | None]:
    found: dict[int, HttpResponse | None] = {}
    for start in range(0, len(data), step):
        for one, response in answer.feed(data[start : start + step]):
            assert one.index not in found
            found[one.index] = response
    return found


@pytest.mark.parametrize("step", [1, 2, 3, 7, 50, 1000])
def test_an_answer_is_read_however_it_is_cut(step: int) -> None:
    answer = BatchAnswer(2, max_body_bytes=100)
    assert feed(answer, GOOD, step=step) == {
        1: HttpResponse(200, METADATA, b'{"status":"SUCCESS"}'),
        0: HttpResponse(500, {}, b""),
    }
    assert answer.is_complete


def test_it_is_not_complete_before_the_last_body_has_come() -> None:
    answer = BatchAnswer(1, max_body_bytes=100)
    for part in (head(), b"{}"):
        assert feed(answer, part) == {}
        assert not answer.is_complete
    assert feed(answer, b"\n") == {0: HttpResponse(200, {}, b"{}")}
    assert answer.is_complete


@pytest.mark.parametrize("step", [1, 7, 1000])
@pytest.mark.parametrize("size", [11, 500])
def test_a_body_too_large_costs_no_other(step: int, size: int) -> None:
    answer = BatchAnswer(3, max_body_bytes=10)
    data = head(2) + b"{}\n" + head(0) + b"x" * size + b"\n" + head(1) + b"y" * 10 + b"\n"
    assert feed(answer, data, step=step) == {
        2: HttpResponse(200, {}, b"{}"),
        0: None,
        1: HttpResponse(200, {}, b"y" * 10),
    }


def test_a_body_too_large_is_not_kept() -> None:
    answer = BatchAnswer(1, max_body_bytes=10)
    assert feed(answer, head() + b"x" * 11) == {0: None}
    for _ in range(100):
        assert feed(answer, b"x" * 10_000) == {}
    assert len(answer._line) == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"<html>Sign in</html>\n", "not a head of EXECUTE_JOBS: Invalid JSON"),
        (b"\n", "not a head"),
        (b"[]\n", "not a head"),
        (b'{"status":"SUCCESS"}\n', "index: Field required"),
        (head("0"), "index: Input should be a valid integer"),  # type: ignore[arg-type]
        (head(status=True), "status: Input should be a valid integer"),
        (head(status=102), "status: Input should be greater"),
        (head(ms=-1), "ms: Input should be greater"),
        (head(ms=float("nan")), "ms: Input should be"),
        (head(headers={"a": 1}), "headers.a: Input should be a valid string"),
        (head(2), "execution 2 was not asked for, or is answered twice"),
        (head(-1), "execution -1 was not asked for"),
        (head() + b"{}\n" + head(), "execution 0 was not asked for, or is answered twice"),
        (b"x" * 70_000, "a head is larger than 65536 bytes"),
    ],
)
def test_what_is_no_answer_is_told(line: bytes, said: str) -> None:
    answer = BatchAnswer(2, max_body_bytes=100)
    with pytest.raises(MalformedBatch, match=said) as raised:
        feed(answer, line)
    assert line.endswith(raised.value.line + b"\n") or raised.value.line == line
    assert not answer.is_complete


def test_what_came_before_the_garbage_counts() -> None:
    answer = BatchAnswer(2, max_body_bytes=100)
    found = answer.feed(head() + b"{}\n" + b"garbage\n")
    assert next(found)[1] == HttpResponse(200, {}, b"{}")
    with pytest.raises(MalformedBatch):
        next(found)
