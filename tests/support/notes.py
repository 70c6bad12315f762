"""Files in which processes under test note what they did, a JSON object in each line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read_notes(path: Path) -> list[dict[str, Any]]:
    """All that is noted so far.

    Other processes may be writing: a line without its end is only half there, and is left for the next look.
    What a run noted before it ended is always complete.
    """
    complete, _, _ = path.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in complete.splitlines()]
