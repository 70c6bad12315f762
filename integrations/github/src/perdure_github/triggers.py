"""Triggers for what happens in a repository: ``on`` for every event, and a name for the usual ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast, overload

from perdure.errors import ConfigurationError
from perdure.triggers import ExternalSourceTrigger
from perdure.wire.events import EventFilter
from perdure_github import payloads
from perdure_github.events import repository_event
from perdure_github.source import EVENT_SOURCE, RepositorySource

if TYPE_CHECKING:
    from perdure_github.integration import GitHub


class NamedTrigger:
    """A trigger of its own name: an event, perhaps one action of it, and the model of its payload."""

    def __init__(
        self, event: str, payload: type[payloads.RepositoryEvent], action: str | None = None
    ) -> None:
        self.event = event
        self.payload = payload
        self.action = action

    @overload
    def __get__(self, github: None, owner: type) -> NamedTrigger: ...

    @overload
    def __get__(self, github: RepositoryTriggers, owner: type) -> BoundTrigger: ...

    def __get__(self, github: RepositoryTriggers | None, owner: type) -> NamedTrigger | BoundTrigger:
        return self if github is None else BoundTrigger(self, github)


class BoundTrigger:
    """Makes the trigger for a repository."""

    def __init__(self, named: NamedTrigger, github: RepositoryTriggers) -> None:
        self._named = named
        self._github = github

    def __call__(self, *, owner: str, repo: str, filter: EventFilter | None = None) -> ExternalSourceTrigger:
        """Run a job when this happens in ``owner/repo``.

        Args:
            filter: what else the payload must match: ``{"issue": {"labels": {"name": ["bug"]}}}``.
        """
        named = self._named
        return self._github.on(
            named.event, owner=owner, repo=repo, action=named.action, schema=named.payload, filter=filter
        )


class RepositoryTriggers:
    """The triggers of the GitHub integration.

    A webhook at the repository brings the events. It registers itself, one for all jobs, when the app is
    indexed.
    """

    def on(
        self,
        event: str,
        *,
        owner: str,
        repo: str,
        action: str | Sequence[str] | None = None,
        schema: Any = None,
        filter: EventFilter | None = None,
    ) -> ExternalSourceTrigger:
        """Run a job for an event of a repository, any that GitHub has.

        Args:
            event: GitHub's name of it: ``"pull_request"``.
            owner: the user or organization: ``"acme"``.
            repo: its name without the owner: ``"site"``.
            action: one action of the event, or several: ``"opened"``; None: whatever happens.
            schema: type of the payload; when absent the one that ``perdure_github`` has for the event.
            filter: what else the payload must match.
        Raises:
            ConfigurationError: GitHub has no such event or action, or not for repositories.
        """
        actions = [action] if isinstance(action, str) else list(action or ())
        repository_event(event, actions)
        full_name = f"{_part('owner', owner)}/{_part('repo', repo)}"
        happened = " or ".join(actions)
        return ExternalSourceTrigger(
            RepositorySource(cast("GitHub", self), owner=owner, repo=repo, events=[event]),
            event,
            source=EVENT_SOURCE,
            schema=schema or payloads.PAYLOADS.get(event, payloads.RepositoryEvent),
            filter=_filter(full_name, actions, filter or {}),
            title=f"{event} {happened}".strip(),
            properties={"Repository": full_name},
        )

    check_run = NamedTrigger("check_run", payloads.CheckRunEvent)
    check_suite_completed = NamedTrigger("check_suite", payloads.CheckSuiteEvent, "completed")
    commit_commented = NamedTrigger("commit_comment", payloads.CommitCommented, "created")
    created = NamedTrigger("create", payloads.RefEvent)
    deleted = NamedTrigger("delete", payloads.RefEvent)
    discussion_created = NamedTrigger("discussion", payloads.DiscussionEvent, "created")
    forked = NamedTrigger("fork", payloads.Fork)
    issue = NamedTrigger("issues", payloads.IssueEvent)
    issue_assigned = NamedTrigger("issues", payloads.IssueAssigned, "assigned")
    issue_closed = NamedTrigger("issues", payloads.IssueClosed, "closed")
    issue_commented = NamedTrigger("issue_comment", payloads.IssueCommented, "created")
    issue_edited = NamedTrigger("issues", payloads.IssueEdited, "edited")
    issue_labeled = NamedTrigger("issues", payloads.IssueLabeled, "labeled")
    issue_opened = NamedTrigger("issues", payloads.IssueOpened, "opened")
    issue_reopened = NamedTrigger("issues", payloads.IssueReopened, "reopened")
    pull_request = NamedTrigger("pull_request", payloads.PullRequestEvent)
    pull_request_closed = NamedTrigger("pull_request", payloads.PullRequestClosed, "closed")
    pull_request_opened = NamedTrigger("pull_request", payloads.PullRequestOpened, "opened")
    pull_request_ready = NamedTrigger("pull_request", payloads.PullRequestReady, "ready_for_review")
    pull_request_reviewed = NamedTrigger("pull_request_review", payloads.ReviewSubmitted, "submitted")
    pull_request_updated = NamedTrigger("pull_request", payloads.PullRequestUpdated, "synchronize")
    pushed = NamedTrigger("push", payloads.Push)
    release_published = NamedTrigger("release", payloads.ReleasePublished, "published")
    starred = NamedTrigger("star", payloads.Starred, "created")
    workflow_run_completed = NamedTrigger("workflow_run", payloads.WorkflowRunCompleted, "completed")


def _part(name: str, value: str) -> str:
    if not value or "/" in value or value != value.strip():
        raise ConfigurationError(
            f"{name}: must be the {'owner' if name == 'owner' else 'name of the repository'} alone, "
            f"not {value!r}: owner='acme', repo='site'"
        )
    return value


def _filter(full_name: str, actions: list[str], more: EventFilter) -> EventFilter:
    """What a delivery must match: the repository, the action, and what the user asks for."""
    if actions and "action" in more:
        raise ConfigurationError("filter: give the action either as action= or in the filter, not both")
    repository = more.get("repository", {})
    if not isinstance(repository, Mapping):
        raise ConfigurationError("filter: 'repository' must be a nested filter of its fields")
    mine: dict[str, Any] = {"repository": {**repository, "full_name": [{"$ignoreCaseEquals": full_name}]}}
    return {**more, **mine, **({"action": actions} if actions else {})}
