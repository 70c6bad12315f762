"""What Slack's API speaks of, reduced to the fields that jobs use."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class SlackModel(BaseModel):
    """Base of all: frozen, and what is not listed is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Message(SlackModel):
    """A message as Slack shows it; ``thread_ts`` is the ``ts`` of the message it replies to."""

    text: str = ""
    user: str | None = None
    bot_id: str | None = None
    thread_ts: str | None = None


class PostedMessage(SlackModel):
    """A message that was posted: ``channel`` (an id) and ``ts`` together identify it."""

    channel: str
    ts: str
    message: Message


class Conversation(SlackModel):
    """A channel, a group, or direct messages, which have no name."""

    id: str
    name: str | None = None
    is_private: bool = False
    is_archived: bool = False
    is_member: bool = False


class ConversationPage(SlackModel):
    """Some conversations, and where the next page begins; None: this is the last one."""

    conversations: tuple[Conversation, ...]
    next_cursor: str | None = None

    @classmethod
    def of(cls, answer: Any) -> ConversationPage:
        """The page in an answer of Slack's, which writes an empty cursor on the last one."""
        cursor = (answer.get("response_metadata") or {}).get("next_cursor") or None
        return cls(conversations=answer["channels"], next_cursor=cursor)


class User(SlackModel):
    """A member of the workspace."""

    id: str
    name: str
    real_name: str | None = None
    tz: str | None = None
    is_bot: bool = False
    deleted: bool = False
