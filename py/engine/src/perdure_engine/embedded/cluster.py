"""The files of an embedded server: where they lie, and how a new cluster is made."""

import hashlib
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from perdure_engine.errors import EmbeddedPostgresError

from .binaries import major_version
from .relocation import relocate
from .system_user import SystemUser, run_as

SUPERUSER = "postgres"
_LONGEST_SOCKET_PATH = 103  # bytes; the shortest limit of the systems we know (macOS)


class Cluster:
    """The folder of one embedded server.

    ``users.lock`` and ``supervisor.lock`` say who uses and who runs it, ``postgres.log`` is the server's
    log. ``server/`` belongs to the user the server runs as: ``server/data`` is PostgreSQL's data directory,
    ``server/socket`` holds its socket, ``server/password`` the superuser's password for TCP. When we are
    root and that user cannot reach the folder, ``server`` is a link to a folder below ``/var/lib/perdure``,
    so that nobody's home has to be opened.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.users_lock = self.folder / "users.lock"
        self.supervisor_lock = self.folder / "supervisor.lock"
        self.log = self.folder / "postgres.log"
        self.port_file = self.folder / "port"
        self._home_name = self.folder / "server"

    @property
    def home(self) -> Path:
        """The folder of the server's user, without a link: that user may be unable to follow it."""
        return self._home_name.resolve()

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.home / "data"

    @property
    def password_file(self) -> Path:
        """Holds the superuser's password."""
        return self.home / "password"

    @property
    def socket_dir(self) -> Path:
        """The folder of the server's socket: below ``server/``, or elsewhere when that path is too long."""
        usual = self.home / "socket"
        if len(os.fsencode(usual / ".s.PGSQL.65535")) <= _LONGEST_SOCKET_PATH:
            return usual
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"perdure-{digest}"

    @property
    def postmaster_lines(self) -> list[str]:
        """The lines of the server's ``postmaster.pid``; empty when there is none."""
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def prepare(self, user: SystemUser | None) -> None:
        """Make the folder, which the lock files need; harmless when it is there."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if user:
            self.folder.chmod(0o711)  # the server's user must pass through

    def ensure_initialized(self, bin_dir: Path, user: SystemUser | None, *, sync: bool) -> None:
        """Make a cluster unless there is one. The caller holds the supervisor's lock.

        Args:
            bin_dir: where ``initdb`` is.
            user: who owns the cluster; ``None``: we do.
            sync: have a new cluster safely on disk before going on.
        Raises:
            EmbeddedPostgresError: initdb failed, or the cluster is of another major version.
        """
        if not self._home_name.exists():
            self._make_home(user)
        version_file = self.data / "PG_VERSION"
        if version_file.exists():
            found, needed = version_file.read_text().strip(), str(major_version(bin_dir))
            if found != needed:
                raise EmbeddedPostgresError(
                    f"the cluster in {self.data} is of PostgreSQL {found}, the programs are of {needed}: "
                    f"dump it with {found} and load it anew, or delete {self.folder} if its data may go"
                )
        else:
            self._initialize(bin_dir, user, sync=sync)
        self._make_socket_dir(user)

    def delete(self) -> None:
        """Remove every file, also those outside the folder."""
        shutil.rmtree(self.socket_dir, ignore_errors=True)
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_home(self, user: SystemUser | None) -> None:
        if user and not user.can_enter(self.folder):
            relocate(self._home_name, user)
        else:
            self._home_name.mkdir(mode=0o700, exist_ok=True)
            if user:
                os.chown(self._home_name, user.uid, user.gid)

    def _make_socket_dir(self, user: SystemUser | None) -> None:
        folder = self.socket_dir
        folder.mkdir(mode=0o700, exist_ok=True)
        owner = user.uid if user else os.geteuid()
        found = folder.lstat().st_uid
        if found not in (owner, os.geteuid()):  # somebody else could listen there in the server's place
            raise EmbeddedPostgresError(f"{folder} belongs to user number {found}, not to {owner}: remove it")
        if user:
            os.chown(folder, user.uid, user.gid, follow_symlinks=False)

    def _initialize(self, bin_dir: Path, user: SystemUser | None, *, sync: bool) -> None:
        partial = self.home / "data.partial"  # renamed at the end: a broken start leaves no half of a cluster
        shutil.rmtree(partial, ignore_errors=True)
        self.password_file.touch(mode=0o600)
        if user:
            os.chown(self.password_file, user.uid, user.gid)
        self.password_file.write_text(secrets.token_urlsafe(24))
        command: list[str | Path] = [bin_dir / "initdb", "-D", partial, "-U", SUPERUSER, "--encoding=UTF8"]
        command += ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={self.password_file}"]
        command += [*_locale(bin_dir), *([] if sync else ["--no-sync"])]
        done = run_as(user, command)
        if done.returncode:
            problem = done.stderr.strip() or done.stdout.strip()
            raise EmbeddedPostgresError(f"initdb failed for {partial}: {problem}")
        partial.rename(self.data)


def _locale(bin_dir: Path) -> list[str]:
    """Collation that is the same on every machine: PostgreSQL's own since 17, the system's C.UTF-8 before."""
    if major_version(bin_dir) >= 17:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8"]
