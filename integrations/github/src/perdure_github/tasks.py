"""GitHub's API in jobs: ``io.github``. Every method is a task: one call, kept once it succeeded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from perdure.integration import Integration, IntegrationTasks
from perdure.keys import Key
from perdure.options import Properties
from perdure_github.api import Client, GitHubApi
from perdure_github.errors import decide
from perdure_github.models import Comment, Issue

if TYPE_CHECKING:
    from perdure.io import IO

T = TypeVar("T")


class GitHubTasks(IntegrationTasks):
    """Calls of GitHub's REST API as tasks.

    ``key`` is the task's key in the run. All raise ``TaskFailed`` when GitHub refuses for good; rate limits
    and GitHub's own failures are tried again by the platform. A task that writes may have been done
    although no answer came; it is then tried again, and a comment may appear twice.
    """

    def __init__(self, integration: Integration, io: IO, api: GitHubApi) -> None:
        super().__init__(integration, io)
        self._api = api

    async def get_issue(self, key: Key, *, owner: str, repo: str, number: int) -> Issue:
        """Read an issue, or a pull request as an issue."""

        async def get(client: Client) -> Issue:
            answer = await client.rest.issues.async_get(owner, repo, number)
            return Issue.model_validate_json(answer.content)

        return await self.call(
            key,
            get,
            name="Get issue",
            params={"owner": owner, "repo": repo, "number": number},
            properties=_issue(owner, repo, number),
        )

    async def create_comment(self, key: Key, *, owner: str, repo: str, number: int, body: str) -> Comment:
        """Comment on an issue or pull request; ``body`` is Markdown."""

        async def create(client: Client) -> Comment:
            answer = await client.rest.issues.async_create_comment(owner, repo, number, body=body)
            return Comment.model_validate_json(answer.content)

        return await self.call(
            key,
            create,
            name="Create issue comment",
            params={"owner": owner, "repo": repo, "number": number, "body": body},
            properties=_issue(owner, repo, number),
        )

    async def add_assignees(
        self, key: Key, *, owner: str, repo: str, number: int, assignees: Sequence[str]
    ) -> Issue:
        """Assign up to 10 people, by login. GitHub leaves out whom it cannot assign: see the result."""

        async def add(client: Client) -> Issue:
            answer = await client.rest.issues.async_add_assignees(
                owner, repo, number, assignees=list(assignees)
            )
            return Issue.model_validate_json(answer.content)

        return await self.call(
            key,
            add,
            name="Add assignees",
            params={"owner": owner, "repo": repo, "number": number, "assignees": list(assignees)},
            properties={**_issue(owner, repo, number), "Assignees": ", ".join(assignees)},
        )

    async def call(
        self,
        key: Key,
        fn: Callable[[Client], Awaitable[T]],
        *,
        name: str = "Call GitHub",
        params: Any = None,
        properties: Properties | None = None,
    ) -> T:
        """Any other call of GitHub's API as a task, with the same retries.

        Args:
            fn: gets githubkit's client and makes one call with it: ``await
                client.rest.issues.async_lock(...)``. What it returns is stored as JSON and decoded by its
                return annotation.
            name: what people see.
            params: what went in, for people to see.
            properties: labelled texts to highlight.
        """

        @wraps(fn)
        async def call_once() -> T:
            return await self._api.call(fn)

        return await self.run_task(
            key, call_once, name=name, params=params, properties=properties, on_error=decide
        )


def _issue(owner: str, repo: str, number: int) -> dict[str, str]:
    return {"Repository": f"{owner}/{repo}", "Issue": f"#{number}"}
