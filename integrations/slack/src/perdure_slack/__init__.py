"""Slack for Perdure jobs: messages as tasks."""

from perdure_slack.errors import SlackError
from perdure_slack.integration import Slack
from perdure_slack.models import Conversation, ConversationPage, Message, PostedMessage, User
from perdure_slack.tasks import SlackTasks

__all__ = [
    "Conversation",
    "ConversationPage",
    "Message",
    "PostedMessage",
    "Slack",
    "SlackError",
    "SlackTasks",
    "User",
]
