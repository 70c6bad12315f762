"""Who calls: the bearer key of a request and the environment it belongs to."""

from __future__ import annotations

import re
from functools import lru_cache

from starlette.requests import HTTPConnection, Request

from perdure_engine.environments import Caller
from perdure_server.errors import ApiError
from perdure_server.params import sent_header
from perdure_server.services import services_of

_FORM = re.compile(r"(?:tr|pk)_[a-z]+_[A-Za-z0-9]{1,200}")
_CALLER = "perdure.caller"
_KEY = "perdure.key"


class Unauthorized(ApiError):
    """The key is missing, malformed or unknown."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(401, code, text, headers={"www-authenticate": "Bearer"})


async def authenticate(request: HTTPConnection, *, public: bool) -> Caller:
    """Find out whose key a request carries.

    Args:
        public: whether a public key will do.
    Raises:
        Unauthorized: 401 KEY_MISSING, KEY_MALFORMED or KEY_UNKNOWN.
        ApiError: 403 PUBLIC_KEY_REFUSED.
    """
    header = sent_header(request.scope, b"authorization")
    if header is None:
        raise Unauthorized(
            "KEY_MISSING", "the authorization header is missing: send 'Authorization: Bearer <API key>'"
        )
    key = _bearer_key(header)
    callers = services_of(request).callers
    caller = callers.remembered(key) or await callers.find(key)
    if caller is None:
        raise Unauthorized("KEY_UNKNOWN", "the API key is unknown or was revoked: use a key that is in force")
    request.scope[_CALLER], request.scope[_KEY] = caller, key
    if not public and not is_secret(caller):
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
