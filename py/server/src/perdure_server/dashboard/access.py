"""Who may see a page: each says what it needs, and is served to nobody else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal, TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from perdure_engine.audit_log import audit
from perdure_engine.errors import translated
from perdure_engine.organizations import Environment, Organization, list_organizations, list_places
from perdure_engine.pool import Connection
from perdure_engine.sessions import User, touch_session
from perdure_server.dashboard import csrf, live, notices, paths
from perdure_server.dashboard.forms import LIMIT, read_form, read_query
from perdure_server.dashboard.sessions import session_token
from perdure_server.errors import ApiError
from perdure_server.services import services_of

ENVIRONMENT = "/orgs/{organization}/projects/{project}/{environment}"
"""How the path of a page of an environment begins."""

Handler: TypeAlias = Callable[["Visit"], Awaitable[Response]]


class Needs(IntEnum):
    """What somebody must be to see a page; from VIEWER on in the organization that the path names."""

    NOTHING = 0
    LOGIN = 1
    VIEWER = 2
    MEMBER = 3
    ADMIN = 4
    OWNER = 5


class NotAllowed(ApiError):
    """The role does not reach."""

    def __init__(self, role: str) -> None:
        super().__init__(
            403,
            "NOT_ALLOWED",
            f"As a {role} of this organization you cannot do this. Ask an owner or an admin.",
        )


@dataclass(slots=True)
class Change:
    """A change that somebody is making, for the audit log.

    ``before`` and ``after`` say what of it changes, never a secret; None: it was not there, or is gone.
    """

    conn: Connection
    """In the transaction of the change."""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page: who it is from, and what came with it."""

    request: Request
    user: User | None
    organizations: tuple[Organization, ...]
    """Where the user belongs."""
    organization: Organization | None
    """The one that the path names."""
    environments: tuple[Environment, ...]
    """All of the organization, on a page of one of them."""
    environment_or_none: Environment | None
    """The one that the path names."""
    session_token: str | None
    """Of a session that holds; None: not logged in."""
    query: Mapping[str, str]
    form: Mapping[str, str]

    @property
    def person(self) -> User:
        """The user, of a page that needs one."""
        assert self.user is not None  # noqa: S101  # the page's Needs say so
        return self.user

    @property
    def place(self) -> Organization:
        """The organization, of a page that needs a role."""
        assert self.organization is not None  # noqa: S101  # the page's Needs say so
        return self.organization

    @property
    def environment(self) -> Environment:
        """The environment, of a page whose path begins with ENVIRONMENT."""
        assert self.environment_or_none is not None  # noqa: S101  # the page's path says so
        return self.environment_or_none

    def here(self, rest: str = "") -> str:
        """The path of a page of the environment; ``rest`` such as ``/runs``."""
        environment = self.environment
        return paths.environment_path(self.place.slug, environment.project, environment.slug, rest)

    def may(self, needs: Needs) -> bool:
        """Whether the user has such a role in the organization: for what a page shows only to some."""
        return self.organization is not None and _rank(self.organization) >= needs

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection to the database, in autocommit."""
        return services_of(self.request).connection()

    @asynccontextmanager
    async def changing(self, action: str, subject: str) -> AsyncIterator[Change]:
        """Make a change and write it down, both in one transaction.

        Args:
            action: the kind of thing and what is done to it, such as ``run.cancel``.
            subject: which one, for people.
        """
        environment = self.environment_or_none
        async with self.connection() as conn:
            with translated():
                async with conn.transaction():
                    change = Change(conn)
                    yield change
                    await audit(
                        conn,
                        self.person.id,
                        self.place.id,
                        action,
                        subject,
                        before=_document(change.before),
                        after=_document(change.after),
                        environment_id=environment.id if environment else None,
                    )

    def redirect(self, path: str, notice: str | None = None) -> Response:
        """On to a page of ours after a form; ``notice`` is shown there, once."""
        response = RedirectResponse(path, status_code=303)
        if notice is not None and self.session_token is not None:
            notices.keep_notice(self.request, response, self.session_token, notice)
        return response


@dataclass(frozen=True, slots=True)
class Page:
    """One page, or what one of its forms does.

    Args:
        path: below /dashboard, with ``{name}`` for a segment; Needs look at ``{organization}``, a slug.
        handler: makes the answer.
        needs: checked before the handler runs.
        method: POST changes something: it comes from a form of ours.
        live_s: seconds after which a page that somebody looks at is made again, to send what has changed
            of its live parts; None: only now and then.
        form_limit: most bytes of the form; more where it carries a document.
    """

    path: str
    handler: Handler
    needs: Needs
    method: Literal["GET", "POST"] = "GET"
    live_s: float | None = None
    form_limit: int = LIMIT

    def __post_init__(self) -> None:
        if self.needs >= Needs.VIEWER and "{organization}" not in self.path:
            raise ValueError(f"{self.path} needs a role, but names no organization")

    async def serve(self, request: Request) -> Response:
        """Check where the request comes from and who makes it, then run the handler.

        Raises:
            Forged: a form that is not ours.
            NotAllowed: the role does not reach.
            HTTPException: 404, there is no such organization or environment, or it is none of the user's
                business.
        """
        if self.method == "GET" and self.needs >= Needs.LOGIN and live.is_asked_for(request):
            return live.stream(request, lambda: self._serve(request), self.live_s)
        return await self._serve(request)

    async def _serve(self, request: Request) -> Response:
        if self.method == "POST":
            csrf.check_origin(request)
        token, user, organizations = await _who(request)
        if user is None and self.needs > Needs.NOTHING:
            return _ask_to_log_in(request)
        form = await read_form(request, self.form_limit) if self.method == "POST" else {}
        if self.method == "POST" and token is not None:
            csrf.check_token(token, form.get(csrf.FIELD))
        place = self._place(request, organizations)
        environments: tuple[Environment, ...] = ()
        environment: Environment | None = None
        if place is not None and self.path.startswith(ENVIRONMENT):
            environments, environment = await _environments(request, place)
        return await self.handler(
            Visit(
                request=request,
                user=user,
                organizations=organizations,
                organization=place,
                environments=environments,
                environment_or_none=environment,
                session_token=token,
                query=read_query(request),
                form=form,
            )
        )

    def _place(self, request: Request, organizations: tuple[Organization, ...]) -> Organization | None:
        if self.needs < Needs.VIEWER:
            return None
        slug = request.path_params["organization"]
        place = next((found for found in organizations if found.slug == slug), None)
        if place is None:
            raise HTTPException(404)
        if _rank(place) < self.needs:
            raise NotAllowed(place.role)
        return place


async def _who(request: Request) -> tuple[str | None, User | None, tuple[Organization, ...]]:
    token = session_token(request)
    if token is None:
        return None, None, ()
    async with services_of(request).connection() as conn:
        user = await touch_session(conn, token)
        if user is None:
            return None, None, ()
        return token, user, tuple(await list_organizations(conn, user.id))


async def _environments(request: Request, place: Organization) -> tuple[tuple[Environment, ...], Environment]:
    async with services_of(request).connection() as conn:
        environments = tuple(await list_places(conn, place.slug))
    wanted = (request.path_params["project"], request.path_params["environment"])
    for environment in environments:
        if (environment.project, environment.slug) == wanted:
            return environments, environment
    raise HTTPException(404)


def _ask_to_log_in(request: Request) -> Response:
    """On to the login, and then back; a form's fields are lost, so back to the start from there."""
    target = paths.LOGIN
    if request.method in ("GET", "HEAD"):
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if wanted != paths.HOME:
            target = paths.with_query(paths.LOGIN, next=wanted)
    return RedirectResponse(target, status_code=303)


def _document(members: Mapping[str, Any] | None) -> bytes | None:
    return None if members is None else json.dumps(members, default=str).encode()


def _rank(organization: Organization) -> Needs:
    return Needs[organization.role.upper()]
