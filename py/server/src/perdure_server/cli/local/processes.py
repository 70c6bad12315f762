"""Programs that run as our children: their output collected, their death noticed, none left behind.

A child is started through ``guard.py``, so that the kernel kills it when we die, also by kill -9. It has a
session of its own: Ctrl-C reaches us alone, and we stop the children in the order that is right for them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

from perdure_server.cli.failures import CommandFailed

_GUARD = Path(__file__).with_name("guard.py")
_POLL_S = 0.02
_KEPT_LINES = 60
_LAST_LINES = 20
STOP_TIMEOUT_S = 30.0

Value = TypeVar("Value")
OnLine = Callable[[str, str], None]
"""Gets a child's name and a line of its output; called in a thread of its own."""


class ChildDied(CommandFailed):
    """A child ended that should have gone on; the text has the end of its output."""


class Child:
    """One program: started, watched, stopped. Start it in the main thread (see ``guard.py``).

    Args:
        name: for messages.
        command: the program and its arguments.
        variables: its whole environment.
        on_line: gets each line that it prints, on stdout or stderr.
        pass_fds: open files that it inherits under the same numbers.
        cwd: its working directory; None: ours.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        variables: Mapping[str, str],
        on_line: OnLine | None = None,
        pass_fds: Sequence[int] = (),
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self._on_line = on_line
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._printed = threading.Condition()
        self._process = subprocess.Popen(  # noqa: S603  # the programs are our own
            [sys.executable, "-I", "-S", str(_GUARD), str(os.getpid()), *command],
            env={**variables, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=pass_fds,
            cwd=cwd,
        )
        self._reader = threading.Thread(target=self._read, name=f"output of {name}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.poll()

    @property
    def lines(self) -> list[str]:
        """The last lines that it printed."""
        with self._printed:
            return list(self._lines)

    def wait_for_line(self, matches: Callable[[str], bool], *, timeout_s: float) -> str:
        """Wait until it prints such a line.

        Raises:
            ChildDied: it ended before.
            CommandFailed: the deadline passed.
        """

        def find() -> str | None:
            return next((line for line in self.lines if matches(line)), None)

        found = wait_until(find, timeout_s=timeout_s, what=f"a first word of {self.name}", children=[self])
        return found or ""

    def check(self) -> None:
        """Make sure that it runs.

        Raises:
            ChildDied: it does not.
        """
        status = self.exit_status
        if status is not None:
            self._reader.join(timeout=2)  # what it said last
            raise ChildDied(f"{self.name} {_how_it_ended(status)}.{self._last_words()}")

    def wait(self, *, timeout_s: float) -> None:
        """Wait until it has ended.

        Raises:
            CommandFailed: it goes on.
        """
        wait_until(lambda: self.exit_status is not None, timeout_s=timeout_s, what=f"the end of {self.name}")

    def interrupt(self) -> None:
        """Ask it to stop (SIGTERM)."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once (SIGKILL), and wait until it is gone."""
        self._send(signal.SIGKILL)
        self._process.wait()
        self._close()

    def stop(self, *, timeout_s: float = STOP_TIMEOUT_S, hurry: Callable[[], bool] = lambda: False) -> None:
        """Ask it to stop, wait, and kill it when it takes longer than allowed.

        Args:
            timeout_s: seconds that it may take.
            hurry: asked meanwhile; true: kill it now.
        """
        self.interrupt()
        deadline = time.monotonic() + timeout_s
        while self.exit_status is None and time.monotonic() < deadline and not hurry():
            time.sleep(_POLL_S)
        self.kill()

    def _send(self, number: signal.Signals) -> None:
        if self.exit_status is None:
            self._process.send_signal(number)

    def _close(self) -> None:
        """Let the reader finish; a program that the child left behind may keep the pipe open for longer."""
        self._reader.join(timeout=2)
        if not self._reader.is_alive() and self._process.stdout:
            self._process.stdout.close()

    def _read(self) -> None:
        output = self._process.stdout
        assert output is not None  # noqa: S101  # it is a pipe
        for raw in output:
            line = raw.decode(errors="replace").rstrip("\r\n")
            with self._printed:
                self._lines.append(line)
            if self._on_line:
                self._on_line(self.name, line)

    def _last_words(self) -> str:
        last = [line for line in self.lines if line.strip()][-_LAST_LINES:]
        return "\n" + "\n".join(f"    {line}" for line in last) if last else " It printed nothing."


class Family:
    """All children of this process; on leaving, they are stopped, the youngest first.

    Args:
        on_line: gets each line that any of them prints.
        hurry: asked while they are stopped; true: kill them now.
        stop_timeout_s: seconds that each may take to stop.
    """

    def __init__(
        self,
        *,
        on_line: OnLine | None = None,
        hurry: Callable[[], bool] = lambda: False,
        stop_timeout_s: float = STOP_TIMEOUT_S,
    ) -> None:
        self._on_line = on_line
        self._hurry = hurry
        self._stop_timeout_s = stop_timeout_s
        self._children: list[Child] = []

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        variables: Mapping[str, str],
        pass_fds: Sequence[int] = (),
        stops_last: bool = False,
    ) -> Child:
        """Start a program.

        Args:
            variables: its whole environment.
            pass_fds: open files that it inherits under the same numbers.
            stops_last: on leaving, it is stopped after all that are there by now.
        """
        child = Child(name, command, variables=variables, on_line=self._on_line, pass_fds=pass_fds)
        self._children.insert(0 if stops_last else len(self._children), child)
        return child

    def check(self) -> None:
        """Make sure that all run.

        Raises:
            ChildDied: one does not.
        """
        for child in self._children:
            child.check()

    def stop(self, child: Child) -> None:
        """Stop one; it does not count as dead."""
        self.disown(child)
        child.stop(timeout_s=self._stop_timeout_s, hurry=self._hurry)

    def kill(self, child: Child) -> None:
        """Kill one with -9; it does not count as dead."""
        self.disown(child)
        child.kill()

    def disown(self, child: Child) -> None:
        """Forget one that has ended, or will be stopped by the caller."""
        self._children.remove(child)

    def wait_until(self, look: Callable[[], Value], *, timeout_s: float, what: str) -> Value:
        """``wait_until``, as long as all children run."""
        return wait_until(look, timeout_s=timeout_s, what=what, children=self._children)

    def close(self) -> None:
        """Stop all, the youngest first."""
        while self._children:
            child = self._children[-1]
            child.stop(timeout_s=self._stop_timeout_s, hurry=self._hurry)
            self._children.pop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        try:
            self.close()
        except BaseException:  # told to stop while we stop: no more patience
            for child in self._children:
                child.kill()
            raise


def wait_until(
    look: Callable[[], Value],
    *,
    timeout_s: float,
    what: str,
    children: Sequence[Child] = (),
    poll_s: float = _POLL_S,
) -> Value:
    """Call ``look`` until it returns something true, and return that.

    Args:
        timeout_s: seconds after which it is given up.
        what: what is waited for, for the message.
        children: without whom the wait is in vain.
        poll_s: seconds between two calls.
    Raises:
        ChildDied: one of them did.
        CommandFailed: the deadline passed.
    """
    deadline = time.monotonic() + timeout_s
    while not (value := look()):
        for child in children:
            child.check()
        if time.monotonic() > deadline:
            raise CommandFailed(f"{what} did not happen within {timeout_s:g} s")
        time.sleep(poll_s)
    return value


def _how_it_ended(status: int) -> str:
    if status < 0:
        return f"was ended by signal {signal.Signals(-status).name}"
    return f"ended with exit status {status}"
