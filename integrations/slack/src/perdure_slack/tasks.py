"""Slack's API in jobs: ``io.slack``. Every method is a task: one call, kept once it succeeded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from perdure.integration import Integration, IntegrationTasks
from perdure.keys import Key
from perdure.options import Properties
from perdure_slack.api import SlackApi
from perdure_slack.errors import decide
from perdure_slack.models import PostedMessage

if TYPE_CHECKING:
    from slack_sdk.web.client import WebClient

    from perdure.io import IO

T = TypeVar("T")


class SlackTasks(IntegrationTasks):
    """Calls of Slack's Web API as tasks.

    ``key`` is the task's key in the run. All raise ``TaskFailed`` when Slack refuses for good; rate limits
    and Slack's own failures are tried again by the platform. A message may have been posted although no
    answer came; it is then tried again and may appear twice.
    """

    def __init__(self, integration: Integration, io: IO, api: SlackApi) -> None:
        super().__init__(integration, io)
        self._api = api

    async def post_message(
        self,
        key: Key,
        *,
        channel: str,
        text: str,
        blocks: Sequence[Mapping[str, Any]] | None = None,
        thread_ts: str | None = None,
        reply_broadcast: bool | None = None,
        unfurl_links: bool | None = None,
        unfurl_media: bool | None = None,
        mrkdwn: bool | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> PostedMessage:
        """Post a message.

        Args:
            channel: id of a channel, group or user; the app must be in the channel.
            text: the message in Slack's Markdown; with ``blocks`` what notifications show.
            blocks: layout blocks as JSON.
            thread_ts: ``ts`` of the message to reply to.
            reply_broadcast: show a reply in the channel too.
            unfurl_links: show previews of linked pages.
            unfurl_media: show previews of linked media.
            mrkdwn: False: show ``text`` as it is.
            metadata: Slack's ``event_type`` and ``event_payload``.
        """

        def post(client: WebClient) -> PostedMessage:
            answer = client.chat_postMessage(
                channel=channel,
                text=text,
                blocks=None if blocks is None else [dict(block) for block in blocks],
                thread_ts=thread_ts,
                reply_broadcast=reply_broadcast,
                unfurl_links=unfurl_links,
                unfurl_media=unfurl_media,
                mrkdwn=mrkdwn,
                metadata=None if metadata is None else dict(metadata),
            )
            return PostedMessage.model_validate(answer.data)

        return await self.call(
            key,
            post,
            method="chat.postMessage",
            name="Post message",
            params={"channel": channel, "text": text, "blocks": blocks, "thread_ts": thread_ts},
            properties={"Channel": channel},
        )

    async def call(
        self,
        key: Key,
        fn: Callable[[WebClient], T],
        *,
        method: str = "Web API",
        name: str = "Call Slack",
        params: Any = None,
        properties: Properties | None = None,
    ) -> T:
        """Any other call of Slack's API as a task, with the same retries.

        Args:
            fn: gets slack-sdk's client, in a thread, and makes one call:
                ``client.conversations_archive(...)``. What it returns is stored as JSON and decoded by its
                return annotation.
            method: what is called, for error texts.
            name: what people see.
            params: what went in, for people to see.
            properties: labelled texts to highlight.
        """

        @wraps(fn)
        async def call_once() -> T:
            return await self._api.call(method, fn)

        return await self.run_task(
            key, call_once, name=name, params=params, properties=properties, on_error=decide
        )
