"""Becomes another program that the kernel kills when the process that asked for it dies, however it dies.

Started by path with ``python -I -S`` and may import the standard library only. Arguments: the number of the
parent process, then the command. It sets Linux's parent-death signal (prctl PR_SET_PDEATHSIG) to SIGKILL and
executes the command in its own place, so the command keeps this process number. The setting survives exec;
setting it here rather than between fork and exec of the parent is safe when the parent has threads. The
signal comes when the *thread* that started us ends: start programs from the main thread.

Elsewhere than on Linux it only executes the command: a parent that is killed with -9 leaves it behind.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Set the death signal, then become the command."""
    parent, *command = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != int(parent):  # it died before the kernel knew that it matters
            sys.exit(1)
    try:
        os.execvp(command[0], command)  # noqa: S606  # the command is our parent's own
    except OSError as error:
        sys.exit(f"cannot start {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
