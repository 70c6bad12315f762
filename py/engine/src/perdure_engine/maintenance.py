"""What keeps the engine going: promoting what is due, and the doctor. One call for each SQL function."""

from dataclasses import dataclass

from ._call import fetch_rows
from .driver import Connection, Database, Statement


@dataclass(frozen=True, slots=True)
class Promotion:
    """What one call of ``promote_due`` did, and when the next is worth it."""

    promoted_runs: int
    delivered_events: int
    reaped_leases: int
    next_due_ms: int | None
    """Milliseconds until the next thing is due: 0 now, ``None`` nothing is waiting."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A row that breaks a rule of the engine, with the way out."""

    problem: str
    subject: str
    detail: str
    fix: str


_PROMOTE_DUE = Statement(
    "promote_due",
    "select promoted_runs, delivered_events, reaped_leases, next_due_ms from perdure.promote_due($1)",
    Promotion,
)


async def promote_due(db: Database, limit: int = 1000) -> Promotion:
    """End due waits and backoffs, deliver due events, take back expired leases: up to ``limit`` of each."""
    return (await db.call(_PROMOTE_DUE, str(limit)))[0]


async def doctor(conn: Connection) -> list[Finding]:
    """All rows that break a rule of the engine; empty when it is well. For the owner and the server."""
    return await fetch_rows(conn, Finding, "select problem, subject, detail, fix from perdure.doctor()", [])
