"""A fake Slack: messages, reactions, conversations over real HTTP, its errors and its rate limit."""

from tests.support.fakes.slack.service import BOT_TOKEN, CHANNEL, FakeSlack

__all__ = ["BOT_TOKEN", "CHANNEL", "FakeSlack"]
