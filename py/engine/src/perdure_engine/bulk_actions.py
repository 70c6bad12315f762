"""Bulk actions, which cancel, rerun or continue many runs: one call for each SQL function."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ._call import fetch_value
from .adapters import Json
from .driver import Connection


@dataclass(frozen=True, slots=True)
class Skip:
    """A run that is left as it was."""

    run_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class BulkAction:
    """What somebody does with many runs, and how far it is."""

    id: str
    kind: str
    """``CANCEL``, ``RERUN`` or ``CONTINUE``."""
    status: str
    """``RUNNING``, ``COMPLETED``, ``STOPPED`` or ``FAILED``."""
    by: str
    """An email, or ``administrator``."""
    query: dict[str, Any] | None
    """The filter of the runs, as of ``run_search.find_runs``; ``None``: they were named."""
    selected: int | None
    """How many runs were named; ``None``: those that pass the filter."""
    done: int
    skipped: int
    message: str | None
    """Why it has failed."""
    progress: float
    """From 0 to 1; of an action by filter by the time that it has gone back."""
    searched_to: datetime
    """The runs that were created since are done."""
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    skips: list[Skip] = field(default_factory=list)
    """The newest of the runs that are left as they were; only of ``get_bulk_action``."""


async def begin_bulk_action(
    conn: Connection,
    environment_id: str,
    kind: str,
    *,
    filter: bytes | None = None,
    run_ids: Sequence[str] | None = None,
    user_id: str | None = None,
) -> str:
    """Begin to cancel, rerun or continue many runs; returns the action's id. Dispatchers do it.

    Args:
        conn: a connection of the server or an app.
        environment_id: whose runs.
        kind: ``CANCEL``, ``RERUN`` or ``CONTINUE``.
        filter: the runs that pass this filter and are there now; as of ``run_search.find_runs``.
        run_ids: these runs; exactly one of both.
        user_id: who; ``None``: an administrator.
    Raises:
        InvalidArgument: names the argument, or the member of ``filter``.
        NotFound: there is no such user.
    """
    action_id: str = await fetch_value(
        conn,
        "select perdure.begin_bulk_action(%s, %s, %s::json::jsonb, %s::uuid[], %s)",
        [environment_id, kind, Json(filter) if filter is not None else None, run_ids, user_id],
    )
    return action_id


async def stop_bulk_action(conn: Connection, environment_id: str, action_id: str) -> None:
    """Let a bulk action go no further; what it has done stays done.

    Raises:
        NotFound: the environment has no such action.
        AlreadyFinished: it has come to its end.
    """
    await fetch_value(conn, "select perdure.stop_bulk_action(%s, %s)", [environment_id, action_id])


async def get_bulk_action(conn: Connection, environment_id: str, action_id: str) -> BulkAction:
    """How far a bulk action is.

    Raises:
        NotFound: the environment has no such action.
    """
    return _action(
        json.loads(
            await fetch_value(conn, "select perdure.get_bulk_action(%s, %s)", [environment_id, action_id])
        )
    )


async def list_bulk_actions(
    conn: Connection, environment_id: str, *, before_id: str | None = None, limit: int = 50
) -> list[BulkAction]:
    """An environment's bulk actions, newest first."""
    actions = json.loads(
        await fetch_value(
            conn, "select perdure.list_bulk_actions(%s, %s, %s)", [environment_id, before_id, limit]
        )
    )
    return [_action(action) for action in actions]


def _action(action: dict[str, Any]) -> BulkAction:
    return BulkAction(
        id=action["id"],
        kind=action["kind"],
        status=action["status"],
        by=action["by"],
        query=action["filter"],
        selected=action["selected"],
        done=action["done"],
        skipped=action["skipped"],
        message=action["message"],
        progress=float(action["progress"]),
        searched_to=datetime.fromisoformat(action["searchedTo"]),
        created_at=datetime.fromisoformat(action["createdAt"]),
        updated_at=datetime.fromisoformat(action["updatedAt"]),
        completed_at=datetime.fromisoformat(action["completedAt"]) if action["completedAt"] else None,
        skips=[Skip(skip["runId"], skip["reason"]) for skip in action.get("skips", [])],
    )
