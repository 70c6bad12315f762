"""The fake GitHub and Slack as processes, and what people do there, over HTTP."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import httpx

from perdure_server.cli.local.processes import Family, wait_until

ROOT = Path(__file__).resolve().parents[2]
OWNER, REPO = "acme", "site"
BOT_TOKEN = "ghp_demo_bot"  # of the app; the fake knows it by its arguments
USER_TOKEN = "ghp_demo_mona"  # of a person
SLACK_TOKEN = "xoxb-demo"
_BY_HAND = "demo"
_START_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class FakeCall:
    """A call that a fake got from the app."""

    method: str
    path: str
    status: int | None
    body: Any

    @property
    def name(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"


class Fake:
    """A fake service in a process of its own.

    Args:
        module: run by ``python -m``; prints its URL when it listens.
    """

    _headers: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self, family: Family, name: str, module: str, *arguments: str, variables: Mapping[str, str]
    ) -> None:
        self._child = family.start(
            name, [sys.executable, "-m", module, *arguments], variables={**variables, "PYTHONPATH": str(ROOT)}
        )

    @cached_property
    def url(self) -> str:
        """Where it listens; waits until it does."""
        return self._child.wait_for_line(lambda line: line.startswith("http://"), timeout_s=_START_TIMEOUT_S)

    @cached_property
    def client(self) -> httpx.Client:
        """For what we do there by hand."""
        headers = {"user-agent": _BY_HAND, **self._headers}
        return httpx.Client(base_url=self.url, headers=headers, timeout=15, trust_env=False)

    def close(self) -> None:
        """Close our connections; the process ends with its family."""
        self.client.close()

    def calls(self) -> list[FakeCall]:
        """What the app called, oldest first; what we do by hand does not count."""
        found = self.client.get("/_calls").raise_for_status().json()
        return [
            FakeCall(call["method"], call["path"], call["status"], call["body"])
            for call in found
            if call["headers"].get("user-agent") != _BY_HAND
        ]

    def hold_next(self, path: str) -> None:
        """Let the next call of a path wait for ``release``: a service that is slow."""
        self.client.post("/_faults", json={"path": path, "held": True}).raise_for_status()

    def release(self) -> None:
        """Let held calls go on."""
        self.client.post("/_release").raise_for_status()


class GitHub(Fake):
    """The fake GitHub, with the repository acme/site."""

    _headers: ClassVar[Mapping[str, str]] = {"authorization": f"Bearer {USER_TOKEN}"}

    def __init__(self, family: Family, variables: Mapping[str, str]) -> None:
        tokens = ("--bot-token", BOT_TOKEN, "--user-token", USER_TOKEN)
        super().__init__(
            family,
            "github",
            "tests.support.fakes.github",
            "--repo",
            f"{OWNER}/{REPO}",
            *tokens,
            variables=variables,
        )
        self._repo = f"/repos/{OWNER}/{REPO}"

    def webhooks(self) -> list[dict[str, Any]]:
        """The webhooks registered for the repository."""
        hooks: list[dict[str, Any]] = self._get(f"{self._repo}/hooks")
        return hooks

    def open_issue(self, title: str) -> int:
        """Open an issue, as a person does; returns its number. GitHub tells the webhooks."""
        issue: dict[str, Any] = self._post(f"{self._repo}/issues", {"title": title})
        number: int = issue["number"]
        return number

    def comment(self, number: int, text: str) -> None:
        """Comment on an issue, as a person does."""
        self._post(f"{self._repo}/issues/{number}/comments", {"body": text})

    def issue(self, number: int) -> dict[str, Any]:
        """An issue as it is now."""
        issue: dict[str, Any] = self._get(f"{self._repo}/issues/{number}")
        return issue

    def deliveries(self) -> list[dict[str, Any]]:
        """What GitHub sent to the webhook, oldest first, each with the answer's status."""
        (hook,) = self.webhooks()
        newest_first: list[dict[str, Any]] = self._get(
            f"{self._repo}/hooks/{hook['id']}/deliveries?per_page=100"
        )
        return newest_first[::-1]

    def redeliver(self, delivery: Mapping[str, Any]) -> None:
        """Send a delivery again under the same id, as the button at GitHub does."""
        (hook,) = self.webhooks()
        self._post(f"{self._repo}/hooks/{hook['id']}/deliveries/{delivery['id']}/attempts", {})

    def wait_for_delivery(self, before: int, *, timeout_s: float = 15) -> dict[str, Any]:
        """Wait until ``issues.opened`` was sent and answered.

        Args:
            before: how many deliveries there were already.
        """

        def answered() -> dict[str, Any] | None:
            new = self.deliveries()[before:]
            opened = [entry for entry in new if (entry["event"], entry["action"]) == ("issues", "opened")]
            return next((entry for entry in opened if entry["status"] != "pending"), None)

        found = wait_until(answered, timeout_s=timeout_s, what="GitHub's delivery of issues.opened")
        assert found is not None  # noqa: S101  # wait_until returns what is true only
        return found

    def _get(self, path: str) -> Any:
        return self.client.get(path).raise_for_status().json()

    def _post(self, path: str, body: Any) -> Any:
        return self.client.post(path, json=body).raise_for_status().json()


class Slack(Fake):
    """The fake Slack."""

    def __init__(self, family: Family, variables: Mapping[str, str]) -> None:
        super().__init__(
            family, "slack", "tests.support.fakes.slack", "--token", SLACK_TOKEN, variables=variables
        )

    @property
    def api_url(self) -> str:
        """Where its methods are."""
        return f"{self.url}/api/"
