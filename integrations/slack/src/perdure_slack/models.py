"""What Slack's API speaks of, reduced to the fields that jobs use."""

from __future__ import annotations

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
