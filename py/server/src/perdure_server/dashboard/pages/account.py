"""One's own account: changing the password."""

from __future__ import annotations

from starlette.responses import Response

from perdure_engine import accounts
from perdure_server.dashboard import passwords
from perdure_server.dashboard.access import Needs, Page, Visit
from perdure_server.dashboard.pages.logins import client_address, too_many_attempts
from perdure_server.dashboard.rendering import render


async def show_account(visit: Visit) -> Response:
    """Who is logged in, and the form for another password."""
    return _account(visit)


async def change_password(visit: Visit) -> Response:
    """Take a new password, if the old one is right: whoever finds an open browser cannot keep the account.

    Attempts count as those to log in do.
    """
    old, new = visit.form.get("old", ""), visit.form.get("new", "")
    problem = passwords.problem_of(new, visit.person.email, visit.person.name)
    if problem is not None:
        return _account(visit, problem=problem, status=400)
    async with visit.connection() as conn:
        attempt = await accounts.begin_login(conn, visit.person.email, client_address(visit))
    if attempt.retry_after_s is not None:
        return _account(visit, problem=too_many_attempts(attempt.retry_after_s), status=429)
    if not await passwords.is_right(old, attempt.password_hash):
        return _account(visit, problem="The old password is not right.", status=400)
    password_hash = await passwords.hash_password(new)
    async with visit.connection() as conn:
        await accounts.change_password(conn, visit.person.id, password_hash, visit.session_token or "")
    return _account(visit, changed=True)


def _account(
    visit: Visit, *, problem: str | None = None, changed: bool = False, status: int = 200
) -> Response:
    return render(
        visit,
        "account.html",
        status=status,
        problem=problem,
        changed=changed,
        shortest=passwords.SHORTEST,
    )


PAGES = (
    Page("/account", show_account, Needs.LOGIN),
    Page("/account/password", change_password, Needs.LOGIN, "POST"),
)
