"""What ``perdure dev`` shows when everything runs: where what is, and what to do next."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from perdure_server.cli.output import align, styled

_NEXT = (
    ("perdure runs list", "see what came of it"),
    ("perdure schedules on", "let schedules fire; at first they do not"),
    ("perdure dashboard", "another link to the dashboard"),
)


@dataclass(frozen=True, slots=True)
class Screen:
    """The facts.

    Args:
        link: logs in to the dashboard.
        app: what runs where, with its jobs.
        server: its URL.
        webhooks: where providers send them.
        key: the beginning of the API key, and where it is.
        postgres: how to look into it.
        event: the command that starts a job; None: no event starts one.
    """

    link: str
    app: str
    server: str
    webhooks: str
    key: str
    postgres: str
    event: str | None

    def lines(self) -> list[str]:
        """The screen; as wide as a terminal, where addresses and commands are not longer."""
        facts = align(
            (
                ("app", self.app),
                ("server", f"{self.server} (PERDURE_API_URL)"),
                ("webhooks", self.webhooks),
                ("API key", self.key),
                ("Postgres", self.postgres),
            )
        )
        event = self.event or "perdure trigger NAME --payload '{}'"
        return [
            styled("perdure dev: everything runs", sys.stdout, bold=True, fg="green"),
            "",
            "The dashboard, where this link logs you in (once, within 15 minutes):",
            "",
            f"  {styled(self.link, sys.stdout, bold=True)}",
            "",
            *(f"  {line}" for line in facts),
            "",
            "Start a job by an event, from a second terminal in this folder:",
            "",
            f"  {styled(event, sys.stdout, bold=True)}",
            "",
            *(f"  {line}" for line in align(_NEXT)),
            "",
            "The app is loaded anew when its code changes. Press Ctrl-C to stop everything.",
            "",
        ]
