"""The Slack integration: a workspace's token and its tasks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.error import URLError

from perdure import IO, Credentials, Integration, RateLimit, SyncIO
from perdure_integrations.auth import AuthSource
from perdure_slack.errors import SlackError, from_slack_sdk
from perdure_slack.tasks import SlackTasks

if TYPE_CHECKING:
    from slack_sdk.web.client import WebClient

TIMEOUT_S = 30


class Slack(Integration[SlackTasks[IO], SlackTasks[SyncIO]]):
    """Slack in jobs: ``io.<name>.post_message(...)``.

    Args:
        name: how jobs reach it: ``io.<name>``.
        token: a bot's token (``xoxb-…``) with the scope ``chat:write``; when absent the environment variable
            ``SLACK_BOT_TOKEN``, read at the first call. It stays in this process: the platform never sees it.
        auth: HOSTED: the workspace is connected at the platform; RESOLVER: a function of the app finds a
            token for each run.
        base_url: where Slack's methods are, ``https://slack.com/api/`` when absent.
    Raises:
        ConfigurationError: the name is not an identifier, or the token is empty.
    """

    kind = "slack"
    title = "Slack"
    icon = "slack"
    token_variable = "SLACK_BOT_TOKEN"
    rate_limit = RateLimit(unsaid=timedelta(seconds=30))

    def __init__(
        self,
        name: str,
        *,
        token: str | None = None,
        auth: AuthSource = "LOCAL",
        base_url: str | None = None,
    ) -> None:
        super().__init__(name, token=token, auth=auth)
        self._base_url = base_url

    def connect(self, credentials: Credentials) -> WebClient:
        """Slack-sdk's blocking client, which tasks call in a thread.

        The asynchronous one needs aiohttp, which is eight more packages and 0.2 s more at every start of an
        app, and gains nothing for calls that are one request each.
        """
        from slack_sdk.web.client import WebClient

        client = WebClient(
            credentials.token,
            base_url=self._base_url or WebClient.BASE_URL,
            timeout=TIMEOUT_S,
            retry_handlers=[],  # a task is one call, and the platform decides about the next
        )
        # slack-sdk takes HTTPS_PROXY and forgets NO_PROXY; without a proxy of its own urllib heeds both.
        client.proxy = None
        return client

    def explain(self, error: Exception) -> Exception:
        """What slack-sdk raises, as a SlackError."""
        from slack_sdk.errors import SlackApiError

        if isinstance(error, SlackApiError):
            return from_slack_sdk(error, self.rate_limit, now=datetime.now(UTC))
        if isinstance(error, URLError | ConnectionError | TimeoutError | HTTPException):
            return SlackError(None, f"no answer: {error}")
        return error
