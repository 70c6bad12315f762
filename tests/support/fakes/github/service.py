"""The fake GitHub: its state, and what people and tests can do to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.support.fakes.faults import Fault
from tests.support.fakes.github.api import common_headers, rest_routes
from tests.support.fakes.github.deliveries import Deliverer
from tests.support.fakes.github.errors import SECONDARY_LIMIT_BODY, GitHubError, answer_error
from tests.support.fakes.github.payloads import Payloads
from tests.support.fakes.github.rate_limit import RateLimit
from tests.support.fakes.github.state import Comment, Delivery, Hook, Ids, Issue, JsonObject, Repository, now
from tests.support.fakes.service import FakeService

BOT_TOKEN = "ghp_bot"
USER_TOKEN = "ghp_mona"


class FakeGitHub(FakeService):
    """GitHub's REST API and webhooks.

    ``tokens`` maps a token to its user's login. What happens in a repository is delivered to its hooks, as at
    GitHub: an issue opened, a comment, an assignment, a ping for a new hook.
    Control routes: ``POST /_deliver {repo, event, payload}``, ``POST /_rate_limit {remaining, reset_in_s}``.
    """

    def __init__(
        self,
        repositories: Iterable[str] = ("acme/site",),
        *,
        tokens: dict[str, str] | None = None,
        collaborators: Iterable[str] = ("matt", "mona"),
    ) -> None:
        super().__init__()
        self.ids = Ids()
        self.tokens = tokens or {BOT_TOKEN: "perdure-bot", USER_TOKEN: "mona"}
        self.rate_limit = RateLimit()
        self.repositories: dict[str, Repository] = {}
        self._deliverer = Deliverer(self.ids)
        for full_name in repositories:
            self.add_repository(full_name, collaborators)

    @property
    def payloads(self) -> Payloads:
        """Renders the state as JSON, with this server's URL in it."""
        return Payloads(self.url, self.ids)

    def routes(self) -> Sequence[BaseRoute]:
        """The REST API and GitHub's own control routes."""
        return [
            *rest_routes(self),
            Route("/_deliver", self._deliver, methods=["POST"]),
            Route("/_rate_limit", self._set_rate_limit, methods=["POST"]),
        ]

    def build_app(self) -> Starlette:
        """The service with GitHub's errors, also for unknown paths."""
        app = super().build_app()
        app.add_exception_handler(GitHubError, answer_error)
        app.add_exception_handler(404, _answer_404)
        return app

    @cached_property
    def app(self) -> ASGIApp:
        """The whole fake, with GitHub's headers on every answer, faults included."""
        return _HeadersApp(super().app, self)

    def close(self, *, wait: bool = True) -> None:
        """Stop serving and delivering."""
        super().close(wait=wait)
        self._deliverer.close()

    def add_repository(self, full_name: str, collaborators: Iterable[str] = ()) -> Repository:
        """Create ``owner/name``."""
        owner, _, name = full_name.partition("/")
        repo = Repository(id=self.ids.next(), owner=owner, name=name, collaborators=frozenset(collaborators))
        self.repositories[full_name.lower()] = repo
        return repo

    def open_issue(
        self, repo: Repository, title: str, *, body: str | None = None, user: str = "mona"
    ) -> Issue:
        """Open an issue, which the repository's hooks hear of."""
        at = now()
        number = len(repo.issues) + 1
        issue = Issue(
            self.ids.next(), number, user=user, title=title, body=body, created_at=at, updated_at=at
        )
        repo.issues[number] = issue
        self._emit(repo, "issues", "opened", user, issue=self.payloads.issue(repo, issue))
        return issue

    def comment(self, repo: Repository, issue: Issue, text: str, *, user: str = "mona") -> Comment:
        """Comment on an issue, which moves its ``updated_at``."""
        issue.touch()
        comment = Comment(self.ids.next(), user, text, created_at=issue.updated_at)
        issue.comments.append(comment)
        parts = {
            "issue": self.payloads.issue(repo, issue),
            "comment": self.payloads.comment(repo, issue, comment),
        }
        self._emit(repo, "issue_comment", "created", user, **parts)
        return comment

    def assign(self, repo: Repository, issue: Issue, logins: list[str], *, user: str) -> None:
        """Assign people, one event for each who was assigned."""
        for login in repo.assign(issue, logins):
            parts = {"issue": self.payloads.issue(repo, issue), "assignee": self.payloads.user(login)}
            self._emit(repo, "issues", "assigned", user, **parts)

    def change_issue(self, repo: Repository, issue: Issue, changes: JsonObject, *, user: str) -> None:
        """Change fields of an issue; the repository's hooks hear when it is closed, reopened or edited."""
        if "state" in changes and issue.become(changes["state"], changes.get("state_reason")):
            action = "closed" if issue.state == "closed" else "reopened"
            self._emit(repo, "issues", action, user, issue=self.payloads.issue(repo, issue))
        fields: JsonObject = {
            name: changes[name] for name in ("title", "body", "labels", "assignees") if name in changes
        }
        if fields:
            issue.touch()
            vars(issue).update(fields)
            parts: JsonObject = {"issue": self.payloads.issue(repo, issue), "changes": {}}
            self._emit(repo, "issues", "edited", user, **parts)

    def ping(self, repo: Repository, hook: Hook, *, user: str) -> None:
        """Ping a hook, as GitHub does when it is created."""
        head = {
            "zen": "Keep it logically awesome.",
            "hook_id": hook.id,
            "hook": self.payloads.hook(repo, hook),
        }
        self._deliverer.send(repo, hook, "ping", {**head, **self.payloads.event(repo, user)})

    def issues_event(
        self, repo: Repository, issue: Issue, action: str = "opened", user: str = "mona"
    ) -> JsonObject:
        """The payload of the event ``issues`` for an issue as it is now."""
        return self.payloads.event(repo, user, action, issue=self.payloads.issue(repo, issue))

    def deliver(
        self,
        repo: Repository,
        event: str,
        payload: JsonObject,
        *,
        guid: str | None = None,
        headers: dict[str, str | None] | None = None,
    ) -> list[Delivery]:
        """Deliver an event to every hook that wants it and wait for the answers.

        Args:
            guid: the value of X-GitHub-Delivery; a new one when absent.
            headers: replace the real ones, None leaves one out; for wrong and missing signatures.
        """
        sent = self._send_to_all(repo, event, payload, guid=guid, headers=headers)
        return [future.result() for future in sent]

    def redeliver(self, repo: Repository, hook: Hook, delivery: Delivery) -> None:
        """Send a delivery again, under the GUID it had."""
        payload = self.payload_of(hook, delivery)
        self._deliverer.send(repo, hook, delivery.event, payload, guid=delivery.guid, redelivery=True)

    @staticmethod
    def payload_of(hook: Hook, delivery: Delivery) -> Any:
        """What was delivered, decoded."""
        text = (
            parse_qs(delivery.body.decode())["payload"][0] if hook.content_type == "form" else delivery.body
        )
        return json.loads(text)

    def settle(self, timeout_s: float = 15) -> None:
        """Wait until no delivery is under way.

        Raises:
            TimeoutError: some still are.
        """
        self._deliverer.settle(timeout_s)

    def limit_next_call(self, *, status: int = 403, retry_after_s: int = 60) -> None:
        """Answer the next call with a secondary rate limit."""
        headers = {"retry-after": str(retry_after_s)}
        self.faults.add(Fault(status=status, headers=headers, body=SECONDARY_LIMIT_BODY))

    def _emit(self, repo: Repository, event: str, action: str, user: str, **parts: object) -> None:
        payload = self.payloads.event(repo, user, action, **parts)
        self._send_to_all(repo, event, payload, guid=None)

    def _send_to_all(
        self,
        repo: Repository,
        event: str,
        payload: JsonObject,
        *,
        guid: str | None,
        headers: dict[str, str | None] | None = None,
    ) -> list[Future[Delivery]]:
        guid = guid or str(uuid4())  # every hook gets an event under the same GUID
        hooks = [hook for hook in repo.hooks.values() if hook.wants(event)]
        return [
            self._deliverer.send(repo, hook, event, payload, guid=guid, headers=headers) for hook in hooks
        ]

    async def _deliver(self, request: Request) -> Response:
        body = await request.json()
        repo = self.repositories[body["repo"].lower()]
        sent = await asyncio.to_thread(
            self.deliver, repo, body["event"], body["payload"], guid=body.get("guid")
        )
        return JSONResponse([{"guid": entry.guid, "status_code": entry.status_code} for entry in sent])

    async def _set_rate_limit(self, request: Request) -> Response:
        return JSONResponse({"reset": self.rate_limit.set(**await request.json())})


class _HeadersApp:
    """Adds GitHub's headers to every answer that lacks them."""

    def __init__(self, inner: ASGIApp, github: FakeGitHub) -> None:
        self._inner = inner
        self._github = github

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                have = {name.lower() for name, _ in message["headers"]}
                common = common_headers(self._github, Request(scope)).items()
                message["headers"] = [
                    *message["headers"],
                    *((name.encode(), text.encode()) for name, text in common if name.encode() not in have),
                ]
            await send(message)

        await self._inner(scope, receive, send_with_headers)


async def _answer_404(request: Request, error: Exception) -> Response:
    return await answer_error(request, GitHubError(404, "Not Found"))
