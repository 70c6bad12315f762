"""Logging in by an OpenID provider: there, and back."""

from __future__ import annotations

import hmac
import re

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from perdure_engine import logins
from perdure_engine.errors import InvalidArgument, KeyConflict, NotFound, WrongState
from perdure_server.dashboard import paths
from perdure_server.dashboard.access import Needs, Page, Visit
from perdure_server.dashboard.origin import base_url
from perdure_server.dashboard.pages.logins import login_form
from perdure_server.dashboard.sessions import cookie_name, is_secure, start_session
from perdure_server.oidc_provider import Attempt, NotVouchedFor, OidcProvider, Person, ProviderAway
from perdure_server.services import services_of

_COOKIE = "perdure_oidc"
_MAX_AGE_S = 600  # the database ends it, too: begin_oidc_login.sql
_STALE = "This login was not begun in this browser, or too long ago. Log in again."


async def begin(visit: Visit) -> Response:
    """Send the browser to the provider, with a secret that it brings back.

    By a link and not by a form: the policy of our pages lets no form lead elsewhere.
    """
    provider = _provider(visit.request)
    wanted = paths.safe_next(visit.query.get("next"))
    async with visit.connection() as conn:
        secret = await logins.begin_oidc_login(conn, wanted)
    try:
        url = await provider.login_url(Attempt.of(secret), _callback(visit.request))
    except ProviderAway:
        return _away(visit, provider, wanted)
    response = RedirectResponse(url, status_code=303)
    response.set_cookie(
        cookie_name(visit.request, _COOKIE),
        secret,
        max_age=_MAX_AGE_S,
        path="/",
        secure=is_secure(visit.request),
        httponly=True,
        samesite="lax",  # it comes with the way back, which another site begins
    )
    return response


async def finish(visit: Visit) -> Response:
    """Take who comes back from the provider for whom it vouches, once, and log them in."""
    provider = _provider(visit.request)
    secret = visit.request.cookies.get(cookie_name(visit.request, _COOKIE), "")
    attempt = Attempt.of(secret)
    if not secret or not hmac.compare_digest(attempt.state.encode(), visit.query.get("state", "").encode()):
        return login_form(visit, paths.HOME, problem=_STALE, status=400)
    async with visit.connection() as conn:
        wanted = await logins.take_oidc_login(conn, secret)
    if wanted is None:
        return _forget(visit, login_form(visit, paths.HOME, problem=_STALE, status=400))
    try:
        person = await _person(visit, provider, attempt)
        user_id = await _log_in(visit, provider, person)
        return _forget(visit, await start_session(visit.request, user_id, wanted))
    except ProviderAway:
        return _forget(visit, _away(visit, provider, wanted))
    except NotVouchedFor as error:
        problem = f"{_name(provider)} did not let you in: {error}."
    except (NotFound, WrongState, KeyConflict, InvalidArgument) as error:
        problem = error.message[:1].upper() + error.message[1:] + "."
    return _forget(visit, login_form(visit, wanted, problem=problem, status=403))


async def _person(visit: Visit, provider: OidcProvider, attempt: Attempt) -> Person:
    query = visit.query
    if "error" in query:
        known = re.fullmatch(r"[a-z_]{1,50}", query["error"])
        raise NotVouchedFor(f"it says {query['error'] if known else 'that something failed'}")
    if query.get("iss", provider.settings.issuer) != provider.settings.issuer:  # RFC 9207
        raise NotVouchedFor("another provider has answered")
    return await provider.person(query.get("code", ""), attempt, _callback(visit.request))


async def _log_in(visit: Visit, provider: OidcProvider, person: Person) -> str:
    settings = provider.settings
    if settings.domains and person.email.rpartition("@")[2].lower() not in settings.domains:
        raise NotVouchedFor(f"{person.email} is of another domain than {', '.join(settings.domains)}")
    async with visit.connection() as conn:
        return await logins.log_in_identity(
            conn,
            issuer=settings.issuer,
            subject=person.subject,
            email=person.email,
            name=person.name,
            organization=settings.organization,
            role=settings.role,
        )


def _provider(request: Request) -> OidcProvider:
    provider = services_of(request).oidc
    if provider is None:
        raise HTTPException(404)
    return provider


def _callback(request: Request) -> str:
    return base_url(request) + paths.OIDC_CALLBACK


def _away(visit: Visit, provider: OidcProvider, wanted: str) -> Response:
    problem = (
        f"{_name(provider)} does not answer as it should. Try again in a moment; the server's log says more."
    )
    return login_form(visit, wanted, problem=problem, status=503)


def _name(provider: OidcProvider) -> str:
    name = provider.settings.name
    return name[:1].upper() + name[1:]


def _forget(visit: Visit, response: Response) -> Response:
    """Have the browser forget the secret, which is used up."""
    response.delete_cookie(
        cookie_name(visit.request, _COOKIE),
        path="/",
        secure=is_secure(visit.request),
        httponly=True,
        samesite="lax",
    )
    return response


PAGES = (
    Page("/oidc/start", begin, Needs.NOTHING),
    Page("/oidc/callback", finish, Needs.NOTHING),
)
