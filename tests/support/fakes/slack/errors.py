"""How Slack refuses a call."""

from __future__ import annotations

from typing import Any


class SlackError(Exception):
    """A call that Slack refuses: HTTP 200, ``ok: false`` and a code."""

    def __init__(self, code: str, **more: str) -> None:
        super().__init__(code)
        self.body: dict[str, Any] = {"ok": False, "error": code, **more}
