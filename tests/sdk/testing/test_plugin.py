"""The pytest plugin: in somebody's project, it costs nothing until it is used."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

PROJECT = """
from datetime import timedelta
import pytest
from perdure import IO, Perdure, event_trigger

app = Perdure("acme")

@app.job(id="hello", version="1.0.0", on=event_trigger("hello"))
async def hello(payload: dict, io: IO) -> str:
    await io.wait("a day", timedelta(days=1))
    return "hello"

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_async(perdure_platform):
    run = await perdure_platform.start(hello)
    await run.advance(days=1)
    assert run.output == "hello"

@pytest.mark.perdure(replay="always")
def test_sync(perdure_platform_sync):
    run = perdure_platform_sync.start(hello)
    run.advance(days=1)
    assert run.output == "hello"
"""

IDLE = """
import sys

def test_nothing_is_imported():
    assert not [name for name in sys.modules if name.split(".")[0].startswith("perdure")]
"""


def pytest_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:schemathesis",
        *arguments,
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=os.environ)


@pytest.fixture
def project(tmp_path: Path, perdure_postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.setenv("PERDURE_TEST_DATABASE_URL", perdure_postgres_url)
    return tmp_path


def test_pytest_finds_it() -> None:
    (found,) = entry_points(group="pytest11", name="pytest_perdure")
    assert found.value == "pytest_perdure"


def test_its_fixtures_and_marker_are_there(project: Path) -> None:
    (project / "test_project.py").write_text(PROJECT)
    result = pytest_in(project, "--strict-markers", "-W", "error")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 passed" in result.stdout


def test_unused_it_imports_nothing(project: Path) -> None:
    (project / "test_idle.py").write_text(IDLE)
    result = pytest_in(project)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_mode_that_does_not_exist_is_refused(project: Path) -> None:
    (project / "test_wrong.py").write_text(
        "import pytest\n\n@pytest.mark.perdure(crash='sometimes')\ndef test_x():\n    pass\n"
    )
    result = pytest_in(project)
    assert result.returncode != 0
    assert 'takes replay="always" and crash="everywhere"' in result.stdout + result.stderr


def test_without_the_kit_the_import_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "perdure.testing", raising=False)
    monkeypatch.setitem(sys.modules, "perdure_testing", None)
    with pytest.raises(ImportError, match=re.escape('pip install "perdure[testing]"')):
        importlib.import_module("perdure.testing")
