"""Where the dashboard's pages are, and where a page may send somebody next."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

ROOT = "/dashboard"
HOME = f"{ROOT}/"
LOGIN = f"{ROOT}/login"
OWNER = f"{ROOT}/owner"
INVITATION = f"{ROOT}/invitation"
ENTER = f"{ROOT}/enter"
PASSWORD_RESET = f"{ROOT}/password-reset"
OIDC_START = f"{ROOT}/oidc/start"
OIDC_CALLBACK = f"{ROOT}/oidc/callback"


def organization_path(slug: str, rest: str = "") -> str:
    """A page of an organization; ``rest`` such as ``/members``."""
    return f"{ROOT}/orgs/{quote(slug, safe='')}{rest}"


def environment_path(organization: str, project: str, environment: str, rest: str = "") -> str:
    """A page of an environment; ``rest`` such as ``/runs``."""
    return organization_path(
        organization, f"/projects/{quote(project, safe='')}/{quote(environment, safe='')}{rest}"
    )


def with_query(path: str, **query: str) -> str:
    """A path with a query string."""
    return f"{path}?{urlencode(query)}"


def safe_next(given: str | None) -> str:
    """A page of ours that somebody wanted before they had to log in; else the start.

    What a browser could read as an address elsewhere is not followed: another host, ``//host``, a backslash,
    a control character.
    """
    if not given or not given.isprintable() or " " in given or "\\" in given or "//" in given:
        return HOME
    parts = urlsplit(given)
    if parts.scheme or parts.netloc or not parts.path.startswith(HOME) or "/.." in parts.path:
        return HOME
    return given
