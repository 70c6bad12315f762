"""The payloads of webhook events: what is delivered, with the parts that jobs use typed.

Every payload keeps what it does not type: ``payload.model_extra`` has the rest of the delivery by its key.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from perdure_github.models import (
    Author,
    Check,
    Comment,
    Commit,
    Discussion,
    Issue,
    Label,
    PullRequest,
    Release,
    Repository,
    Review,
    User,
    WorkflowRun,
)


class RepositoryEvent(BaseModel):
    """Any event of a repository. Events that have only one kind of happening have no action."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    action: str | None = None
    repository: Repository
    sender: User | None = None


class IssueEvent(RepositoryEvent):
    """Something happened to an issue; ``label`` and ``assignee`` are set when they were added or removed."""

    action: str
    issue: Issue
    label: Label | None = None
    assignee: User | None = None


class IssueOpened(IssueEvent):
    """An issue was opened."""

    action: Literal["opened"]


class IssueClosed(IssueEvent):
    """An issue was closed."""

    action: Literal["closed"]


class IssueReopened(IssueEvent):
    """A closed issue was opened again."""

    action: Literal["reopened"]


class IssueEdited(IssueEvent):
    """The title or body of an issue changed."""

    action: Literal["edited"]


class IssueAssigned(IssueEvent):
    """Somebody was assigned."""

    action: Literal["assigned"]
    assignee: User | None = None


class IssueLabeled(IssueEvent):
    """A label was added."""

    action: Literal["labeled"]
    label: Label


class IssueCommentEvent(RepositoryEvent):
    """Something happened to a comment on an issue or pull request."""

    action: str
    issue: Issue
    comment: Comment


class IssueCommented(IssueCommentEvent):
    """Somebody commented on an issue or pull request."""

    action: Literal["created"]


class PullRequestEvent(RepositoryEvent):
    """Something happened to a pull request."""

    action: str
    number: int
    pull_request: PullRequest
    label: Label | None = None
    assignee: User | None = None
    requested_reviewer: User | None = None


class PullRequestOpened(PullRequestEvent):
    """A pull request was opened."""

    action: Literal["opened"]


class PullRequestClosed(PullRequestEvent):
    """A pull request was closed; ``pull_request.merged`` tells how."""

    action: Literal["closed"]


class PullRequestUpdated(PullRequestEvent):
    """Commits were pushed to a pull request."""

    action: Literal["synchronize"]
    before: str
    after: str


class PullRequestReady(PullRequestEvent):
    """A draft became ready."""

    action: Literal["ready_for_review"]


class ReviewEvent(RepositoryEvent):
    """Something happened to a review of a pull request."""

    action: str
    pull_request: PullRequest
    review: Review


class ReviewSubmitted(ReviewEvent):
    """A review was submitted."""

    action: Literal["submitted"]


class Push(RepositoryEvent):
    """Commits, a branch or a tag were pushed: ``ref`` is e.g. ``refs/heads/main``."""

    ref: str
    before: str
    after: str
    created: bool = False
    deleted: bool = False
    forced: bool = False
    compare: str
    pusher: Author
    commits: tuple[Commit, ...] = ()
    head_commit: Commit | None = None


class RefEvent(RepositoryEvent):
    """A branch or tag was created or deleted; ``ref_type`` is branch or tag."""

    ref: str
    ref_type: str


class Fork(RepositoryEvent):
    """Somebody forked the repository."""

    forkee: Repository


class ReleaseEvent(RepositoryEvent):
    """Something happened to a release."""

    action: str
    release: Release


class ReleasePublished(ReleaseEvent):
    """A release was published."""

    action: Literal["published"]


class StarEvent(RepositoryEvent):
    """A star was given (``created``) or taken back (``deleted``)."""

    action: str
    starred_at: AwareDatetime | None = None


class Starred(StarEvent):
    """A star was given."""

    action: Literal["created"]


class WorkflowRunEvent(RepositoryEvent):
    """A run of a GitHub Actions workflow was requested, began or completed."""

    action: str
    workflow_run: WorkflowRun


class WorkflowRunCompleted(WorkflowRunEvent):
    """A run of a GitHub Actions workflow completed; ``workflow_run.conclusion`` tells how."""

    action: Literal["completed"]


class CheckRunEvent(RepositoryEvent):
    """Something happened to a check run."""

    action: str
    check_run: Check


class CheckSuiteEvent(RepositoryEvent):
    """Something happened to a check suite."""

    action: str
    check_suite: Check


class DiscussionEvent(RepositoryEvent):
    """Something happened to a discussion."""

    action: str
    discussion: Discussion


class CommitCommented(RepositoryEvent):
    """Somebody commented on a commit."""

    action: Literal["created"]
    comment: Comment


PAYLOADS: dict[str, type[RepositoryEvent]] = {
    "check_run": CheckRunEvent,
    "check_suite": CheckSuiteEvent,
    "commit_comment": CommitCommented,
    "create": RefEvent,
    "delete": RefEvent,
    "discussion": DiscussionEvent,
    "fork": Fork,
    "issue_comment": IssueCommentEvent,
    "issues": IssueEvent,
    "pull_request": PullRequestEvent,
    "pull_request_review": ReviewEvent,
    "push": Push,
    "release": ReleaseEvent,
    "star": StarEvent,
    "workflow_run": WorkflowRunEvent,
}
"""The payload of each event that has one of its own; the others come as RepositoryEvent."""
