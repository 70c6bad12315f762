"""The founding example: an issue that nobody looks at for a day is posted to Slack and gets an assignee.

``perdure dev examples.github_reminder.app:app`` runs it; the README beside it lists the settings.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from perdure import IO, Context, Perdure
from perdure_github import GitHub, IssueOpened
from perdure_slack import Slack


@dataclass(frozen=True)
class Settings:
    """What differs from place to place. ``delay_s`` is None where it is not set."""

    owner: str
    repo: str
    assignee: str
    channel: str
    delay_s: float | None

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Settings:
        """The settings from environment variables."""
        delay = variables.get("REMINDER_DELAY_SECONDS")
        return cls(
            owner=variables.get("GITHUB_OWNER", "acme"),
            repo=variables.get("GITHUB_REPO", "site"),
            assignee=variables.get("GITHUB_ASSIGNEE", "matt"),
            channel=variables.get("SLACK_CHANNEL", "C04GWUTDC3W"),
            delay_s=float(delay) if delay else None,
        )

    def delay(self, ctx: Context) -> timedelta:
        """How long an issue may lie: a day, and a minute in development."""
        if self.delay_s is not None:
            return timedelta(seconds=self.delay_s)
        return timedelta(seconds=60) if ctx.environment.is_development else timedelta(hours=24)


settings = Settings.read(os.environ)
app = Perdure("github-reminder")
github = GitHub("github", base_url=os.environ.get("GITHUB_API_URL"))  # its token is GITHUB_TOKEN
slack = Slack("slack", base_url=os.environ.get("SLACK_API_URL"))  # its token is SLACK_BOT_TOKEN


@app.job(
    id="new-github-issue-reminder",
    version="0.1.0",
    on=github.issue_opened(owner=settings.owner, repo=settings.repo),
    integrations=[github, slack],
)
async def remind(payload: IssueOpened, io: IO, ctx: Context) -> str:
    """Wait, look again, and remind people if nothing happened."""
    repo = {"owner": settings.owner, "repo": settings.repo}
    await io.wait("wait", settings.delay(ctx))
    issue = await io.github.get_issue("get issue", **repo, number=payload.issue.number)
    if issue.updated_at != payload.issue.updated_at:
        return "active"
    text = f"Nobody has looked at <{issue.html_url}|{issue.title}> yet."
    await io.slack.post_message("Slack reminder", channel=settings.channel, text=text)
    await io.github.add_assignees("add assignee", **repo, number=issue.number, assignees=[settings.assignee])
    return "reminded"


asgi = app.asgi()
