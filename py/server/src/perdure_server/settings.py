"""What the server is told from outside: read from ``PERDURE_*`` variables, checked, then never changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from perdure_engine.errors import InvalidSecretKey
from perdure_engine.sealing import SETTING, SecretBox
from perdure_server.rate_limit import RateLimit

MEBIBYTE = 1024 * 1024


class InvalidSettings(ValueError):
    """A variable is missing or cannot be used; the text names it, what it holds and what belongs there."""


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """The OpenID provider by which people log in to the dashboard.

    Args:
        issuer: its URL, as it writes it itself; what else is needed is read from there.
        client_id: under which it knows this dashboard.
        client_secret: with which the dashboard shows that it is it.
        name: what people call it.
        scopes: what is asked for, by spaces.
        domains: of the emails that it may vouch for, in lower case; empty: any.
        organization: slug of the organization that new people join; None: they need an invitation.
        role: in which they join it: admin, member or viewer.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str = "single sign-on"
    scopes: str = "openid email profile"
    domains: tuple[str, ...] = ()
    organization: str | None = None
    role: str = "viewer"


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one server process.

    Args:
        database_url: libpq connection string; the login must be a member of ``perdure_server``.
        public_url: origin under which the world reaches this server, without a trailing slash; None: as each
            request says (``Host``), which is right without a proxy.
        pool_size: most connections to Postgres.
        database_timeout_s: seconds a request waits for a connection before it is told to come again.
        json_body_limit: bytes of a JSON body (tasks, events).
        webhook_body_limit: bytes of a webhook's body.
        endpoint_timeout_s: seconds an endpoint has to answer PING or INDEX_ENDPOINT.
        endpoint_answer_limit: bytes of such an answer.
        access_log: write one line for each request.
        rate_limit: on the requests of each API key, by this process; None: none.
        secret_keys: what stored tokens are encrypted with, as ``PERDURE_SECRET_KEYS`` has them; None: nothing
            that needs one can be done.
        oidc: the provider by which people log in; None: there is none.
        password_login: people log in to the dashboard with passwords; False needs ``oidc``.
    """

    database_url: str = field(repr=False)  # it may hold a password
    public_url: str | None = None
    pool_size: int = 10
    database_timeout_s: float = 5.0
    json_body_limit: int = 3 * MEBIBYTE
    webhook_body_limit: int = 25 * MEBIBYTE
    endpoint_timeout_s: float = 5.0
    endpoint_answer_limit: int = 16 * MEBIBYTE
    access_log: bool = True
    rate_limit: RateLimit | None = None
    secret_keys: str | None = field(default=None, repr=False)
    oidc: OidcSettings | None = None
    password_login: bool = True

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from variables; None: those of the process. An empty variable counts as absent.

        Raises:
            InvalidSettings: names the variable and the fix.
        """
        given = {
            name: value for name, value in (os.environ if variables is None else variables).items() if value
        }

        values = {
            field: parse(name, given[name]) for field, (name, parse) in _VARIABLES.items() if name in given
        }
        settings = cls(database_url=_database_url(given), oidc=_oidc(given), **values)
        if settings.oidc is None and not settings.password_login:
            raise InvalidSettings(
                "PERDURE_PASSWORD_LOGIN is off and PERDURE_OIDC_ISSUER is not set, so nobody could log in: "
                "change one of them"
            )
        return settings


def _database_url(given: Mapping[str, str]) -> str:
    for name in ("PERDURE_DATABASE_URL", "DATABASE_URL"):
        if name in given:
            if not given[name].startswith(("postgresql://", "postgres://")):
                raise InvalidSettings(
                    f"{name} must start with postgresql://, such as postgresql://user@host:5432/name"
                )
            return given[name]
    raise InvalidSettings(
        "PERDURE_DATABASE_URL is not set: give the Postgres that Perdure is installed in, such as "
        "postgresql://user@host:5432/name (DATABASE_URL is read when it is absent)"
    )


def _oidc(given: Mapping[str, str]) -> OidcSettings | None:
    values = {
        field: parse(name, given[name]) for field, (name, parse) in _OIDC_VARIABLES.items() if name in given
    }
    if not values:
        return None
    for needed in ("issuer", "client_id", "client_secret"):
        if needed not in values:
            raise InvalidSettings(
                f"{_OIDC_VARIABLES[needed][0]} is not set: to log in by OpenID Connect it takes "
                "PERDURE_OIDC_ISSUER, PERDURE_OIDC_CLIENT_ID and PERDURE_OIDC_CLIENT_SECRET"
            )
    return OidcSettings(**values)


def _text(_name: str, value: str) -> str:
    return value


def _issuer(name: str, value: str) -> str:
    url = urlsplit(value)
    is_local = url.scheme == "http" and url.hostname in ("localhost", "127.0.0.1", "::1")
    if not (is_local or url.scheme == "https") or not url.hostname or url.query or url.fragment:
        raise InvalidSettings(f"{name} must be such as https://id.example.com, not {value!r}")
    return value


def _scopes(name: str, value: str) -> str:
    if "openid" not in value.split():
        raise InvalidSettings(f"{name} must have openid among its words, as in 'openid email profile'")
    return value


def _domains(name: str, value: str) -> tuple[str, ...]:
    domains = tuple(part.strip().lower() for part in value.split(","))
    if not all(domains) or any("@" in domain for domain in domains):
        raise InvalidSettings(f"{name} must be such as example.com,example.org, not {value!r}")
    return domains


def _role(name: str, value: str) -> str:
    if value not in ("admin", "member", "viewer"):
        raise InvalidSettings(f"{name} must be admin, member or viewer, not {value!r}")
    return value


def _origin(name: str, value: str) -> str:
    url = urlsplit(value)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise InvalidSettings(
            f"{name} must be http://host or https://host, such as https://jobs.example.com, not {value!r}"
        )
    return value.rstrip("/")


def _whole_number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value) > 0):
        raise InvalidSettings(f"{name} must be a whole number above 0, not {value!r}")
    return int(value)


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise InvalidSettings(f"{name} must be a number of seconds above 0, not {value!r}")
    return seconds


def _switch(name: str, value: str) -> bool:
    if value.lower() not in ("0", "1", "true", "false"):
        raise InvalidSettings(f"{name} must be 1 or 0, not {value!r}")
    return value.lower() in ("1", "true")


def _rate_limit(name: str, value: str) -> RateLimit:
    try:
        return RateLimit.parse(value)
    except ValueError as error:
        raise InvalidSettings(f"{name} {error}") from None


def _secret_keys(name: str, value: str) -> str:
    try:
        SecretBox.from_setting(value)
    except InvalidSecretKey as error:
        raise InvalidSettings(str(error)) from None
    return value


_VARIABLES: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "public_url": ("PERDURE_PUBLIC_URL", _origin),
    "pool_size": ("PERDURE_POOL_SIZE", _whole_number),
    "database_timeout_s": ("PERDURE_DATABASE_TIMEOUT_S", _seconds),
    "json_body_limit": ("PERDURE_JSON_BODY_LIMIT", _whole_number),
    "webhook_body_limit": ("PERDURE_WEBHOOK_BODY_LIMIT", _whole_number),
    "endpoint_timeout_s": ("PERDURE_ENDPOINT_TIMEOUT_S", _seconds),
    "endpoint_answer_limit": ("PERDURE_ENDPOINT_ANSWER_LIMIT", _whole_number),
    "access_log": ("PERDURE_ACCESS_LOG", _switch),
    "rate_limit": ("PERDURE_RATE_LIMIT", _rate_limit),
    "secret_keys": (SETTING, _secret_keys),
    "password_login": ("PERDURE_PASSWORD_LOGIN", _switch),
}
_OIDC_VARIABLES: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "issuer": ("PERDURE_OIDC_ISSUER", _issuer),
    "client_id": ("PERDURE_OIDC_CLIENT_ID", _text),
    "client_secret": ("PERDURE_OIDC_CLIENT_SECRET", _text),
    "name": ("PERDURE_OIDC_NAME", _text),
    "scopes": ("PERDURE_OIDC_SCOPES", _scopes),
    "domains": ("PERDURE_OIDC_DOMAINS", _domains),
    "organization": ("PERDURE_OIDC_ORGANIZATION", _text),
    "role": ("PERDURE_OIDC_ROLE", _role),
}
