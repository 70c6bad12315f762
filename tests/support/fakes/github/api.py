"""The REST resources of the fake GitHub: issues, comments, assignees, hooks and their deliveries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.support.fakes.github.errors import (
    GitHubError,
    bad_credentials,
    not_found,
    problems_parsing_json,
    rate_limited,
    validation_failed,
)
from tests.support.fakes.github.hooks import create_hook, update_hook
from tests.support.fakes.github.payloads import stamp
from tests.support.fakes.github.state import Delivery, Hook, Issue, JsonObject, Repository
from tests.support.fakes.service import json_body

if TYPE_CHECKING:
    from tests.support.fakes.github.service import FakeGitHub

Handler = Callable[["Session"], Awaitable[Response]]
T = TypeVar("T")


class Session:
    """One authorised call: who makes it, of which repository, with which body."""

    def __init__(
        self, github: FakeGitHub, request: Request, login: str, repo: Repository, body: bytes
    ) -> None:
        self.github = github
        self.request = request
        self.login = login
        self.repo = repo
        self._body = body

    def json(self) -> JsonObject:
        """The body.

        Raises:
            GitHubError: 400, it is no JSON object.
        """
        body = json_body(self._body)
        if not isinstance(body, dict):
            raise problems_parsing_json()
        return body

    def issue(self) -> Issue:
        """The issue in the path, or 404."""
        return self._one(self.repo.issues, "number")

    def hook(self) -> Hook:
        """The hook in the path, or 404."""
        return self._one(self.repo.hooks, "hook_id")

    def page(self, rows: list[JsonObject]) -> Response:
        """The page of ``rows`` that the query asks for, with GitHub's Link header when there are more."""
        query = self.request.query_params
        size = min(max(int(query.get("per_page", "30")), 1), 100)
        page = max(int(query.get("page", "1")), 1)
        last = max((len(rows) + size - 1) // size, 1)
        links = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        shown = {name: number for name, number in links.items() if 1 <= number <= last and number != page}
        url = f"{self.github.url}{self.request.url.path}?per_page={size}&page="
        headers = {"link": ", ".join(f'<{url}{number}>; rel="{name}"' for name, number in shown.items())}
        return JSONResponse(rows[(page - 1) * size : page * size], headers=headers if shown else None)

    def _one(self, rows: dict[int, T], parameter: str) -> T:
        found = rows.get(self.request.path_params[parameter])
        if found is None:
            raise not_found()
        return found


async def get_issue(session: Session) -> Response:
    """``GET /repos/{owner}/{repo}/issues/{number}``."""
    return JSONResponse(session.github.payloads.issue(session.repo, session.issue()))


async def open_issue(session: Session) -> Response:
    """``POST /repos/{owner}/{repo}/issues``: 201, and the event ``issues``, action ``opened``."""
    body = session.json()
    title = body.get("title")
    if not isinstance(title, str) or not title:
        raise validation_failed("Issue", "missing_field", field="title")
    issue = session.github.open_issue(session.repo, title, body=body.get("body"), user=session.login)
    issue.labels += body.get("labels", [])
    session.repo.assign(issue, body.get("assignees", []))
    return JSONResponse(session.github.payloads.issue(session.repo, issue), 201)


async def get_repository(session: Session) -> Response:
    """``GET /repos/{owner}/{repo}``."""
    return JSONResponse(session.github.payloads.repository(session.repo))


async def list_issues(session: Session) -> Response:
    """``GET /repos/{owner}/{repo}/issues``, the newest first."""
    query = session.request.query_params
    state, labels = query.get("state", "open"), [name for name in query.get("labels", "").split(",") if name]
    found = [
        issue
        for issue in reversed(session.repo.issues.values())
        if state in ("all", issue.state) and set(labels) <= set(issue.labels)
    ]
    return session.page([session.github.payloads.issue(session.repo, issue) for issue in found])


async def patch_issue(session: Session) -> Response:
    """``PATCH /repos/{owner}/{repo}/issues/{number}``: what is in the body changes."""
    issue, body = session.issue(), session.json()
    session.github.change_issue(session.repo, issue, body, user=session.login)
    return JSONResponse(session.github.payloads.issue(session.repo, issue))


async def add_labels(session: Session) -> Response:
    """``POST /repos/{owner}/{repo}/issues/{number}/labels``: all labels of the issue."""
    issue, names = session.issue(), session.json().get("labels", [])
    issue.labels += [name for name in names if name not in issue.labels]
    issue.touch()
    return JSONResponse([session.github.payloads.label(session.repo, name) for name in issue.labels])


async def remove_label(session: Session) -> Response:
    """``DELETE /repos/{owner}/{repo}/issues/{number}/labels/{name}``: the labels that are left."""
    issue, name = session.issue(), session.request.path_params["name"]
    if name not in issue.labels:
        raise GitHubError(404, "Label does not exist")
    issue.labels.remove(name)
    issue.touch()
    return JSONResponse([session.github.payloads.label(session.repo, name) for name in issue.labels])


async def create_comment(session: Session) -> Response:
    """``POST /repos/{owner}/{repo}/issues/{number}/comments``: 201, and the event ``issue_comment``."""
    issue, text = session.issue(), session.json().get("body")
    if text is None:
        raise GitHubError(422, 'Invalid request.\n\n"body" wasn\'t supplied.')
    if not isinstance(text, str) or not text.strip():
        raise validation_failed("IssueComment", "custom", field="body", message="body cannot be blank")
    comment = session.github.comment(session.repo, issue, text, user=session.login)
    return JSONResponse(session.github.payloads.comment(session.repo, issue, comment), 201)


async def list_comments(session: Session) -> Response:
    """``GET /repos/{owner}/{repo}/issues/{number}/comments``."""
    issue = session.issue()
    return session.page(
        [session.github.payloads.comment(session.repo, issue, entry) for entry in issue.comments]
    )


async def add_assignees(session: Session) -> Response:
    """``POST /repos/{owner}/{repo}/issues/{number}/assignees``: 201 and the issue."""
    issue, logins = session.issue(), session.json().get("assignees", [])
    if not isinstance(logins, list) or not all(isinstance(login, str) for login in logins):
        raise GitHubError(422, 'Invalid request.\n\n"assignees" must be a list of strings.')
    session.github.assign(session.repo, issue, logins, user=session.login)
    return JSONResponse(session.github.payloads.issue(session.repo, issue), 201)


async def remove_assignees(session: Session) -> Response:
    """``DELETE /repos/{owner}/{repo}/issues/{number}/assignees``: the issue."""
    issue, logins = session.issue(), session.json().get("assignees", [])
    issue.assignees = [login for login in issue.assignees if login not in logins]
    issue.touch()
    return JSONResponse(session.github.payloads.issue(session.repo, issue))


async def list_hooks(session: Session) -> Response:
    """``GET /repos/{owner}/{repo}/hooks``."""
    return session.page(
        [session.github.payloads.hook(session.repo, hook) for hook in session.repo.hooks.values()]
    )


async def post_hook(session: Session) -> Response:
    """``POST /repos/{owner}/{repo}/hooks``: 201, and a ping to the new hook."""
    hook = create_hook(session.repo, session.github.ids, session.json())
    answer = session.github.payloads.hook(session.repo, hook)
    session.github.ping(session.repo, hook, user=session.login)
    return JSONResponse(answer, 201)


async def get_hook(session: Session) -> Response:
    """``GET /repos/{owner}/{repo}/hooks/{hook_id}``."""
    return JSONResponse(session.github.payloads.hook(session.repo, session.hook()))


async def patch_hook(session: Session) -> Response:
    """``PATCH /repos/{owner}/{repo}/hooks/{hook_id}``."""
    hook = session.hook()
    update_hook(session.repo, hook, session.json())
    return JSONResponse(session.github.payloads.hook(session.repo, hook))


async def delete_hook(session: Session) -> Response:
    """``DELETE /repos/{owner}/{repo}/hooks/{hook_id}``: 204."""
    del session.repo.hooks[session.hook().id]
    return Response(status_code=204)


async def list_deliveries(session: Session) -> Response:
    """``GET /repos/{owner}/{repo}/hooks/{hook_id}/deliveries``, newest first."""
    return session.page([_delivery(session.repo, entry) for entry in reversed(session.hook().deliveries)])


async def redeliver(session: Session) -> Response:
    """``POST …/hooks/{hook_id}/deliveries/{delivery_id}/attempts``: 202, and the same GUID again."""
    hook, wanted = session.hook(), session.request.path_params["delivery_id"]
    delivery = next((entry for entry in hook.deliveries if entry.id == wanted), None)
    if delivery is None:
        raise not_found()
    session.github.redeliver(session.repo, hook, delivery)
    return JSONResponse({}, 202)


def _delivery(repo: Repository, delivery: Delivery) -> JsonObject:
    return {
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": stamp(delivery.delivered_at),
        "redelivery": delivery.redelivery,
        "duration": round(delivery.duration_s, 2),
        "status": delivery.status,
        "status_code": delivery.status_code,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": None,
        "repository_id": repo.id,
        "throttled_at": None,
    }


_ISSUE = "/repos/{owner}/{repo}/issues/{number:int}"
_HOOK = "/repos/{owner}/{repo}/hooks/{hook_id:int}"
_HANDLERS: list[tuple[str, str, Handler]] = [
    ("GET", "/repos/{owner}/{repo}", get_repository),
    ("GET", "/repos/{owner}/{repo}/issues", list_issues),
    ("POST", "/repos/{owner}/{repo}/issues", open_issue),
    ("GET", _ISSUE, get_issue),
    ("PATCH", _ISSUE, patch_issue),
    ("POST", f"{_ISSUE}/labels", add_labels),
    ("DELETE", f"{_ISSUE}/labels/{{name}}", remove_label),
    ("GET", f"{_ISSUE}/comments", list_comments),
    ("POST", f"{_ISSUE}/comments", create_comment),
    ("POST", f"{_ISSUE}/assignees", add_assignees),
    ("DELETE", f"{_ISSUE}/assignees", remove_assignees),
    ("GET", "/repos/{owner}/{repo}/hooks", list_hooks),
    ("POST", "/repos/{owner}/{repo}/hooks", post_hook),
    ("GET", _HOOK, get_hook),
    ("PATCH", _HOOK, patch_hook),
    ("DELETE", _HOOK, delete_hook),
    ("GET", f"{_HOOK}/deliveries", list_deliveries),
    ("POST", f"{_HOOK}/deliveries/{{delivery_id:int}}/attempts", redeliver),
]


def rest_routes(github: FakeGitHub) -> list[BaseRoute]:
    """The routes of the REST API."""

    def route(method: str, path: str, handler: Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            session = await _authorised(github, request)
            return await handler(session)

        return Route(path, endpoint, methods=[method])

    return [route(*entry) for entry in _HANDLERS]


async def _authorised(github: FakeGitHub, request: Request) -> Session:
    if "user-agent" not in request.headers:
        raise GitHubError(403, "Request forbidden by administrative rules. Please send a User-Agent header.")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not token:
        raise GitHubError(401, "Requires authentication") if request.method != "GET" else not_found()
    login = github.tokens.get(token)
    if scheme.lower() not in ("bearer", "token") or login is None:
        raise bad_credentials()
    if not github.rate_limit.take():
        raise rate_limited(login)
    repo = github.repositories.get(f"{request.path_params['owner']}/{request.path_params['repo']}".lower())
    if repo is None:
        raise not_found()
    return Session(github, request, login, repo, await request.body())


def common_headers(github: FakeGitHub, request: Request) -> dict[str, str]:
    """The headers that GitHub puts on every answer of its API."""
    return {
        "server": "github.com",
        "x-github-request-id": uuid4().hex[:24].upper(),
        "x-github-media-type": "github.v3; format=json",
        "x-github-api-version-selected": request.headers.get("x-github-api-version", "2022-11-28"),
        **github.rate_limit.headers(),
    }
