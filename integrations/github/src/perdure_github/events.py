"""Every event that GitHub sends to webhooks: its actions, and whose webhook gets it.

Source: the webhook types of ``githubkit`` (a test compares), and "Availability" in GitHub's documentation of
webhook events. An action newer than this table can be asked for all the same, by the ``filter`` of a trigger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, TypeAlias

from perdure.errors import ConfigurationError

WebhookOwner: TypeAlias = Literal["repository", "organization", "app", "marketplace", "sponsors", "hook"]

_OWNERS: dict[WebhookOwner, str] = {
    "organization": "is sent to webhooks of an organization, not of a repository",
    "app": "is sent to GitHub Apps, not to webhooks of a repository",
    "marketplace": "is sent to apps in GitHub's marketplace, not to webhooks of a repository",
    "sponsors": "is sent to webhooks of sponsored accounts, not of a repository",
    "hook": "tests the webhook itself; the source answers it, and no job sees it",
}


@dataclass(frozen=True)
class GitHubEvent:
    """An event: the ``actions`` it comes with, if any, and the ``owner`` of the webhooks that get it."""

    name: str
    actions: frozenset[str]
    owner: WebhookOwner


def _event(name: str, actions: str = "", *, owner: WebhookOwner = "repository") -> GitHubEvent:
    return GitHubEvent(name, frozenset(actions.split()), owner)


_TABLE = (
    _event("branch_protection_configuration", "disabled enabled"),
    _event("branch_protection_rule", "created deleted edited"),
    _event("check_run", "completed created requested_action rerequested"),
    _event("check_suite", "completed requested rerequested"),
    _event(
        "code_scanning_alert",
        "appeared_in_branch closed_by_user created fixed reopened reopened_by_user updated_assignment",
    ),
    _event("commit_comment", "created"),
    _event("create"),
    _event("custom_property", "created deleted promote_to_enterprise updated", owner="organization"),
    _event("custom_property_values", "updated"),
    _event("delete"),
    _event(
        "dependabot_alert",
        "assignees_changed auto_dismissed auto_reopened created dismissed fixed reintroduced reopened "
        "withdrawn",
    ),
    _event("deploy_key", "created deleted"),
    _event("deployment", "created"),
    _event("deployment_protection_rule", "requested", owner="app"),
    _event("deployment_review", "approved rejected requested", owner="app"),
    _event("deployment_status", "created"),
    _event(
        "discussion",
        "answered category_changed closed created deleted edited labeled locked pinned reopened "
        "transferred unanswered unlabeled unlocked unpinned",
    ),
    _event("discussion_comment", "created deleted edited"),
    _event("fork"),
    _event("github_app_authorization", "revoked", owner="app"),
    _event("gollum"),
    _event("installation", "created deleted new_permissions_accepted suspend unsuspend", owner="app"),
    _event("installation_repositories", "added removed", owner="app"),
    _event("installation_target", "renamed", owner="app"),
    _event("issue_comment", "created deleted edited pinned unpinned"),
    _event("issue_dependencies", "blocked_by_added blocked_by_removed blocking_added blocking_removed"),
    _event("issue_relates_to", "relates_to_added relates_to_removed"),
    _event(
        "issues",
        "assigned closed deleted demilestoned edited field_added field_removed labeled locked "
        "milestoned opened pinned reopened transferred typed unassigned unlabeled unlocked unpinned "
        "untyped",
    ),
    _event("label", "archived created deleted edited unarchived"),
    _event(
        "marketplace_purchase",
        "cancelled changed pending_change pending_change_cancelled purchased",
        owner="marketplace",
    ),
    _event("member", "added edited removed"),
    _event("membership", "added removed", owner="organization"),
    _event("merge_group", "checks_requested destroyed", owner="app"),
    _event("meta", "deleted"),
    _event("milestone", "closed created deleted edited opened"),
    _event("org_block", "blocked unblocked", owner="organization"),
    _event(
        "organization",
        "deleted member_added member_invited member_removed renamed",
        owner="organization",
    ),
    _event("package", "published updated"),
    _event("page_build"),
    _event("personal_access_token_request", "approved cancelled created denied", owner="organization"),
    _event("ping", owner="hook"),
    _event("project", "closed created deleted edited reopened"),
    _event("project_card", "converted created deleted edited moved"),
    _event("project_column", "created deleted edited moved"),
    _event("projects_v2", "closed created deleted edited reopened", owner="organization"),
    _event(
        "projects_v2_item",
        "archived converted created deleted edited reordered restored",
        owner="organization",
    ),
    _event("projects_v2_status_update", "created deleted edited", owner="organization"),
    _event("public"),
    _event(
        "pull_request",
        "assigned auto_merge_disabled auto_merge_enabled closed converted_to_draft demilestoned "
        "dequeued edited enqueued labeled locked milestoned opened ready_for_review reopened "
        "review_request_removed review_requested stacked synchronize unassigned unlabeled unlocked",
    ),
    _event("pull_request_review", "dismissed edited submitted"),
    _event("pull_request_review_comment", "created deleted edited"),
    _event("pull_request_review_thread", "resolved unresolved"),
    _event("push"),
    _event("registry_package", "published updated"),
    _event("release", "created deleted edited prereleased published released unpublished"),
    _event(
        "repository",
        "archived created deleted edited privatized publicized renamed transferred unarchived",
    ),
    _event("repository_advisory", "published reported"),
    _event("repository_dispatch", owner="app"),
    _event("repository_import"),
    _event("repository_ruleset", "created deleted edited"),
    _event("repository_vulnerability_alert", "create dismiss reopen resolve"),
    _event(
        "secret_scanning_alert",
        "assigned created metadata_created metadata_removed publicly_leaked reopened resolved "
        "unassigned validated",
    ),
    _event("secret_scanning_alert_location", "created"),
    _event("secret_scanning_scan", "completed"),
    _event("security_advisory", "published updated withdrawn", owner="app"),
    _event("security_and_analysis"),
    _event(
        "sponsorship",
        "cancelled created edited pending_cancellation pending_tier_change tier_changed",
        owner="sponsors",
    ),
    _event("star", "created deleted"),
    _event("status"),
    _event("sub_issues", "parent_issue_added parent_issue_removed sub_issue_added sub_issue_removed"),
    _event(
        "team",
        "added_to_repository created deleted edited removed_from_repository",
        owner="organization",
    ),
    _event("team_add"),
    _event("watch", "started"),
    _event("workflow_dispatch", owner="app"),
    _event("workflow_job", "completed in_progress queued waiting"),
    _event("workflow_run", "completed in_progress requested"),
)

EVENTS = {event.name: event for event in _TABLE}


def repository_event(name: str, actions: Sequence[str] = ()) -> GitHubEvent:
    """An event that the webhook of a repository can get.

    Raises:
        ConfigurationError: no such event, not one of repositories, or no such action; the text says what
            there is.
    """
    event = EVENTS.get(name)
    if event is None:
        raise ConfigurationError(f"event: GitHub has no event {name!r}{_suggest(name, EVENTS)}")
    if event.owner != "repository":
        raise ConfigurationError(f"event: {name!r} {_OWNERS[event.owner]}")
    for action in actions:
        if not event.actions:
            raise ConfigurationError(f"action: {name!r} has no actions; leave it out")
        if action not in event.actions:
            known = ", ".join(sorted(event.actions))
            raise ConfigurationError(
                f"action: {name!r} has no action {action!r}{_suggest(action, event.actions)}; "
                f"known are {known}. For a newer one use filter={{'action': [{action!r}]}}"
            )
    return event


def _suggest(wrong: str, known: Sequence[str] | frozenset[str] | dict[str, GitHubEvent]) -> str:
    close = get_close_matches(wrong, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
