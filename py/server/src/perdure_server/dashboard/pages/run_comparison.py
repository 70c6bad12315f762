"""Two runs beside each other: what differs in their payloads, their tasks and their results."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.responses import Response

from perdure_engine import run_views, task_views
from perdure_engine.pool import Connection
from perdure_engine.run_views import RunFacts
from perdure_engine.task_views import ComparedTask
from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page, Visit
from perdure_server.dashboard.pages.run import found_run
from perdure_server.dashboard.rendering import pretty_json, render

_MOST_TASKS = 500
_MOST_LINES = 2000  # of a document: more cost seconds to compare
_EARLIER = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """A line of two documents: ``removed`` is in the first only, ``added`` in the second only."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class TaskPair:
    """What may be the same task in both runs; None: the run has none such."""

    key: str
    depth: int
    first: ComparedTask | None
    second: ComparedTask | None

    @property
    def differs(self) -> bool:
        """Whether they ended differently."""
        first, second = self.first, self.second
        if first is None or second is None:
            return True
        return (first.status, first.digest) != (second.status, second.digest)


async def compare(visit: Visit) -> Response:
    """The run that ``with`` names on the left, this one on the right."""
    async with visit.connection() as conn:
        run = await found_run(visit, conn)
        choices = await run_views.list_earlier_runs(
            conn, visit.environment.id, run.job_id, run.id, limit=_EARLIER
        )
        other = await _other(visit, conn, choices)
        if other is None:
            return render(visit, "run_compare.html", run=run, other=None, choices=choices)
        payloads = [await _payload(visit, conn, one) for one in (other, run)]
        tasks = [
            await task_views.list_compared_tasks(conn, one.id, limit=_MOST_TASKS) for one in (other, run)
        ]
    return render(
        visit,
        "run_compare.html",
        run=run,
        other=other,
        choices=choices,
        payload=differences(payloads[0], payloads[1]),
        output=differences(other.output, run.output),
        pairs=pairs_of(tasks[0], tasks[1]),
        is_cut=any(len(found) == _MOST_TASKS for found in tasks),
        length=_length,
    )


def differences(first: bytes | None, second: bytes | None) -> list[Difference] | None:
    """Two documents line by line; None: they are the same; empty: they are too long for that."""
    texts = [pretty_json(document) if document is not None else "" for document in (first, second)]
    if texts[0] == texts[1]:
        return None
    lines = [text.splitlines() for text in texts]
    if max(map(len, lines)) > _MOST_LINES:
        return []
    kinds = {"-": "removed", "+": "added", " ": "same"}
    _from, _to, _place, *found = difflib.unified_diff(lines[0], lines[1], n=3, lineterm="")
    return [Difference(kinds.get(line[0], "gap"), line[1:] if line[0] in kinds else "…") for line in found]


def pairs_of(first: list[ComparedTask], second: list[ComparedTask]) -> list[TaskPair]:
    """The tasks of two runs by their keys within the tasks around them, in the order of the first run."""
    others = {task.path: task for task in second}
    known = {task.path for task in first}
    pairs = [TaskPair(task.key, task.depth, task, others.get(task.path)) for task in first]
    return [
        *pairs,
        *(TaskPair(task.key, task.depth, None, task) for task in second if task.path not in known),
    ]


def _length(task: ComparedTask) -> float | None:
    if task.completed_at is None:
        return None
    return max((task.completed_at - task.started_at) / timedelta(milliseconds=1), 0.0)


async def _other(visit: Visit, conn: Connection, choices: list[str]) -> RunFacts | None:
    wanted = visit.query.get("with") or (choices[0] if choices else None)
    if wanted is None:
        return None
    try:
        other = await run_views.get_run(conn, visit.environment.id, str(UUID(wanted.strip())))
    except ValueError:
        other = None
    if other is None:
        raise HTTPException(404)
    return other


async def _payload(visit: Visit, conn: Connection, run: RunFacts) -> bytes | None:
    event = await run_views.get_event(conn, visit.environment.id, run.event)
    return event.payload if event else None


PAGES = (Page(f"{ENVIRONMENT}/runs/{{run_id}}/compare", compare, Needs.VIEWER),)
