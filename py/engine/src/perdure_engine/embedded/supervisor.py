"""The process between us and the server: it keeps one PostgreSQL alive for as long as somebody uses it.

Every user of the server holds a shared lock on one file. This process waits for the exclusive lock on that
file, which the kernel grants once the last user has let go, also when that user was killed; then it shuts
the server down and ends. It is started by path with ``python -I -S`` and may import the standard library
only.

Arguments: users-lock path, uid and gid to run the server as (``-`` for our own), the server's command.
Signals: SIGTERM and SIGINT stop the server in order (its fast shutdown), SIGQUIT at once (immediate
shutdown, like a crash).
"""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import threading
from types import FrameType

FAST_SHUTDOWN = signal.SIGINT
IMMEDIATE_SHUTDOWN = signal.SIGQUIT
PATIENCE_S = 30.0
"""Seconds that a shutdown may take before the next harder one."""

PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """In the child, before exec: the kernel shall stop the server if this supervisor is killed (Linux)."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(FAST_SHUTDOWN), 0, 0, 0)


def _spawn(command: list[str], uid: str, gid: str) -> subprocess.Popen[bytes]:
    # preexec_fn is safe here: this process has one thread so far. It runs after the change of user, which
    # would otherwise clear the death signal again.
    before_exec = _die_with_parent if sys.platform == "linux" else None
    if uid == "-":
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=before_exec)  # noqa: S603
    return subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=before_exec,
        user=int(uid),
        group=int(gid),
        extra_groups=[],
    )


def _stop_when_unused(users_lock: str, server: subprocess.Popen[bytes], gone: threading.Event) -> None:
    """Wait for the last user, then stop the server. Who comes now waits for the lock and starts a new one."""
    handle = os.open(users_lock, os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX)
    for how in (FAST_SHUTDOWN, IMMEDIATE_SHUTDOWN, signal.SIGKILL):
        server.send_signal(how)
        if gone.wait(PATIENCE_S):
            return


def main(arguments: list[str]) -> int:
    """Run the server until it is unused or we are told to stop; returns its exit status."""
    users_lock, uid, gid, *command = arguments
    os.umask(0o077)
    server = _spawn(command, uid, gid)

    def stop(number: int, _frame: FrameType | None) -> None:
        server.send_signal(IMMEDIATE_SHUTDOWN if number == signal.SIGQUIT else FAST_SHUTDOWN)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, stop)
    gone = threading.Event()
    threading.Thread(target=_stop_when_unused, args=(users_lock, server, gone), daemon=True).start()
    status = server.wait()
    gone.set()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
