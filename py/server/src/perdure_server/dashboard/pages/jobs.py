"""Jobs of an environment: what starts them, how they do, and what people may set: pauses and limits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from perdure_engine import jobs, pauses, run_search
from perdure_engine.jobs import JobSummary
from perdure_engine.pauses import Pause
from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page, Visit
from perdure_server.dashboard.forms import BadField
from perdure_server.dashboard.rendering import render
from perdure_server.dashboard.triggers import describe_trigger
from perdure_server.params import path_text

_LATEST = 10  # runs on the page of a job
_LONGEST_REASON = 200


async def show_jobs(visit: Visit) -> Response:
    """The jobs by name, or those that a search finds, and the queues that they share."""
    async with visit.connection() as conn:
        found = await jobs.list_jobs(conn, visit.environment.id)
        queues = await pauses.list_queues(conn, visit.environment.id)
        paused = await pauses.list_pauses(conn, visit.environment.id)
    wanted = visit.query.get("q", "").strip()
    shown = [job for job in found if _matches(job, wanted)]
    return render(
        visit,
        "jobs.html",
        any_jobs=bool(found),
        active=[job for job in shown if job.status == "ACTIVE"],
        disabled=[job for job in shown if job.status != "ACTIVE"],
        queues=queues,
        pauses=paused,
        whole=_pause_of(paused, "ENVIRONMENT"),
        wanted=wanted,
        trigger_of=lambda job: describe_trigger(json.loads(job.trigger)),
        any_integrations=any(_integrations(job.integrations) for job in shown),
        integrations_of=lambda job: _integrations(job.integrations),
        rate_of=_rate,
    )


async def show_job(visit: Visit) -> Response:
    """One job: how it stands, its latest runs, and its settings."""
    slug = path_text(visit.request, "slug")
    id = visit.environment.id
    async with visit.connection() as conn:
        job = await jobs.get_job(conn, id, slug)
        summary = next(iter(await jobs.list_jobs(conn, id, slug)), None)  # of an internal job there is none
        paused = await pauses.list_pauses(conn, id)
        latest = await run_search.find_runs(conn, id, json.dumps({"job": slug}).encode(), take=_LATEST)
    spec = json.loads(job.event_spec)
    trigger = json.loads(job.trigger)
    return render(
        visit,
        "job.html",
        here=_path(visit, slug),
        job=job,
        successes=f"{_rate(summary)} of the last {summary.recent}" if summary and summary.recent else None,
        trigger=describe_trigger(trigger),
        rule=_filters(trigger),
        schema=json.dumps(spec["schema"]) if spec.get("schema") else None,
        integrations=_integrations(job.integrations),
        runs=latest.runs,
        pauses=[pause for pause in paused if _stops(pause, slug, job.queue)],
        own_pause=next((pause for pause in paused if pause.scope == "JOB" and pause.job == slug), None),
    )


async def pause_job(visit: Visit) -> Response:
    """Execute no run of the job for now."""
    slug = path_text(visit.request, "slug")
    reason = _reason(visit.form)
    async with visit.changing("job.pause", slug) as change:
        await pauses.pause_job(change.conn, visit.environment.id, slug, visit.person.email, reason)
        change.after = {"paused": True, "reason": reason or ""}
    return visit.redirect(
        _path(visit, slug),
        notice="The job is paused. New runs are taken and wait; running ones finish.",
    )


async def resume_job(visit: Visit) -> Response:
    """Execute the runs of the job again."""
    slug = path_text(visit.request, "slug")
    async with visit.changing("job.resume", slug) as change:
        waiting = await pauses.resume_job(change.conn, visit.environment.id, slug)
        change.before, change.after = {"paused": waiting is not None}, {"paused": False}
    return visit.redirect(_path(visit, slug), notice=_resumed("The job", waiting))


async def set_limit(visit: Visit) -> Response:
    """How many executions of the job may be in flight at once."""
    slug = path_text(visit.request, "slug")
    limit = _limit(visit.form.get("limit", ""))
    async with visit.changing("job.limit", slug) as change:
        job = await jobs.get_job(change.conn, visit.environment.id, slug)
        await jobs.set_job_concurrency_limit(change.conn, visit.environment.id, slug, limit)
        change.before = {"limit": job.max_executions, "set by": job.limit_by}
        change.after = {"limit": job.declared_executions if limit is None else limit}
    if limit is None:
        notice = "What the code says counts again."
    else:
        notice = f"At most {limit} execution{'' if limit == 1 else 's'} at once, whatever the code says."
    return visit.redirect(_path(visit, slug), notice=notice)


async def pause_queue(visit: Visit) -> Response:
    """Execute nothing of a queue for now."""
    queue = path_text(visit.request, "queue")
    async with visit.changing("queue.pause", queue) as change:
        await pauses.pause_queue(change.conn, visit.environment.id, queue, visit.person.email)
        change.after = {"paused": True}
    return visit.redirect(
        visit.here("/jobs"), notice=f"The queue {queue} is paused. Running executions finish."
    )


async def resume_queue(visit: Visit) -> Response:
    """Execute the runs of a queue again."""
    queue = path_text(visit.request, "queue")
    async with visit.changing("queue.resume", queue) as change:
        waiting = await pauses.resume_queue(change.conn, visit.environment.id, queue)
        change.before, change.after = {"paused": waiting is not None}, {"paused": False}
    return visit.redirect(visit.here("/jobs"), notice=_resumed(f"The queue {queue}", waiting))


async def pause_environment(visit: Visit) -> Response:
    """Execute nothing of the environment for now."""
    reason = _reason(visit.form)
    async with visit.changing("environment.pause", visit.environment.slug) as change:
        await pauses.pause_environment(change.conn, visit.environment.id, visit.person.email, reason)
        change.after = {"paused": True, "reason": reason or ""}
    return visit.redirect(
        visit.here("/jobs"),
        notice="This environment is paused. New runs are taken and wait; running ones finish.",
    )


async def resume_environment(visit: Visit) -> Response:
    """Execute the runs of the environment again."""
    async with visit.changing("environment.resume", visit.environment.slug) as change:
        waiting = await pauses.resume_environment(change.conn, visit.environment.id)
        change.before, change.after = {"paused": waiting is not None}, {"paused": False}
    return visit.redirect(visit.here("/jobs"), notice=_resumed("This environment", waiting))


def _path(visit: Visit, slug: str) -> str:
    return visit.here(f"/jobs/{quote(slug, safe='')}")


def _matches(job: JobSummary, wanted: str) -> bool:
    text = f"{job.slug} {job.name} {describe_trigger(json.loads(job.trigger))}".casefold()
    return all(word in text for word in wanted.casefold().split())


def _rate(job: JobSummary) -> str | None:
    """How many of the latest runs ended well, for people; None: none has ended."""
    if not job.recent:
        return None
    percent = 100 * job.succeeded / job.recent
    # Never 100 % where one has failed, nor 0 % where one has not.
    shown = min(max(round(percent), 1), 99) if 0 < job.succeeded < job.recent else round(percent)
    return f"{shown} %"


def _integrations(document: bytes) -> list[str]:
    return [config["metadata"]["name"] for config in json.loads(document).values()]


def _filters(trigger: Mapping[str, Any]) -> str | None:
    rule = trigger.get("rule") or {}
    filters = {key: rule[key] for key in ("payload", "context") if rule.get(key)}
    return json.dumps(filters) if filters else None


def _pause_of(paused: Sequence[Pause], scope: str) -> Pause | None:
    return next((pause for pause in paused if pause.scope == scope), None)


def _stops(pause: Pause, slug: str, queue: str | None) -> bool:
    return {
        "JOB": pause.job == slug,
        "QUEUE": queue is not None and pause.queue == queue,
    }.get(pause.scope, True)


def _resumed(what: str, waiting: int | None) -> str:
    if waiting is None:
        return f"{what} was not paused."
    return f"{what} goes on. {waiting} run{' was' if waiting == 1 else 's were'} waiting."


def _reason(form: Mapping[str, str]) -> str | None:
    reason = form.get("reason", "").strip()
    if len(reason) > _LONGEST_REASON:
        raise BadField("reason", f"use at most {_LONGEST_REASON} characters")
    return reason or None


def _limit(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:8]) <= 1_000_000:
        raise BadField("limit", "write a whole number from 1 to 1,000,000, or nothing for what the code says")
    return int(text)


PAGES = (
    Page(f"{ENVIRONMENT}/jobs", show_jobs, Needs.VIEWER, live_s=5),
    Page(f"{ENVIRONMENT}/jobs/{{slug}}", show_job, Needs.VIEWER, live_s=2),
    Page(f"{ENVIRONMENT}/jobs/{{slug}}/pause", pause_job, Needs.MEMBER, "POST"),
    Page(f"{ENVIRONMENT}/jobs/{{slug}}/resume", resume_job, Needs.MEMBER, "POST"),
    Page(f"{ENVIRONMENT}/jobs/{{slug}}/limit", set_limit, Needs.MEMBER, "POST"),
    Page(f"{ENVIRONMENT}/queues/{{queue}}/pause", pause_queue, Needs.MEMBER, "POST"),
    Page(f"{ENVIRONMENT}/queues/{{queue}}/resume", resume_queue, Needs.MEMBER, "POST"),
    Page(f"{ENVIRONMENT}/pause", pause_environment, Needs.MEMBER, "POST"),
    Page(f"{ENVIRONMENT}/resume", resume_environment, Needs.MEMBER, "POST"),
)
