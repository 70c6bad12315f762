"""The client of Slack's Web API: made on first use, one call at a time, its failures translated.

It is slack-sdk's blocking client in a thread. The asynchronous one needs aiohttp, which is eight more
packages and 0.2 s more at every start of an app, and gains nothing for calls that are one request each.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from http.client import HTTPException
from typing import TYPE_CHECKING, TypeVar

from perdure_slack.errors import SlackError, from_slack_sdk

if TYPE_CHECKING:
    from slack_sdk.web.client import WebClient

T = TypeVar("T")

TOKEN_VARIABLE = "SLACK_BOT_TOKEN"
TIMEOUT_S = 30


class SlackApi:
    """Calls Slack's Web API with a token.

    Args:
        token: None: the environment variable ``SLACK_BOT_TOKEN``, when the first call is made.
        base_url: where its methods are; None: Slack's own.
    """

    def __init__(self, token: str | None, base_url: str | None) -> None:
        self._token = token
        self._base_url = base_url

    async def call(self, method: str, fn: Callable[[WebClient], T]) -> T:
        """Give the client to ``fn``, in a thread, and translate what it raises.

        Args:
            method: Slack's name of what is called, for error texts.
        Raises:
            SlackError: Slack refused, or did not answer.
        """
        from slack_sdk.errors import SlackApiError

        try:
            return await asyncio.to_thread(fn, self._client)
        except SlackApiError as error:
            raise from_slack_sdk(method, error, now=datetime.now(UTC)) from error
        except (OSError, HTTPException) as error:  # no connection, no answer in time, half an answer
            raise SlackError(method, f"no answer: {error}") from error

    @cached_property
    def _client(self) -> WebClient:
        from slack_sdk.web.client import WebClient

        client = WebClient(
            self._token or os.environ.get(TOKEN_VARIABLE),
            base_url=self._base_url or WebClient.BASE_URL,
            timeout=TIMEOUT_S,
            retry_handlers=[],  # a task is one call, and the platform decides about the next
        )
        # slack-sdk takes HTTPS_PROXY and forgets NO_PROXY; without a proxy of its own urllib heeds both.
        client.proxy = None
        return client
