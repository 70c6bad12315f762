"""Choosing a password by a link, without the old one."""

from __future__ import annotations

from starlette.responses import Response

from perdure_engine import password_resets
from perdure_engine.errors import NotFound
from perdure_engine.password_resets import PasswordReset
from perdure_server.dashboard import passwords, paths
from perdure_server.dashboard.access import Needs, Page, Visit
from perdure_server.dashboard.rendering import render
from perdure_server.dashboard.sessions import start_session


async def show_password_reset(visit: Visit) -> Response:
    """Whose password it is, and the form for another."""
    passwords.need_to_be_on(visit.request)
    secret = visit.query.get("link", "")
    async with visit.connection() as conn:
        reset = await password_resets.get_password_reset(conn, secret)
    return _form(visit, secret, reset)


async def choose_password(visit: Visit) -> Response:
    """Take the new password, use the link up, and log its owner in."""
    passwords.need_to_be_on(visit.request)
    secret, password = visit.form.get("link", ""), visit.form.get("password", "")
    async with visit.connection() as conn:  # before the work that a hash is
        reset = await password_resets.get_password_reset(conn, secret)
    if reset is None:
        return _form(visit, secret, None)
    problem = passwords.problem_of(password, reset.email, reset.name)
    if problem is not None:
        return _form(visit, secret, reset, problem=problem, status=400)
    password_hash = await passwords.hash_password(password)
    try:
        async with visit.connection() as conn:
            user_id = await password_resets.reset_password(conn, secret, password_hash)
    except NotFound:
        return _form(visit, secret, None)
    return await start_session(visit.request, user_id, paths.HOME)


def _form(
    visit: Visit,
    secret: str,
    reset: PasswordReset | None,
    *,
    problem: str | None = None,
    status: int = 200,
) -> Response:
    if reset is None:
        return render(visit, "password_reset_used.html", status=404)
    return render(
        visit,
        "password_reset.html",
        status=status,
        secret=secret,
        reset=reset,
        problem=problem,
        shortest=passwords.SHORTEST,
    )


PAGES = (
    Page("/password-reset", show_password_reset, Needs.NOTHING),
    Page("/password-reset", choose_password, Needs.NOTHING, "POST"),
)
