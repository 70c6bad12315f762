"""Types: right uses are accepted, each wrong one is rejected where it stands."""

from pathlib import Path

from mypy import api

FOLDER = Path(__file__).parent
USAGES = sorted(FOLDER.glob("typed_*.py"))
CONFIG = FOLDER.parents[1] / "pyproject.toml"


def test_mypy_accepts_the_right_uses_and_rejects_the_wrong_ones() -> None:
    output, errors, status = api.run([*map(str, USAGES), "--config-file", str(CONFIG), "--strict"])
    assert (errors, status) == ("", 0), output
