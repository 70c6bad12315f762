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
    """An app that accepts connections; ``endpoint_id`` is None when it has to be asked for it."""

    child: Child
    endpoint_id: str | None


def start_app(
    family: Family,
    target: str,
    listener: socket.socket,
    *,
    variables: Mapping[str, str],
    drain_s: float = 5.0,
) -> StartingApp:
    """Start an app; it is loaded while the caller goes on.

    Args:
        target: ``MODULE:APP``.
        listener: where it will accept connections, beside others that do.
        variables: its environment.
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
        """Wait until it accepts connections.

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
            return RunningApp(self._child, report["endpointId"])
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
