"""What GitHub's API and webhooks speak of, reduced to the fields that jobs use.

GitHub sends 5 to 25 kB for one issue or pull request, and the result of a task is stored and travels with its
run: these models keep about 1 kB. They load in 15 ms, and bear what GitHub changes; the generated models of
``githubkit`` take 150 ms and 25 MB for one event, and refuse a payload over any value they do not know. A job
that needs more annotates its payload with ``dict[str, Any]`` or any other model, githubkit's included.
"""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, model_validator


class GitHubModel(BaseModel):
    """Base of all: frozen, and what is not listed is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class User(GitHubModel):
    """A person, a bot or an organization."""

    id: int
    login: str
    html_url: str | None = None
    avatar_url: str | None = None
    type: str = "User"


class Label(GitHubModel):
    """A label of issues and pull requests."""

    name: str
    color: str | None = None
    description: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _accept_bare_name(cls, value: Any) -> Any:
        # GitHub's description of the API allows the bare name, and older servers send it.
        return {"name": value} if isinstance(value, str) else value


class Milestone(GitHubModel):
    """A milestone that issues are planned for."""

    number: int
    title: str
    state: str = "open"
    due_on: AwareDatetime | None = None


class Repository(GitHubModel):
    """A repository; ``full_name`` is ``owner/name``."""

    id: int
    name: str
    full_name: str
    private: bool = False
    html_url: str
    default_branch: str | None = None
    owner: User | None = None


class Issue(GitHubModel):
    """An issue. ``updated_at`` moves with every activity on it; ``user`` is None when the account is gone."""

    id: int
    number: int
    title: str
    state: str = "open"
    state_reason: str | None = None
    html_url: str
    user: User | None = None
    body: str | None = None
    labels: tuple[Label, ...] = ()
    assignees: tuple[User, ...] = ()
    milestone: Milestone | None = None
    comments: int = 0
    locked: bool = False
    created_at: AwareDatetime
    updated_at: AwareDatetime
    closed_at: AwareDatetime | None = None


class Comment(GitHubModel):
    """A comment on an issue, a pull request or a commit."""

    id: int
    html_url: str
    user: User | None = None
    body: str | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class IssuePage(GitHubModel):
    """Some issues, and the number of the next page; None: this is the last one."""

    items: tuple[Issue, ...]
    next_page: int | None = None


class CommentPage(GitHubModel):
    """Some comments, and the number of the next page; None: this is the last one."""

    items: tuple[Comment, ...]
    next_page: int | None = None


class Branch(GitHubModel):
    """One side of a pull request: ``ref`` is the branch, ``sha`` its commit."""

    ref: str
    sha: str


class PullRequest(GitHubModel):
    """A pull request."""

    id: int
    number: int
    title: str
    state: str
    html_url: str
    user: User | None = None
    body: str | None = None
    labels: tuple[Label, ...] = ()
    assignees: tuple[User, ...] = ()
    draft: bool | None = None
    merged: bool | None = None
    merged_at: AwareDatetime | None = None
    head: Branch
    base: Branch
    created_at: AwareDatetime
    updated_at: AwareDatetime
    closed_at: AwareDatetime | None = None


class Review(GitHubModel):
    """A review of a pull request; ``state`` is approved, changes_requested, commented or dismissed."""

    id: int
    user: User | None = None
    body: str | None = None
    state: str
    html_url: str
    submitted_at: AwareDatetime | None = None


class Author(GitHubModel):
    """Who wrote or pushed a commit; ``username`` only when it is an account of GitHub's."""

    name: str | None = None
    email: str | None = None
    username: str | None = None


class Commit(GitHubModel):
    """A commit that was pushed; the lists hold paths."""

    id: str
    message: str
    timestamp: AwareDatetime
    url: str
    author: Author
    added: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class Release(GitHubModel):
    """A release."""

    id: int
    tag_name: str
    name: str | None = None
    body: str | None = None
    html_url: str
    draft: bool = False
    prerelease: bool = False
    author: User | None = None
    published_at: AwareDatetime | None = None


class WorkflowRun(GitHubModel):
    """A run of a GitHub Actions workflow; ``conclusion`` is set once it completed."""

    id: int
    name: str | None = None
    head_branch: str | None = None
    head_sha: str
    event: str
    status: str | None = None
    conclusion: str | None = None
    html_url: str
    run_number: int
    run_attempt: int = 1


class Check(GitHubModel):
    """A check run or check suite of a commit."""

    id: int
    name: str | None = None
    head_sha: str
    status: str | None = None
    conclusion: str | None = None
    html_url: str | None = None


class Discussion(GitHubModel):
    """A discussion."""

    id: int
    number: int
    title: str
    state: str | None = None
    html_url: str
    user: User | None = None
    body: str | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime
