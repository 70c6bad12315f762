"""The Slack integration: a workspace's token and its tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perdure.errors import ConfigurationError
from perdure.integration import Integration
from perdure_slack.api import SlackApi
from perdure_slack.tasks import SlackTasks

if TYPE_CHECKING:
    from perdure.io import IO


class Slack(Integration):
    """Slack in jobs: ``io.<name>.post_message(...)``.

    Args:
        name: how jobs reach it: ``io.<name>``.
        token: a bot's token (``xoxb-…``) with the scope ``chat:write``; when absent the environment variable
            ``SLACK_BOT_TOKEN``, read at the first call. It stays in this process: the platform never sees it.
        base_url: where Slack's methods are, ``https://slack.com/api/`` when absent.
    Raises:
        ConfigurationError: the name is not an identifier, or the token is empty.
    """

    kind = "slack"
    title = "Slack"
    icon = "slack"

    def __init__(self, name: str, *, token: str | None = None, base_url: str | None = None) -> None:
        super().__init__(name)
        if token == "":
            raise ConfigurationError(f"integration {name!r}: token is empty; give a token of Slack's")
        self._api = SlackApi(token, base_url)

    def bind(self, io: IO) -> SlackTasks:
        """What ``io.<name>`` is. ``slack.bind(io)`` is the same, with its type known to type checkers."""
        return SlackTasks(self, io, self._api)
