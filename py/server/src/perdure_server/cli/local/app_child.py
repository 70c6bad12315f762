"""A developer's app as a child process; a new one takes over from the old one without a refused connection.

The listening socket is ours and outlives every child: connections that come between two of them wait.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from perdure_server.cli.failures import CommandFailed
from perdure_server.cli.local.processes import Child, Family

START_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class RunningApp:
    """An app that can have executions.

    Args:
        connected_as: the id of an app that has connected to the server; None: it is served over HTTP.
    """

    child: Child
    connected_as: str | None


def start_app(
    family: Family,
    target: str,
    listener: socket.socket,
    *,
    variables: Mapping[str, str],
    connect: bool = False,
    drain_s: float = 5.0,
) -> StartingApp:
    """Start an app; it is loaded while the caller goes on.

    Args:
        target: ``MODULE:APP``.
        listener: where it will accept connections, beside others that do, unless it connects to the server.
        variables: its environment.
        connect: if it is a ``perdure.Perdure``, it connects to the server as soon as there is one.
        drain_s: seconds that its requests under way may take when it is stopped.
    """
    report, told = os.pipe()
    try:
        child = family.start(
            "app",
            [
                sys.executable,
                "-m",
                "perdure_server.cli.local.app_process",
                target,
                "connect" if connect else "serve",
                str(listener.fileno()),
                str(told),
                str(drain_s),
            ],
            variables=variables,
            pass_fds=[listener.fileno(), told],
            stops_last=True,
        )
    except BaseException:
        os.close(report)
        raise
    finally:
        os.close(told)
    return StartingApp(family, child, report)


class StartingApp:
    """An app that is being loaded."""

    def __init__(self, family: Family, child: Child, report: int) -> None:
        self._family = family
        self._child = child
        self._report = report
        self._said = b""

    def wait(self, timeout_s: float = START_TIMEOUT_S) -> RunningApp:
        """Wait until it can have executions.

        Raises:
            CommandFailed: it does not, with the reason; its process is gone then. Or another child died.
        """
        try:
            self._family.wait_until(self._has_reported, timeout_s=timeout_s, what="the start of the app")
            report = json.loads(self._said) if self._said else {}
            if "failed" in report:
                raise CommandFailed(report["failed"])
            if "started" not in report:
                self._child.wait(timeout_s=5)
                self._child.check()
            return RunningApp(self._child, report["connectedAs"])
        except BaseException:
            self._family.kill(self._child)
            raise
        finally:
            os.close(self._report)

    def _has_reported(self) -> bool:
        """Whether the report is complete: the child has closed its end, by and by or by dying."""
        while select.select([self._report], [], [], 0)[0]:
            chunk = os.read(self._report, 65536)
            if not chunk:
                return True
            self._said += chunk
        return False
