"""Who calls: the bearer key of a request and the environment it belongs to."""

from __future__ import annotations

import re
from functools import lru_cache

from starlette.requests import HTTPConnection, Request

from perdure_engine.environments import Caller
from perdure_server.errors import ApiError
from perdure_server.params import sent_header
from perdure_server.services import RUN_TOKEN, services_of

_FORM = re.compile(r"(?:tr|pk|rt)_[a-z]+_[A-Za-z0-9]{1,200}")
_QUERY = "token"
_CALLER = "perdure.caller"
_KEY = "perdure.key"


class Unauthorized(ApiError):
    """The key is missing, malformed or unknown."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(401, code, text, headers={"www-authenticate": "Bearer"})


async def authenticate(request: HTTPConnection, *, public: bool, run_id: str | None = None) -> Caller:
    """Find out whose key a request carries.

    Args:
        public: whether a public key will do.
        run_id: a token for this run will do, too, also in the query: an EventSource sends no headers.
    Raises:
        Unauthorized: 401 KEY_MISSING, KEY_MALFORMED, KEY_UNKNOWN or RUN_TOKEN_UNKNOWN.
        ApiError: 400 KEY_IN_QUERY, 403 PUBLIC_KEY_REFUSED or RUN_TOKEN_REFUSED.
    """
    key = _sent_key(request, with_query=run_id is not None)
    callers = services_of(request).callers
    caller = callers.remembered(key) or await callers.find(key)
    if caller is None:
        raise _unknown(key)
    request.scope[_CALLER], request.scope[_KEY] = caller, key
    if caller.run_id is not None:
        if run_id is None or run_id.lower() != caller.run_id:
            raise ApiError(
                403, "RUN_TOKEN_REFUSED", "a token for one run (rt_…) may read that run and nothing else"
            )
    elif not public and not is_secret(caller):
        raise ApiError(
            403,
            "PUBLIC_KEY_REFUSED",
            "a public key (pk_…) may only read events and runs: use a secret key (tr_…), and only on servers",
        )
    return caller


def caller_of(request: Request) -> Caller:
    """The caller whom ``authenticate`` found before the handler ran."""
    caller: Caller = request.scope[_CALLER]
    return caller


def key_of(request: HTTPConnection) -> str:
    """The key itself, which ``authenticate`` found to be in force before the handler ran."""
    key: str = request.scope[_KEY]
    return key


def is_secret(caller: Caller) -> bool:
    """True when the caller holds a secret key."""
    return caller.kind == "SECRET"


def _sent_key(request: HTTPConnection, *, with_query: bool) -> str:
    header = sent_header(request.scope, b"authorization")
    if header is not None:
        return _bearer_key(header)
    token = request.query_params.get(_QUERY) if with_query else None
    if token is None:
        raise Unauthorized(
            "KEY_MISSING", "the authorization header is missing: send 'Authorization: Bearer <API key>'"
        )
    if not token.startswith(RUN_TOKEN):
        raise ApiError(
            400,
            "KEY_IN_QUERY",
            "only a token for one run (rt_…) may be in the query: logs and histories keep addresses. Send "
            "'Authorization: Bearer <API key>', and replace a secret key that was sent in this way",
        )
    if not _FORM.fullmatch(token):
        raise _unknown(token)
    return token


def _unknown(key: str) -> Unauthorized:
    if key.startswith(RUN_TOKEN):
        return Unauthorized(
            "RUN_TOKEN_UNKNOWN",
            "the token is unknown or has expired: ask for a new one with POST /api/v1/runs/{runId}/token",
        )
    return Unauthorized("KEY_UNKNOWN", "the API key is unknown or was revoked: use a key that is in force")


@lru_cache(maxsize=1000)
def _bearer_key(header: bytes) -> str:
    scheme, _, key = header.decode("latin-1").strip().partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not _FORM.fullmatch(key):
        raise Unauthorized(
            "KEY_MALFORMED",
            "the authorization header must be 'Bearer <API key>', with a key such as tr_dev_… or pk_dev_…",
        )
    return key
