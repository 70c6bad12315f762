"""The SDK's wheel is small: an app brings it everywhere, also to hosts that count bytes."""

import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.repo.tree import ROOT

MOST_BYTES = 150_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as scripts/dist.sh builds it: with the licence."""
    folder = tmp_path_factory.mktemp("wheel")
    sources = shutil.copytree(
        ROOT / "py" / "sdk", folder / "sdk", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "LICENSE", sources)
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=sources, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_it_has_the_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/LICENSE"))
        assert archive.read(name) == (ROOT / "LICENSE").read_bytes()


def test_it_is_small(wheel: Path) -> None:
    size = wheel.stat().st_size
    assert size < MOST_BYTES, f"{size} bytes: fewer words, or a part that not every app needs as an extra"


def test_it_needs_pydantic_and_one_http_client_no_more(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    asked = [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]
    assert {one.name for one in asked if "extra" not in str(one.marker)} == {"pydantic", "httptools"}


def test_every_file_of_it_is_as_it_was_written(wheel: Path) -> None:
    source = ROOT / "py" / "sdk" / "src"
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        assert {name for name in names if archive.read(name) != (source / name).read_bytes()} == set()
    assert "perdure/app.py" in names
