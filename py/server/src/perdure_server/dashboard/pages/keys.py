"""The API keys of an environment: made, rotated, revoked; each is shown once."""

from __future__ import annotations

import json
from datetime import timedelta

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from perdure_engine import environments
from perdure_engine.environments import ApiKey
from perdure_engine.pool import Connection
from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page, Visit
from perdure_server.dashboard.forms import BadField
from perdure_server.dashboard.origin import base_url
from perdure_server.dashboard.rendering import render
from perdure_server.params import path_uuid

_PATH = f"{ENVIRONMENT}/settings/keys"
_KINDS = {"SECRET": "secret", "PUBLIC": "public"}
OVERLAPS = {
    "0": ("the old one stops at once", timedelta()),
    "1": ("the old one works for an hour more", timedelta(hours=1)),
    "24": ("the old one works for a day more", timedelta(days=1)),
    "168": ("the old one works for a week more", timedelta(days=7)),
}
"""What a form says of how long the old key of two works on, by hours."""


async def show_settings(visit: Visit) -> Response:
    """The settings begin with the keys."""
    return RedirectResponse(visit.here("/settings/keys"), status_code=307)


async def list_keys(visit: Visit) -> Response:
    """The keys by how they begin."""
    return await _page(visit)


async def create(visit: Visit) -> Response:
    """Make a key and show it, this once."""
    kind = visit.form.get("kind", "SECRET")
    if kind not in _KINDS:
        raise BadField("kind", "choose a secret or a public key")
    async with visit.changing("key.create", f"{_KINDS[kind]} key") as change:
        secret = await environments.create_api_key(
            change.conn, visit.environment.id, kind, created_by=visit.person.email
        )
        change.after = {"key": await _newest_hint(change.conn, visit)}
    return await _page(visit, secret=secret)


async def rotate(visit: Visit) -> Response:
    """Make a key in the place of another and show it, this once."""
    try:
        said, overlap = OVERLAPS[visit.form.get("overlap", "")]
    except KeyError:
        raise BadField("overlap", "choose how long the old key works on") from None
    old = await _key(visit)
    async with visit.changing("key.rotate", f"{old.hint}…") as change:
        secret = await environments.rotate_api_key(
            change.conn, visit.environment.id, old.id, overlap=overlap, created_by=visit.person.email
        )
        change.before = {"key": old.hint}
        change.after = {"key": await _newest_hint(change.conn, visit), "overlap": said}
    return await _page(visit, secret=secret)


async def revoke(visit: Visit) -> Response:
    """Refuse a key from now on."""
    key = await _key(visit)
    async with visit.changing("key.revoke", f"{key.hint}…") as change:
        await environments.end_api_key(change.conn, visit.environment.id, key.id)
        change.before = {"key": key.hint}
    return visit.redirect(visit.here("/settings/keys"), notice=f"The key {key.hint}… is revoked.")


async def _page(visit: Visit, *, secret: str | None = None) -> Response:
    async with visit.connection() as conn:
        keys = await environments.list_api_keys(conn, visit.environment.id)
        described = json.loads(await environments.describe_environment(conn, visit.environment.id))
    return render(
        visit,
        "keys.html",
        keys=[key for key in keys if key.revoked_at is None],
        revoked=[key for key in keys if key.revoked_at is not None],
        public_key=described["pkApiKey"],
        secret=secret,
        overlaps=OVERLAPS,
        base_url=base_url(visit.request),
    )


async def _key(visit: Visit) -> ApiKey:
    """The key that the path names.

    Raises:
        HTTPException: 404, the environment has none like that.
    """
    key_id = path_uuid(visit.request, "key_id", what="API key")
    async with visit.connection() as conn:
        keys = await environments.list_api_keys(conn, visit.environment.id)
    found = next((key for key in keys if key.id == key_id), None)
    if found is None:
        raise HTTPException(404)
    return found


async def _newest_hint(conn: Connection, visit: Visit) -> str:
    return (await environments.list_api_keys(conn, visit.environment.id))[0].hint


PAGES = (
    Page(f"{ENVIRONMENT}/settings", show_settings, Needs.VIEWER),
    Page(_PATH, list_keys, Needs.VIEWER),
    Page(_PATH, create, Needs.MEMBER, "POST"),
    Page(f"{_PATH}/{{key_id}}/rotate", rotate, Needs.MEMBER, "POST"),
    Page(f"{_PATH}/{{key_id}}/revoke", revoke, Needs.MEMBER, "POST"),
)
