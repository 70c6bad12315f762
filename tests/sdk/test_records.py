"""The text that states a task: as the message would be written, so that the server takes it as it came."""

from typing import Any

import pytest

from perdure import TaskOptions
from perdure.frame import Claim, completed_text, open_frame
from perdure.options import NO_OPTIONS
from perdure.wire.tasks import TaskRecord, WireError

KEY, PARENT_KEY = "a" * 64, "b" * 64
SHOWN = TaskOptions(
    name="Pay \u2713", icon="card", description="one", params={"n": [1, None]}, properties={"Order": "3"}
)


@pytest.mark.parametrize("options", [NO_OPTIONS, SHOWN])
@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("output", [None, b"1", b'{"a":[null,1.5]}'])
def test_a_finished_task_is_written_as_its_message_would_be(
    options: TaskOptions, inside: bool, output: Any
) -> None:
    parent = open_frame(Claim("parent", PARENT_KEY, None, None, 0), NO_OPTIONS) if inside else None
    frame = open_frame(Claim(["pay", 3], KEY, parent, None, 0), options)
    text = completed_text(frame, output)
    record = TaskRecord.parse(text)
    assert record.to_wire_bytes() == text
    assert (record.status, record.has_output) == ("COMPLETED", output is not None)
    assert record.parent_key == (PARENT_KEY if inside else None)
    failed = frame.text("ERRORED", error=WireError(message="no", name="ValueError"))
    assert TaskRecord.parse(failed).to_wire_bytes() == failed
