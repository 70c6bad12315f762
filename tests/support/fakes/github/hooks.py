"""The repository webhook resource: what GitHub accepts, and what it refuses with 422."""

from __future__ import annotations

from typing import Any

from tests.support.fakes.github.errors import validation_failed
from tests.support.fakes.github.state import Hook, Ids, Repository, now

MAX_HOOKS_PER_EVENT = 20

# The events a repository's hook may ask for; the others belong to organizations, apps or the marketplace.
# Source: "Availability" of each event in GitHub's public documentation of webhook events.
REPOSITORY_EVENTS = frozenset(
    [
        "branch_protection_configuration",
        "branch_protection_rule",
        "check_run",
        "check_suite",
        "code_scanning_alert",
        "commit_comment",
        "create",
        "custom_property_values",
        "delete",
        "dependabot_alert",
        "deploy_key",
        "deployment",
        "deployment_status",
        "discussion",
        "discussion_comment",
        "fork",
        "gollum",
        "issue_comment",
        "issue_dependencies",
        "issue_relates_to",
        "issues",
        "label",
        "member",
        "meta",
        "milestone",
        "package",
        "page_build",
        "ping",
        "project",
        "project_card",
        "project_column",
        "public",
        "pull_request",
        "pull_request_review",
        "pull_request_review_comment",
        "pull_request_review_thread",
        "push",
        "registry_package",
        "release",
        "repository",
        "repository_advisory",
        "repository_import",
        "repository_ruleset",
        "repository_vulnerability_alert",
        "secret_scanning_alert",
        "secret_scanning_alert_location",
        "secret_scanning_scan",
        "security_and_analysis",
        "star",
        "status",
        "sub_issues",
        "team_add",
        "watch",
        "workflow_job",
        "workflow_run",
    ]
)


def create_hook(repo: Repository, ids: Ids, body: dict[str, Any]) -> Hook:
    """``POST /repos/{owner}/{repo}/hooks``.

    Raises:
        GitHubError: 422 for a missing or bad URL, an unknown event, or a hook that is already there.
    """
    if body.get("name", "web") != "web":
        raise validation_failed("Hook", "custom", field="name", message="name must be 'web'")
    config = body.get("config")
    if not isinstance(config, dict):
        raise validation_failed("Hook", "missing_field", field="config")
    events = _checked_events(body.get("events", ["push"]))
    hook = Hook(
        id=ids.next(),
        events=events,
        active=bool(body.get("active", True)),
        created_at=now(),
        updated_at=now(),
        **_checked_config(config),
    )
    for other in repo.hooks.values():
        _refuse_twin(hook, other)
    for event in events:
        if sum(event in other.events for other in repo.hooks.values()) >= MAX_HOOKS_PER_EVENT:
            text = f'The "{event}" event cannot have more than {MAX_HOOKS_PER_EVENT} hooks'
            raise validation_failed("Hook", "custom", message=text)
    repo.hooks[hook.id] = hook
    return hook


def update_hook(repo: Repository, hook: Hook, body: dict[str, Any]) -> None:
    """``PATCH /repos/{owner}/{repo}/hooks/{id}``. A config replaces the old one whole, its secret included.

    Raises:
        GitHubError: 422 as when creating.
    """
    if "config" in body:
        config = _checked_config(body["config"] or {})
        hook.url, hook.content_type = config["url"], config["content_type"]
        hook.secret, hook.insecure_ssl = config["secret"], config["insecure_ssl"]
    if "events" in body:
        hook.events = _checked_events(body["events"])
    hook.events = sorted(
        (set(hook.events) | set(_checked_events(body.get("add_events", []))))
        - set(body.get("remove_events", []))
    )
    hook.active = bool(body.get("active", hook.active))
    hook.updated_at = now()
    for other in repo.hooks.values():
        if other is not hook:
            _refuse_twin(hook, other)


def _checked_config(config: dict[str, Any]) -> dict[str, Any]:
    url = config.get("url")
    if not url:
        raise validation_failed("Hook", "missing_field", field="url")
    if not str(url).startswith(("http://", "https://")):
        raise validation_failed("Hook", "custom", field="url", message="url scheme must be http or https")
    content_type = config.get("content_type", "form")
    if content_type not in ("json", "form"):
        raise validation_failed("Hook", "invalid", field="content_type")
    return {
        "url": str(url),
        "content_type": content_type,
        "secret": config.get("secret") or None,
        "insecure_ssl": str(config.get("insecure_ssl", "0")),
    }


def _checked_events(events: Any) -> list[str]:
    if not isinstance(events, list) or not all(isinstance(event, str) for event in events):
        raise validation_failed("Hook", "invalid", field="events")
    unknown = sorted(set(events) - REPOSITORY_EVENTS - {"*"})
    if unknown:
        text = f"The following events are not valid: {', '.join(unknown)}"
        raise validation_failed("Hook", "custom", field="events", message=text)
    return sorted(set(events))


def _refuse_twin(hook: Hook, other: Hook) -> None:
    same = (hook.url, hook.content_type, hook.insecure_ssl) == (
        other.url,
        other.content_type,
        other.insecure_ssl,
    )
    if same and set(hook.events) & set(other.events):
        raise validation_failed("Hook", "custom", message="Hook already exists on this repository")
