"""Wheels without a download: ours are built from the tree, the others packed from what is installed here."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.repo.tree import members

_MEMBERS = {member.name: member for member in members()}
_OF_THE_INSTALLATION = frozenset({"INSTALLER", "REQUESTED", "direct_url.json"})


def fill_wheelhouse(folder: Path, wanted: str) -> None:
    """Put wheels of a requirement, and of all that it needs in turn, into a folder.

    Args:
        wanted: such as ``perdure[dev]``; everything of it has to be installed here.
    """
    for found in _closure(wanted):
        if member := _MEMBERS.get(found.name):
            _build(member.folder, folder)
        else:
            _pack(found, folder)


def _closure(wanted: str) -> list[Distribution]:
    """What is installed of a requirement and of all that it needs."""
    found: dict[str, Distribution] = {}
    left, seen = [Requirement(wanted)], set[str]()
    while left:
        asked = left.pop()
        if str(asked) not in seen:
            seen.add(str(asked))
            name = canonicalize_name(asked.name)
            found[name] = distribution(name)
            left += _needs(name, asked.extras)
    return list(found.values())


def _needs(name: str, extras: Iterable[str]) -> Iterator[Requirement]:
    """What a distribution needs with these extras; ours by the tree: what is installed may be older."""
    if member := _MEMBERS.get(name):
        yield from map(Requirement, member.project["dependencies"])
        for extra in extras:
            yield from map(Requirement, member.project["optional-dependencies"][extra])
        return
    for needed in map(Requirement, distribution(name).requires or ()):
        if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield needed


def _build(sources: Path, folder: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=sources, check=True, capture_output=True)


def _pack(installed: Distribution, folder: Path) -> None:
    """The wheel that a distribution was installed from; its scripts are made anew from that."""
    lines = (installed.read_text("WHEEL") or "").splitlines()
    tags = [line.removeprefix("Tag: ").split("-") for line in lines if line.startswith("Tag: ")]
    tag = "-".join(".".join(dict.fromkeys(parts)) for parts in zip(*tags, strict=True))
    name = f"{installed.name.replace('-', '_')}-{installed.version}-{tag}.whl"
    with zipfile.ZipFile(folder / name, "w") as archive:
        for file in installed.files or ():
            if ".." not in file.parts and file.suffix != ".pyc" and file.name not in _OF_THE_INSTALLATION:
                archive.write(str(file.locate()), str(file))
