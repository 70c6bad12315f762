"""One's own account: the password, and where one is logged in."""

from __future__ import annotations

from starlette.responses import Response

from perdure_engine import logins, sessions
from perdure_server.dashboard import passwords, paths
from perdure_server.dashboard.access import Needs, Page, Visit
from perdure_server.dashboard.browsers import browser_name
from perdure_server.dashboard.origin import client_address
from perdure_server.dashboard.pages.logins import too_many_attempts
from perdure_server.dashboard.rendering import render
from perdure_server.services import services_of

_HERE = f"{paths.ROOT}/account"


async def show_account(visit: Visit) -> Response:
    """Who is logged in, where, and the form for another password."""
    return await _account(visit)


async def change_password(visit: Visit) -> Response:
    """Take a new password, if the old one is right: whoever finds an open browser cannot keep the account.

    Attempts count as those to log in do.
    """
    passwords.need_to_be_on(visit.request)
    old, new = visit.form.get("old", ""), visit.form.get("new", "")
    problem = passwords.problem_of(new, visit.person.email, visit.person.name)
    if problem is not None:
        return await _account(visit, problem=problem, status=400)
    async with visit.connection() as conn:
        attempt = await logins.begin_login(conn, visit.person.email, client_address(visit.request))
    if attempt.retry_after_s is not None:
        return await _account(visit, problem=too_many_attempts(attempt.retry_after_s), status=429)
    if not await passwords.is_right(old, attempt.password_hash):
        return await _account(visit, problem="The old password is not right.", status=400)
    password_hash = await passwords.hash_password(new)
    async with visit.connection() as conn:
        await logins.change_password(conn, visit.person.id, password_hash, visit.session_token or "")
    return visit.redirect(_HERE, "The password is changed. Everywhere else this account is logged out.")


async def end_session(visit: Visit) -> Response:
    """Log out in one place."""
    async with visit.connection() as conn:
        ended = await sessions.end_session(conn, visit.person.id, visit.request.path_params["session_id"])
    return visit.redirect(_HERE, "The session is ended." if ended else "This session had ended before.")


async def end_other_sessions(visit: Visit) -> Response:
    """Log out everywhere but here."""
    async with visit.connection() as conn:
        await sessions.end_other_sessions(conn, visit.person.id, visit.session_token or "")
    return visit.redirect(_HERE, "Everywhere else this account is logged out.")


async def _account(visit: Visit, *, problem: str | None = None, status: int = 200) -> Response:
    async with visit.connection() as conn:
        found = await sessions.list_sessions(conn, visit.person.id, visit.session_token or "")
        has_password = await logins.has_password(conn, visit.person.id)
    oidc = services_of(visit.request).settings.oidc
    return render(
        visit,
        "account.html",
        status=status,
        problem=problem,
        sessions=[(session, browser_name(session.user_agent)) for session in found],
        has_password=has_password,
        with_password=passwords.are_on(visit.request),
        provider=oidc.name if oidc else None,
        shortest=passwords.SHORTEST,
    )


PAGES = (
    Page("/account", show_account, Needs.LOGIN),
    Page("/account/password", change_password, Needs.LOGIN, "POST"),
    Page("/account/sessions/{session_id}/end", end_session, Needs.LOGIN, "POST"),
    Page("/account/sessions/end-others", end_other_sessions, Needs.LOGIN, "POST"),
)
