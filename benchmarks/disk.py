"""Where data lies: a benchmark in memory would measure no durability."""

from __future__ import annotations

from pathlib import Path

_IN_MEMORY = {"tmpfs", "ramfs", "devtmpfs"}


class NotDurable(RuntimeError):
    """The folder is in memory."""


def check_durable(folder: Path) -> str:
    """The file system that a folder is on.

    Raises:
        NotDurable: it is in memory.
    """
    wanted = folder.resolve()
    best, found = Path("/"), "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        _device, mount, kind, *_ = line.split()
        if wanted.is_relative_to(mount) and Path(mount).is_relative_to(best):
            best, found = Path(mount), kind
    if found in _IN_MEMORY:
        raise NotDurable(f"{folder} is on {found}, in memory: give a folder on a disk with --folder")
    return found
