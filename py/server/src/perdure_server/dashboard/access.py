"""Who may see a page: each says what it needs, and is served to nobody else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from perdure_engine import accounts
from perdure_engine.accounts import Organization, User
from perdure_engine.pool import Connection
from perdure_server.dashboard import csrf, paths
from perdure_server.dashboard.forms import read_form, read_query
from perdure_server.dashboard.sessions import session_token
from perdure_server.errors import ApiError
from perdure_server.services import services_of

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


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page: who it is from, and what came with it."""

    request: Request
    user: User | None
    organizations: tuple[Organization, ...]
    """Where the user belongs."""
    organization: Organization | None
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

    def may(self, needs: Needs) -> bool:
        """Whether the user has such a role in the organization: for what a page shows only to some."""
        return self.organization is not None and _rank(self.organization) >= needs

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection to the database, in autocommit."""
        return services_of(self.request).connection()


@dataclass(frozen=True, slots=True)
class Page:
    """One page, or what one of its forms does.

    Args:
        path: below /dashboard, with ``{name}`` for a segment; Needs look at ``{organization}``, a slug.
        handler: makes the answer.
        needs: checked before the handler runs.
        method: POST changes something: it comes from a form of ours.
    """

    path: str
    handler: Handler
    needs: Needs
    method: Literal["GET", "POST"] = "GET"

    def __post_init__(self) -> None:
        if self.needs >= Needs.VIEWER and "{organization}" not in self.path:
            raise ValueError(f"{self.path} needs a role, but names no organization")

    async def serve(self, request: Request) -> Response:
        """Check where the request comes from and who makes it, then run the handler.

        Raises:
            Forged: a form that is not ours.
            NotAllowed: the role does not reach.
            HTTPException: 404, there is no such organization, or it is none of the user's business.
        """
        if self.method == "POST":
            csrf.check_origin(request)
        token, user, organizations = await _who(request)
        if user is None and self.needs > Needs.NOTHING:
            return _ask_to_log_in(request)
        form = await read_form(request) if self.method == "POST" else {}
        if self.method == "POST" and token is not None:
            csrf.check_token(token, form.get(csrf.FIELD))
        place = self._place(request, organizations)
        visit = Visit(request, user, organizations, place, token, read_query(request), form)
        return await self.handler(visit)

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
        user = await accounts.touch_session(conn, token)
        if user is None:
            return None, None, ()
        return token, user, tuple(await accounts.list_organizations(conn, user.id))


def _ask_to_log_in(request: Request) -> Response:
    """On to the login, and then back; a form's fields are lost, so back to the start from there."""
    target = paths.LOGIN
    if request.method in ("GET", "HEAD"):
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if wanted != paths.HOME:
            target = paths.with_query(paths.LOGIN, next=wanted)
    return RedirectResponse(target, status_code=303)


def _rank(organization: Organization) -> Needs:
    return Needs[organization.role.upper()]
