"""Notes of other processes, also while one of them is writing."""

from __future__ import annotations

from pathlib import Path

from .notes import read_notes


def test_a_line_that_is_being_written_is_read_later(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    first, second = b'{"run": "a"}\n', '{"run": "é"}\n'.encode()
    path.write_bytes(b"")
    assert read_notes(path) == []
    for n in range(len(second)):
        path.write_bytes(first + second[:n])
        assert read_notes(path) == [{"run": "a"}]
    path.write_bytes(first + second)
    assert read_notes(path) == [{"run": "a"}, {"run": "é"}]
