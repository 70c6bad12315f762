"""The system user that the server runs as when we are root, because PostgreSQL refuses to be root."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from perdure_engine.errors import EmbeddedPostgresError

USER_NAME = "perdure_postgres"


@dataclass(frozen=True, slots=True)
class SystemUser:
    """A user of this machine, by the numbers that the kernel knows."""

    uid: int
    gid: int

    def can_enter(self, folder: Path) -> bool:
        """Whether this user may reach what is in ``folder``: the kernel answers, so access lists count."""
        return run_as(self, ["/bin/sh", "-c", 'test -x "$1"', "sh", folder]).returncode == 0


def run_as(user: SystemUser | None, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run a program as ``user`` (``None``: ourselves) to its end; what it prints is in the result."""
    if user is None:
        return subprocess.run(  # noqa: S603
            command, check=False, text=True, capture_output=True, stdin=subprocess.DEVNULL, cwd="/"
        )
    return subprocess.run(  # noqa: S603
        command,
        check=False,
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        cwd="/",
        user=user.uid,
        group=user.gid,
        extra_groups=[],
    )


def server_user() -> SystemUser | None:
    """The user to run the server as: ``None`` (ourselves) unless we are root; then one made for this purpose.

    Raises:
        EmbeddedPostgresError: the user does not exist and cannot be made.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(USER_NAME)
    except KeyError:
        entry = _create_user()
    return SystemUser(uid=entry.pw_uid, gid=entry.pw_gid)


def _create_user() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    command += ["--shell", "/usr/sbin/nologin", USER_NAME]
    problem = "there is no program useradd"
    if shutil.which("useradd"):
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
        problem = done.stderr.strip()
    try:
        return pwd.getpwnam(USER_NAME)  # also when another process made it at the same moment
    except KeyError:
        raise EmbeddedPostgresError(
            f"PostgreSQL does not run as root, and the user {USER_NAME} could not be made for it: {problem}. "
            f"Make it (`{' '.join(command)}`), start as an ordinary user, or use a server of your own."
        ) from None
