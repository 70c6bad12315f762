"""GitHub's API in jobs: ``io.github``. Every method is a task: one call, kept once it succeeded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import TypeAdapter

from perdure import IntegrationTasks, IOType, operation
from perdure_github.models import Comment, CommentPage, Issue, IssuePage, Label, Repository

if TYPE_CHECKING:
    import githubkit

Client: TypeAlias = "githubkit.GitHub[Any]"
"""What calls are made with: ``client.rest.<category>.async_<operation>``."""

State: TypeAlias = Literal["open", "closed"]
Reason: TypeAlias = Literal["completed", "not_planned", "duplicate", "reopened"]

_REPOSITORY = {"Repository": "{owner}/{repo}"}
_ISSUE = {"Repository": "{owner}/{repo}", "Issue": "#{number}"}


class GitHubTasks(IntegrationTasks[Client, IOType]):
    """Calls of GitHub's REST API as tasks; the first argument of each is the task's key in the run.

    All raise ``TaskFailed`` when GitHub refuses for good; rate limits and GitHub's own failures are tried
    again by the platform. A task that writes may have been done although no answer came; it is then tried
    again, and an issue or comment may appear twice. For anything else: ``with_client("lock", lock)``, where
    ``lock(client)`` makes the call.
    """

    @operation(properties=_REPOSITORY)
    async def get_repository(self, *, owner: str, repo: str) -> Repository:
        """Read what a repository is."""
        answer = await self.client.rest.repos.async_get(owner, repo)
        return Repository.model_validate_json(answer.content)

    @operation(properties=_ISSUE)
    async def get_issue(self, *, owner: str, repo: str, number: int) -> Issue:
        """Read an issue, or a pull request as an issue."""
        answer = await self.client.rest.issues.async_get(owner, repo, number)
        return Issue.model_validate_json(answer.content)

    @operation(properties={**_REPOSITORY, "Labels": "{labels}"})
    async def list_issues(
        self,
        *,
        owner: str,
        repo: str,
        state: State | Literal["all"] = "open",
        labels: Sequence[str] | None = None,
        since: datetime | None = None,
        page: int = 1,
        per_page: int = 30,
    ) -> IssuePage:
        """A page of a repository's issues and pull requests, the newest first.

        Args:
            labels: those that have all of these labels.
            since: those that changed at this time or later.
            page: the first is 1; the answer says which comes next.
            per_page: most in a page, 1 to 100.
        """
        more = _given(labels=",".join(labels) if labels else None, since=since)
        answer = await self.client.rest.issues.async_list_for_repo(
            owner, repo, state=state, page=page, per_page=per_page, **more
        )
        return IssuePage.model_validate({"items": answer.json(), "next_page": _page_after(page, answer)})

    @operation(properties={**_REPOSITORY, "Title": "{title}"})
    async def create_issue(
        self,
        *,
        owner: str,
        repo: str,
        title: str,
        body: str | None = None,
        labels: Sequence[str] | None = None,
        assignees: Sequence[str] | None = None,
        milestone: int | None = None,
    ) -> Issue:
        """Open an issue; ``body`` is Markdown, assignees are logins."""
        more = _given(body=body, labels=_list(labels), assignees=_list(assignees), milestone=milestone)
        answer = await self.client.rest.issues.async_create(owner, repo, title=title, **more)
        return Issue.model_validate_json(answer.content)

    @operation(properties=_ISSUE)
    async def update_issue(
        self,
        *,
        owner: str,
        repo: str,
        number: int,
        title: str | None = None,
        body: str | None = None,
        state: State | None = None,
        state_reason: Reason | None = None,
        labels: Sequence[str] | None = None,
        assignees: Sequence[str] | None = None,
        milestone: int | None = None,
    ) -> Issue:
        """Change what is given of an issue; labels and assignees replace those it has."""
        changes = _given(
            title=title,
            body=body,
            state=state,
            state_reason=state_reason,
            labels=_list(labels),
            assignees=_list(assignees),
            milestone=milestone,
        )
        answer = await self.client.rest.issues.async_update(owner, repo, number, **changes)
        return Issue.model_validate_json(answer.content)

    @operation(properties=_ISSUE)
    async def close_issue(
        self,
        *,
        owner: str,
        repo: str,
        number: int,
        reason: Literal["completed", "not_planned", "duplicate"] = "completed",
    ) -> Issue:
        """Close an issue. One that is closed already is fine."""
        answer = await self.client.rest.issues.async_update(
            owner, repo, number, state="closed", state_reason=reason
        )
        return Issue.model_validate_json(answer.content)

    @operation(properties=_ISSUE)
    async def reopen_issue(self, *, owner: str, repo: str, number: int) -> Issue:
        """Open a closed issue again. One that is open is fine."""
        answer = await self.client.rest.issues.async_update(
            owner, repo, number, state="open", state_reason="reopened"
        )
        return Issue.model_validate_json(answer.content)

    @operation("Create issue comment", properties=_ISSUE)
    async def create_comment(self, *, owner: str, repo: str, number: int, body: str) -> Comment:
        """Comment on an issue or pull request; ``body`` is Markdown."""
        answer = await self.client.rest.issues.async_create_comment(owner, repo, number, body=body)
        return Comment.model_validate_json(answer.content)

    @operation("List issue comments", properties=_ISSUE)
    async def list_comments(
        self, *, owner: str, repo: str, number: int, page: int = 1, per_page: int = 30
    ) -> CommentPage:
        """A page of the comments on an issue or pull request, the oldest first."""
        answer = await self.client.rest.issues.async_list_comments(
            owner, repo, number, page=page, per_page=per_page
        )
        return CommentPage.model_validate({"items": answer.json(), "next_page": _page_after(page, answer)})

    @operation(properties={**_ISSUE, "Labels": "{labels}"})
    async def add_labels(
        self, *, owner: str, repo: str, number: int, labels: Sequence[str]
    ) -> tuple[Label, ...]:
        """Add labels to an issue or pull request; the repository gets those that it does not have.

        Returns: all labels that the issue has then.
        """
        answer = await self.client.rest.issues.async_add_labels(owner, repo, number, labels=list(labels))
        return _LABELS.validate_json(answer.content)

    @operation(properties={**_ISSUE, "Label": "{label}"})
    async def remove_label(self, *, owner: str, repo: str, number: int, label: str) -> None:
        """Take a label from an issue or pull request. One that it does not have is fine."""
        from githubkit.exception import RequestFailed  # loaded when needed: see GitHub.connect

        try:
            await self.client.rest.issues.async_remove_label(owner, repo, number, label)
        except RequestFailed as error:
            if error.response.status_code != 404 or "Label does not exist" not in error.response.text:
                raise

    @operation(properties={**_ISSUE, "Assignees": "{assignees}"})
    async def add_assignees(self, *, owner: str, repo: str, number: int, assignees: Sequence[str]) -> Issue:
        """Assign up to 10 people, by login. GitHub leaves out whom it cannot assign: see the result."""
        answer = await self.client.rest.issues.async_add_assignees(
            owner, repo, number, assignees=list(assignees)
        )
        return Issue.model_validate_json(answer.content)

    @operation(properties={**_ISSUE, "Assignees": "{assignees}"})
    async def remove_assignees(
        self, *, owner: str, repo: str, number: int, assignees: Sequence[str]
    ) -> Issue:
        """Take people off an issue, by login."""
        answer = await self.client.rest.issues.async_remove_assignees(
            owner, repo, number, assignees=list(assignees)
        )
        return Issue.model_validate_json(answer.content)


_LABELS: TypeAdapter[tuple[Label, ...]] = TypeAdapter(tuple[Label, ...])


def _given(**arguments: Any) -> dict[str, Any]:
    """The arguments that are not None: githubkit would send None as null, which means "remove"."""
    return {name: value for name, value in arguments.items() if value is not None}


def _list(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)


def _page_after(page: int, answer: Any) -> int | None:
    """The number of the next page, if the answer's Link header says that there is one."""
    return page + 1 if 'rel="next"' in answer.headers.get("link", "") else None
