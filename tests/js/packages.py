"""Node, and the npm packages of these tests and of those in a browser, installed from their lock files.

``python -m tests.js.packages`` installs them; the tests do it, too, when they are not there.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
APP = HERE / "app"
TOOLS = HERE / "tools"
BROWSER = HERE.parent / "browser" / "packages"
"""What the tests in a browser need."""
SDKS = {"sdk-2.3.19": HERE / "sdk-2", "sdk-3.3.12": HERE / "sdk-3"}
"""The folders of the official SDK's versions, by the names that the tests have under them."""

_OLDEST_NODE = 20
_TIMEOUT_S = 240


def why_no_node() -> str | None:
    """What these tests miss on this machine; None: nothing."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            return (
                f"{program} is not installed: the official JavaScript SDK needs Node {_OLDEST_NODE} or newer"
            )
    version = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < _OLDEST_NODE:
        return f"Node {version} is too old: the official JavaScript SDK needs Node {_OLDEST_NODE} or newer"
    return None


def install(folder: Path) -> None:
    """Install what the folder's lock file lists, unless that is there already; one process at a time.

    Raises:
        RuntimeError: it cannot be done; with what npm says.
    """
    lock_file = folder / "package-lock.json"
    with lock_file.open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        installed = folder / "node_modules" / ".package-lock.json"  # npm writes it last
        if installed.exists() and installed.stat().st_mtime >= lock_file.stat().st_mtime:
            return
        done = subprocess.run(
            ["npm", "ci"], cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_S, env={**os.environ}
        )
        if done.returncode != 0:
            raise RuntimeError(f"npm ci in {folder.name} failed:\n{done.stdout}{done.stderr}")
        installed.touch()


if __name__ == "__main__":  # before the tests, where installing would count as their time
    for packages in (TOOLS, *SDKS.values(), BROWSER):
        install(packages)
