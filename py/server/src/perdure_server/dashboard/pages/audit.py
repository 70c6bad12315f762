"""The audit log of an organization: who changed what, and when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from perdure_engine import audit_log
from perdure_engine.audit_log import AuditEntry
from perdure_server.dashboard import paths
from perdure_server.dashboard.access import Needs, Page, Visit
from perdure_server.dashboard.rendering import render

_PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different; None: it was not there, or is gone."""

    name: str
    before: str | None
    after: str | None


async def show_audit_log(visit: Visit) -> Response:
    """A page of entries, newest first; the next one begins below the last of them."""
    async with visit.connection() as conn:
        entries = await audit_log.list_audit_log(
            conn, visit.place.id, before_id=visit.query.get("below") or None, limit=_PAGE_SIZE + 1
        )
    here = paths.organization_path(visit.place.slug, "/audit")
    shown, more = entries[:_PAGE_SIZE], len(entries) > _PAGE_SIZE
    return render(
        visit,
        "audit.html",
        entries=[(entry, changes(entry)) for entry in shown],
        older=paths.with_query(here, below=shown[-1].id) if more else None,
        newest=here if "below" in visit.query else None,
    )


def changes(entry: AuditEntry) -> list[Change]:
    """What an entry says has changed, a member at a time."""
    before, after = _members(entry.before), _members(entry.after)
    return [
        Change(name, before.get(name), after.get(name))
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    ]


def _members(document: bytes | None) -> dict[str, str]:
    value: Any = json.loads(document) if document else {}
    if not isinstance(value, dict):
        value = {"value": value}
    return {
        name: member if isinstance(member, str) else json.dumps(member, ensure_ascii=False)
        for name, member in value.items()
    }


PAGES = (Page("/orgs/{organization}/audit", show_audit_log, Needs.VIEWER),)
