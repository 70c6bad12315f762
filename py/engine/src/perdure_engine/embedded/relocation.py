"""A place for a server's files when the usual one is closed to the server's user; only root needs it.

The files then lie below ``/var/lib/perdure``, and a link in the usual place leads there. The alternative
would be to open the folders above, such as ``/root``, to every user of the machine.
"""

import os
import shutil
import tempfile
from pathlib import Path

from .binaries import SHARED_ROOT
from .system_user import SystemUser

_ORIGIN = "origin"
"""Names the link, from inside; written last, so a folder that has it is complete."""


def relocate(link: Path, user: SystemUser) -> None:
    """Make a folder that ``user`` owns and can reach, and let ``link`` lead to it; remove abandoned ones."""
    _remove_abandoned()
    SHARED_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="server-", dir=SHARED_ROOT))
    os.chown(folder, user.uid, user.gid)
    link.unlink(missing_ok=True)  # it may lead into nothing
    link.symlink_to(folder)
    (folder / _ORIGIN).write_text(str(link))


def _remove_abandoned() -> None:
    """Remove the folders whose link somebody deleted, as with the project's ``.perdure``.

    A link whose surroundings are missing, too, may lie on a disk that is not mounted now: its folder stays,
    unless it was in the folder for temporary files.
    """
    for origin in SHARED_ROOT.glob(f"server-*/{_ORIGIN}"):
        folder, link = origin.parent, Path(origin.read_text())
        surroundings = link.parent.parent
        temporary = link.is_relative_to(tempfile.gettempdir())
        if link.resolve() != folder and (surroundings.is_dir() or temporary) and not _runs(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _runs(folder: Path) -> bool:
    try:
        os.kill(int((folder / "data" / "postmaster.pid").read_text().split()[0]), 0)
    except (FileNotFoundError, IndexError, ProcessLookupError):
        return False
    return True
