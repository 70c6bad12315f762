"""The audit log: who changed what in an organization; one call for each SQL function."""

from dataclasses import dataclass
from datetime import datetime

from ._call import fetch_rows, fetch_value
from .adapters import Json
from .driver import Connection


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change that somebody made."""

    id: str
    recorded_at: datetime
    user_email: str
    action: str
    object: str
    before: bytes | None
    after: bytes | None
    project: str | None
    environment: str | None


async def audit(
    conn: Connection,
    user_id: str,
    organization_id: str,
    action: str,
    object: str,
    *,
    before: bytes | None = None,
    after: bytes | None = None,
    environment_id: str | None = None,
) -> None:
    """Write down a change that somebody made, in the transaction of the change.

    Args:
        conn: in the transaction.
        user_id: who made it.
        organization_id: where.
        action: such as ``run.cancel``.
        object: which one, for people.
        before: what of it changed, as JSON; ``None``: it was not there.
        after: as it is since; ``None``: it is gone.
        environment_id: where it is; ``None``: it concerns the organization.
    """
    await fetch_value(
        conn,
        "select perdure.audit(%s, %s, %s, %s, %s::jsonb, %s::jsonb, %s)",
        [
            user_id,
            organization_id,
            action,
            object,
            None if before is None else Json(before),
            None if after is None else Json(after),
            environment_id,
        ],
    )


async def list_audit_log(
    conn: Connection, organization_id: str, *, before_id: str | None = None, limit: int = 50
) -> list[AuditEntry]:
    """What was changed in an organization, newest first.

    Args:
        conn: as ``perdure_server``.
        organization_id: where.
        before_id: go on below this entry; ``None``: from the newest.
        limit: most entries, 1 to 1000.
    """
    return await fetch_rows(
        conn,
        AuditEntry,
        "select id, recorded_at, user_email, action, object, before, after, project, environment"
        " from perdure.list_audit_log(%s, %s, %s)",
        [organization_id, before_id, limit],
    )
