"""Becoming the first owner, logging in and out, accepting an invitation."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from perdure_engine import first_owner, logins, members, sessions
from perdure_engine.errors import InvalidArgument, KeyConflict, NotFound, WrongState
from perdure_engine.members import Offer
from perdure_server.dashboard import passwords, paths
from perdure_server.dashboard.access import Needs, Page, Visit
from perdure_server.dashboard.origin import client_address
from perdure_server.dashboard.rendering import render
from perdure_server.dashboard.sessions import forget_session, start_session
from perdure_server.services import services_of

_WRONG = "The email or the password is not right."
_LONGEST_EMAIL = 254


async def show_login(visit: Visit) -> Response:
    """The form to log in; whoever is logged in goes on."""
    wanted = paths.safe_next(visit.query.get("next"))
    if visit.user is not None:
        return RedirectResponse(wanted, status_code=303)
    return login_form(visit, wanted)


async def log_in(visit: Visit) -> Response:
    """Check the password; on success a new session, and on to where the browser wanted to be."""
    passwords.need_to_be_on(visit.request)
    email, password = _text(visit, "email"), visit.form.get("password", "")
    wanted = paths.safe_next(visit.form.get("next"))
    if not email or len(email) > _LONGEST_EMAIL:
        return login_form(visit, wanted, email=email[:_LONGEST_EMAIL], problem=_WRONG, status=400)
    async with visit.connection() as conn:
        attempt = await logins.begin_login(conn, email, client_address(visit.request))
    if attempt.retry_after_s is not None:
        problem = too_many_attempts(attempt.retry_after_s)
        response = login_form(visit, wanted, email=email, problem=problem, status=429)
        response.headers["retry-after"] = str(attempt.retry_after_s)
        return response
    if not await passwords.is_right(password, attempt.password_hash) or attempt.user_id is None:
        return login_form(visit, wanted, email=email, problem=_WRONG, status=400)
    return await start_session(visit.request, attempt.user_id, wanted)


async def log_out(visit: Visit) -> Response:
    """End the session."""
    response = RedirectResponse(paths.LOGIN, status_code=303)
    if visit.session_token is not None:
        async with visit.connection() as conn:
            await sessions.close_session(conn, visit.session_token)
    forget_session(visit.request, response)
    return response


async def show_owner(visit: Visit) -> Response:
    """The form for the first owner; a page that says what to do where the link is of no use."""
    secret = visit.query.get("link", "")
    async with visit.connection() as conn:
        names_organization = await first_owner.get_owner_link(conn, secret)
    if names_organization is None:
        return render(visit, "owner_link_used.html", status=404)
    return _owner_form(visit, secret, names_organization)


async def create_owner(visit: Visit) -> Response:
    """Make the first owner, and log them in."""
    secret, email, name = visit.form.get("link", ""), _text(visit, "email"), _text(visit, "name")
    password = visit.form.get("password", "")
    organization = _text(visit, "organization") or "main"
    async with visit.connection() as conn:  # before the work that a hash is
        names_organization = await first_owner.get_owner_link(conn, secret)
    if names_organization is None:
        return render(visit, "owner_link_used.html", status=404)
    problem = passwords.problem_of(password, email, name)
    if problem is None:
        password_hash = await passwords.hash_password(password)
        try:
            async with visit.connection() as conn:
                user_id = await first_owner.create_owner(
                    conn,
                    secret,
                    email=email,
                    name=name,
                    password_hash=password_hash,
                    organization=organization,
                )
            return await start_session(visit.request, user_id, paths.HOME)
        except (InvalidArgument, KeyConflict) as error:
            problem = _sentence(error.message)
        except NotFound:
            return render(visit, "owner_link_used.html", status=404)
    return _owner_form(visit, secret, names_organization, problem=problem, status=400)


async def show_invitation(visit: Visit) -> Response:
    """What an invitation offers, and the form to accept it."""
    secret = visit.query.get("link", "")
    async with visit.connection() as conn:
        offer = await members.get_invitation(conn, secret)
    if offer is None:
        return render(visit, "invitation_closed.html", status=404)
    return _invitation_form(visit, secret, offer)


async def accept_invitation(visit: Visit) -> Response:
    """Become a member: with the account that is logged in, or with a new one."""
    secret, name, password = visit.form.get("link", ""), _text(visit, "name"), visit.form.get("password", "")
    async with visit.connection() as conn:
        offer = await members.get_invitation(conn, secret)
    if offer is None:
        return render(visit, "invitation_closed.html", status=404)
    if visit.user is None:
        passwords.need_to_be_on(visit.request)
    problem = None if visit.user else passwords.problem_of(password, offer.email, name)
    if problem is None:
        password_hash = None if visit.user else await passwords.hash_password(password)
        try:
            async with visit.connection() as conn:
                user_id = await members.accept_invitation(
                    conn,
                    secret,
                    user_id=visit.user.id if visit.user else None,
                    name=name,
                    password_hash=password_hash,
                )
            if visit.user:
                return RedirectResponse(paths.HOME, status_code=303)
            return await start_session(visit.request, user_id, paths.HOME)
        except (InvalidArgument, KeyConflict, WrongState) as error:
            problem = _sentence(error.message)
        except NotFound:
            return render(visit, "invitation_closed.html", status=404)
    return _invitation_form(visit, secret, offer, problem=problem, status=400)


def login_form(
    visit: Visit, wanted: str, *, email: str = "", problem: str | None = None, status: int = 200
) -> Response:
    """The ways to log in: with a password, by the OpenID provider."""
    settings = services_of(visit.request).settings
    return render(
        visit,
        "login.html",
        status=status,
        next=wanted,
        email=email,
        problem=problem,
        provider=settings.oidc.name if settings.oidc else None,
        start=paths.with_query(paths.OIDC_START, next=wanted),
        with_password=settings.password_login,
    )


def _owner_form(
    visit: Visit, secret: str, names_organization: bool, *, problem: str | None = None, status: int = 200
) -> Response:
    return render(
        visit,
        "owner.html",
        status=status,
        secret=secret,
        names_organization=names_organization,
        shortest=passwords.SHORTEST,
        given=visit.form,
        problem=problem,
    )


def _invitation_form(
    visit: Visit, secret: str, offer: Offer, *, problem: str | None = None, status: int = 200
) -> Response:
    is_theirs = visit.user is not None and visit.user.email.lower() == offer.email.lower()
    return render(
        visit,
        "invitation.html",
        status=status,
        secret=secret,
        offer=offer,
        is_theirs=is_theirs,
        here=paths.with_query(paths.INVITATION, link=secret),
        with_password=passwords.are_on(visit.request),
        shortest=passwords.SHORTEST,
        given=visit.form,
        problem=problem,
    )


def too_many_attempts(retry_after_s: int) -> str:
    """What somebody is told who has to wait."""
    minutes = -(-retry_after_s // 60)
    return f"Too many attempts. Try again in {minutes} minute{'s' if minutes > 1 else ''}."


def _text(visit: Visit, field: str) -> str:
    return visit.form.get(field, "").strip()


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


PAGES = (
    Page("/login", show_login, Needs.NOTHING),
    Page("/login", log_in, Needs.NOTHING, "POST"),
    Page("/logout", log_out, Needs.LOGIN, "POST"),
    Page("/owner", show_owner, Needs.NOTHING),
    Page("/owner", create_owner, Needs.NOTHING, "POST"),
    Page("/invitation", show_invitation, Needs.NOTHING),
    Page("/invitation", accept_invitation, Needs.NOTHING, "POST"),
)
