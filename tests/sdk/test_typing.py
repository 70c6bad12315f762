"""Types: right uses are accepted, each wrong one is rejected where it stands."""

from pathlib import Path

from mypy import api

USAGE = Path(__file__).with_name("typed_usage.py")
CONFIG = Path(__file__).parents[2] / "pyproject.toml"


def test_mypy_accepts_the_right_uses_and_rejects_the_wrong_ones() -> None:
    output, errors, status = api.run([str(USAGE), "--config-file", str(CONFIG), "--strict"])
    assert (errors, status) == ("", 0), output
