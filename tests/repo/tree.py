"""The files of the repository as the tests in this folder see them."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Member:
    """A distribution of ours: a folder with a ``pyproject.toml`` and ``src/<package>``."""

    folder: Path
    project: dict[str, Any]

    @property
    def name(self) -> str:
        """Return the name of the distribution, such as ``perdure-engine``."""
        return str(self.project["name"])

    @property
    def package(self) -> str:
        """Return the name of the import package, such as ``perdure_engine``."""
        return self.name.replace("-", "_")

    @property
    def source(self) -> Path:
        """Return the folder of the import package."""
        return self.folder / "src" / self.package


@cache
def members() -> tuple[Member, ...]:
    """Return every distribution of ours, in the order of their folders."""
    files = sorted([*ROOT.glob("py/*/pyproject.toml"), *ROOT.glob("integrations/*/pyproject.toml")])
    return tuple(Member(file.parent, tomllib.loads(file.read_text("utf-8"))["project"]) for file in files)


@cache
def ignored_folders() -> frozenset[str]:
    """Return the names of the folders that ``.gitignore`` leaves out, and git's own."""
    lines = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    return frozenset(line.rstrip("/") for line in lines if line.endswith("/")) | {".git"}


def files(folder: Path = ROOT) -> Iterator[Path]:
    """Yield every file that belongs to the repository, below ``folder``."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            if path.name not in ignored_folders():
                yield from files(path)
        elif path.is_file():
            yield path


def relative(path: Path) -> str:
    """Return how a failure names a file."""
    return path.relative_to(ROOT).as_posix()
