"""A fake GitHub: the REST API's issues, comments, assignees and hooks, and signed webhook deliveries."""

from tests.support.fakes.github.deliveries import sign
from tests.support.fakes.github.service import BOT_TOKEN, USER_TOKEN, FakeGitHub
from tests.support.fakes.github.state import Delivery, Hook, Issue, Repository

__all__ = ["BOT_TOKEN", "USER_TOKEN", "Delivery", "FakeGitHub", "Hook", "Issue", "Repository", "sign"]
