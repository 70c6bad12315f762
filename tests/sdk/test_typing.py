"""Types: mypy and pyright accept the right uses and reject each wrong one where it stands."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
USAGES = sorted(map(str, FOLDER.glob("typed_*.py")))
COMMANDS = {"mypy": ["mypy", "--strict"], "pyright": ["pyright"]}


@pytest.mark.parametrize("checker", COMMANDS)
def test_right_uses_are_accepted_and_wrong_ones_rejected(checker: str) -> None:
    command = [sys.executable, "-m", *COMMANDS[checker], *USAGES]  # both are configured in pyproject.toml
    done = subprocess.run(command, cwd=FOLDER.parents[1], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
