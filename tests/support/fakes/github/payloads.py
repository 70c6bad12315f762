"""The JSON that GitHub's REST API and webhooks show, in full, built from the fake's state."""

from __future__ import annotations

import base64
from datetime import datetime

from tests.support.fakes.github.state import Comment, Hook, Ids, Issue, JsonObject, Repository

WEB = "https://github.com"

# Properties of a repository that are its API URL and a suffix, in the order GitHub shows them.
_REPOSITORY_URLS = {
    "forks_url": "/forks",
    "keys_url": "/keys{/key_id}",
    "collaborators_url": "/collaborators{/collaborator}",
    "teams_url": "/teams",
    "hooks_url": "/hooks",
    "issue_events_url": "/issues/events{/number}",
    "events_url": "/events",
    "assignees_url": "/assignees{/user}",
    "branches_url": "/branches{/branch}",
    "tags_url": "/tags",
    "blobs_url": "/git/blobs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "trees_url": "/git/trees{/sha}",
    "statuses_url": "/statuses/{sha}",
    "languages_url": "/languages",
    "stargazers_url": "/stargazers",
    "contributors_url": "/contributors",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "commits_url": "/commits{/sha}",
    "git_commits_url": "/git/commits{/sha}",
    "comments_url": "/comments{/number}",
    "issue_comment_url": "/issues/comments{/number}",
    "contents_url": "/contents/{+path}",
    "compare_url": "/compare/{base}...{head}",
    "merges_url": "/merges",
    "archive_url": "/{archive_format}{/ref}",
    "downloads_url": "/downloads",
    "issues_url": "/issues{/number}",
    "pulls_url": "/pulls{/number}",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "labels_url": "/labels{/name}",
    "releases_url": "/releases{/id}",
    "deployments_url": "/deployments",
}

_USER_URLS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}

_REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def stamp(at: datetime) -> str:
    """An instant as GitHub writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _node_id(kind: str, number: int) -> str:
    return f"{kind}_{base64.urlsafe_b64encode(number.to_bytes(8)).decode().rstrip('=')}"


class Payloads:
    """Renders the state; ``api`` is the base URL of the fake, without a trailing slash."""

    def __init__(self, api: str, ids: Ids) -> None:
        self._api = api
        self._ids = ids

    def user(self, login: str) -> JsonObject:
        """A simple user."""
        number, api = self._ids.of_user(login), f"{self._api}/users/{login}"
        return {
            "login": login,
            "id": number,
            "node_id": _node_id("U", number),
            "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
            "gravatar_id": "",
            "url": api,
            "html_url": f"{WEB}/{login}",
            **{name: api + suffix for name, suffix in _USER_URLS.items()},
            "type": "User",
            "user_view_type": "public",
            "site_admin": False,
        }

    def repository(self, repo: Repository) -> JsonObject:
        """A repository as webhooks show it."""
        api, web = self._repo_url(repo), f"{WEB}/{repo.full_name}"
        open_issues = sum(issue.state == "open" for issue in repo.issues.values())
        return {
            "id": repo.id,
            "node_id": _node_id("R", repo.id),
            "name": repo.name,
            "full_name": repo.full_name,
            "private": False,
            "owner": self.user(repo.owner),
            "html_url": web,
            "description": None,
            "fork": False,
            "url": api,
            **{name: api + suffix for name, suffix in _REPOSITORY_URLS.items()},
            "created_at": stamp(repo.created_at),
            "updated_at": stamp(repo.created_at),
            "pushed_at": stamp(repo.created_at),
            "git_url": f"git://github.com/{repo.full_name}.git",
            "ssh_url": f"git@github.com:{repo.full_name}.git",
            "clone_url": f"{web}.git",
            "svn_url": web,
            "homepage": None,
            "size": 0,
            "stargazers_count": 0,
            "watchers_count": 0,
            "language": None,
            "has_issues": True,
            "has_projects": True,
            "has_downloads": True,
            "has_wiki": True,
            "has_pages": False,
            "has_discussions": False,
            "forks_count": 0,
            "mirror_url": None,
            "archived": False,
            "disabled": False,
            "open_issues_count": open_issues,
            "license": None,
            "allow_forking": True,
            "is_template": False,
            "web_commit_signoff_required": False,
            "topics": [],
            "visibility": "public",
            "forks": 0,
            "open_issues": open_issues,
            "watchers": 0,
            "default_branch": "main",
        }

    def issue(self, repo: Repository, issue: Issue) -> JsonObject:
        """An issue as the REST API and webhooks show it."""
        api = f"{self._repo_url(repo)}/issues/{issue.number}"
        return {
            "url": api,
            "repository_url": self._repo_url(repo),
            "labels_url": f"{api}/labels{{/name}}",
            "comments_url": f"{api}/comments",
            "events_url": f"{api}/events",
            "html_url": f"{WEB}/{repo.full_name}/issues/{issue.number}",
            "id": issue.id,
            "node_id": _node_id("I", issue.id),
            "number": issue.number,
            "title": issue.title,
            "user": self.user(issue.user),
            "labels": [self.label(repo, name) for name in issue.labels],
            "state": issue.state,
            "locked": False,
            "assignee": self.user(issue.assignees[0]) if issue.assignees else None,
            "assignees": [self.user(login) for login in issue.assignees],
            "milestone": None,
            "comments": len(issue.comments),
            "created_at": stamp(issue.created_at),
            "updated_at": stamp(issue.updated_at),
            "closed_at": stamp(issue.closed_at) if issue.closed_at else None,
            "author_association": "CONTRIBUTOR",
            "sub_issues_summary": {"total": 0, "completed": 0, "percent_completed": 0},
            "active_lock_reason": None,
            "body": issue.body,
            "reactions": self._reactions(api),
            "timeline_url": f"{api}/timeline",
            "performed_via_github_app": None,
            "state_reason": issue.state_reason,
        }

    def comment(self, repo: Repository, issue: Issue, comment: Comment) -> JsonObject:
        """A comment of an issue."""
        api = f"{self._repo_url(repo)}/issues/comments/{comment.id}"
        web = f"{WEB}/{repo.full_name}/issues/{issue.number}"
        return {
            "url": api,
            "html_url": f"{web}#issuecomment-{comment.id}",
            "issue_url": f"{self._repo_url(repo)}/issues/{issue.number}",
            "id": comment.id,
            "node_id": _node_id("IC", comment.id),
            "user": self.user(comment.user),
            "created_at": stamp(comment.created_at),
            "updated_at": stamp(comment.created_at),
            "author_association": "CONTRIBUTOR",
            "body": comment.body,
            "reactions": self._reactions(api),
            "performed_via_github_app": None,
        }

    def hook(self, repo: Repository, hook: Hook) -> JsonObject:
        """A hook; GitHub never shows its secret."""
        api = f"{self._repo_url(repo)}/hooks/{hook.id}"
        config = {"content_type": hook.content_type, "insecure_ssl": hook.insecure_ssl, "url": hook.url}
        if hook.secret is not None:
            config["secret"] = "********"
        last = hook.deliveries[-1] if hook.deliveries else None
        return {
            "type": "Repository",
            "id": hook.id,
            "name": "web",
            "active": hook.active,
            "events": hook.events,
            "config": config,
            "updated_at": stamp(hook.updated_at),
            "created_at": stamp(hook.created_at),
            "url": api,
            "test_url": f"{api}/test",
            "ping_url": f"{api}/pings",
            "deliveries_url": f"{api}/deliveries",
            "last_response": {
                "code": last.status_code if last else None,
                "status": last.status if last else "unused",
                "message": last.status if last else None,
            },
        }

    def event(self, repo: Repository, sender: str, action: str | None = None, **parts: object) -> JsonObject:
        """The body of a delivery: action, what it is about, repository, sender."""
        head = {} if action is None else {"action": action}
        return {**head, **parts, "repository": self.repository(repo), "sender": self.user(sender)}

    def _repo_url(self, repo: Repository) -> str:
        return f"{self._api}/repos/{repo.full_name}"

    def label(self, repo: Repository, name: str) -> JsonObject:
        """A label of the repository."""
        number = sum(name.encode())
        return {
            "id": number,
            "node_id": _node_id("LA", number),
            "url": f"{self._repo_url(repo)}/labels/{name}",
            "name": name,
            "color": "ededed",
            "default": False,
            "description": None,
        }

    def _reactions(self, api: str) -> JsonObject:
        return {"url": f"{api}/reactions", "total_count": 0, **dict.fromkeys(_REACTIONS, 0)}
