"""The copy of the server's programs, for a checkout that the server's user cannot enter."""

import subprocess
from pathlib import Path
from typing import cast

import pytest

from perdure_engine.embedded import binaries
from perdure_engine.embedded.system_user import SystemUser


class Stranger:
    """A user who can enter nothing."""

    def can_enter(self, path: Path) -> bool:
        return False


def test_programs_that_are_copied_find_their_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "SHARED_ROOT", tmp_path / "shared")
    original = binaries.bundled_bin_dir()
    copy = binaries.runnable_bin_dir(original, cast(SystemUser, Stranger()))
    assert copy.is_relative_to(tmp_path)
    for program in ("postgres", "initdb"):
        printed = subprocess.run([copy / program, "--version"], capture_output=True, text=True, check=True)
        assert "PostgreSQL" in printed.stdout
    assert binaries.runnable_bin_dir(original, cast(SystemUser, Stranger())) == copy
