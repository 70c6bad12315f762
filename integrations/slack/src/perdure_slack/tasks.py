"""Slack's API in jobs: ``io.slack``. Every method is a task: one call, kept once it succeeded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from perdure import IntegrationTasks, IOType, operation
from perdure_slack.models import Conversation, ConversationPage, PostedMessage, User

if TYPE_CHECKING:
    from slack_sdk.web.client import WebClient

Client: TypeAlias = "WebClient"
"""What calls are made with: slack-sdk's blocking client."""


class SlackTasks(IntegrationTasks[Client, IOType]):
    """Calls of Slack's Web API as tasks; the first argument of each is the task's key in the run.

    All raise ``TaskFailed`` when Slack refuses for good; rate limits and Slack's own failures are tried again
    by the platform. A message may have been posted although no answer came; it is then tried again and may
    appear twice. For anything else: ``with_client("archive", archive)``, where ``archive(client)`` makes the
    call.
    """

    @operation(properties={"Channel": "{channel}"})
    def post_message(
        self,
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
        answer = self.client.chat_postMessage(
            channel=channel,
            text=text,
            blocks=_as_dicts(blocks),
            thread_ts=thread_ts,
            reply_broadcast=reply_broadcast,
            unfurl_links=unfurl_links,
            unfurl_media=unfurl_media,
            mrkdwn=mrkdwn,
            metadata=None if metadata is None else dict(metadata),
        )
        return PostedMessage.model_validate(answer.data)

    @operation(properties={"Channel": "{channel}"})
    def update_message(
        self,
        *,
        channel: str,
        ts: str,
        text: str,
        blocks: Sequence[Mapping[str, Any]] | None = None,
    ) -> PostedMessage:
        """Change a message of the app's own; ``ts`` is that of the message."""
        answer = self.client.chat_update(channel=channel, ts=ts, text=text, blocks=_as_dicts(blocks))
        return PostedMessage.model_validate(answer.data)

    @operation(properties={"Channel": "{channel}"})
    def delete_message(self, *, channel: str, ts: str) -> None:
        """Delete a message of the app's own. One that is gone already is fine."""
        self._unless("message_not_found", self.client.chat_delete, channel=channel, ts=ts)

    @operation(properties={"Channel": "{channel}", "Reaction": "{name}"})
    def add_reaction(self, *, channel: str, ts: str, name: str) -> None:
        """React to a message: ``name="thumbsup"``. Having reacted already is fine. Scope: reactions:write."""
        self._unless("already_reacted", self.client.reactions_add, channel=channel, timestamp=ts, name=name)

    @operation(properties={"Channel": "{channel}", "Reaction": "{name}"})
    def remove_reaction(self, *, channel: str, ts: str, name: str) -> None:
        """Take the app's reaction back. Not having reacted is fine. Scope: reactions:write."""
        self._unless("no_reaction", self.client.reactions_remove, channel=channel, timestamp=ts, name=name)

    @operation()
    def list_conversations(
        self,
        *,
        types: Sequence[str] = ("public_channel",),
        exclude_archived: bool = True,
        limit: int = 200,
        cursor: str | None = None,
    ) -> ConversationPage:
        """A page of the workspace's channels and other conversations. Scope: channels:read and the like.

        Args:
            types: of ``public_channel``, ``private_channel``, ``mpim``, ``im``.
            exclude_archived: leave those out that are archived.
            limit: most in a page, 1 to 1000; there may be fewer although more pages follow.
            cursor: ``next_cursor`` of the page before.
        """
        answer = self.client.conversations_list(
            types=list(types), exclude_archived=exclude_archived, limit=limit, cursor=cursor
        )
        return ConversationPage.of(answer.data)

    @operation(properties={"Users": "{users}"})
    def open_conversation(self, *, users: Sequence[str]) -> Conversation:
        """The direct messages with one or several users, by their ids. Scope: im:write or mpim:write."""
        answer = self.client.conversations_open(users=list(users))
        return Conversation.model_validate(answer["channel"])

    @operation("Find user by e-mail", properties={"E-mail": "{email}"})
    def find_user(self, *, email: str) -> User | None:
        """The member with this e-mail address; None when there is none. Scope: users:read.email."""
        answer = self._unless("users_not_found", self.client.users_lookupByEmail, email=email)
        return None if answer is None else User.model_validate(answer["user"])

    def _unless(self, code: str, method: Any, **arguments: Any) -> Any:
        """Call a method; None when Slack refuses it with ``code``."""
        from slack_sdk.errors import SlackApiError

        try:
            return method(**arguments)
        except SlackApiError as error:
            if error.response.get("error") != code:
                raise
            return None


def _as_dicts(blocks: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]] | None:
    return None if blocks is None else [dict(block) for block in blocks]
