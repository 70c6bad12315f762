"""Each example runs by its one command, with real processes and real HTTP."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/__main__.py"))


def test_every_example_has_a_command() -> None:
    folders = {path.parent.name for path in (ROOT / "examples").glob("*/app.py")} - {"github_reminder"}
    assert folders == set(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs_by_its_command(example: str, empty_db_url: str) -> None:
    command = [sys.executable, "-m", f"examples.{example}", "--database-url", empty_db_url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert done.stdout.rstrip().endswith("SUCCESS")
