"""Jobs: one call for each SQL function of the concept. JSON is in wire shape, job ids are the app's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ._call import fetch_rows, fetch_value
from .adapters import Json
from .pool import Connection


@dataclass(frozen=True, slots=True)
class JobSummary:
    """A job of an environment, and how its latest runs went."""

    id: str
    slug: str
    name: str
    version: str
    status: str
    """``ACTIVE`` or ``DISABLED``."""
    endpoint: str
    """The app's id."""
    trigger: bytes
    """TriggerMetadata."""
    integrations: bytes
    """Map: key in the job to IntegrationConfig."""
    is_paused: bool
    """A pause of it, its queue, its environment or everything stops it."""
    last_run_id: str | None
    last_run_status: str | None
    last_run_at: datetime | None
    recent: int
    """How many of the newest runs have ended; 50 at most."""
    succeeded: int
    """How many of these ended well."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job of an environment: what its newest version declares, what people have set."""

    id: str
    slug: str
    name: str
    is_internal: bool
    version: str
    status: str
    endpoint: str
    endpoint_url: str
    trigger: bytes
    event_spec: bytes
    integrations: bytes
    queue: str | None
    """The group whose concurrency limit it shares."""
    max_executions: int | None
    """How many executions may be in flight at once; ``None``: any number."""
    declared_queue: str | None
    declared_executions: int | None
    """What the code says of that."""
    limit_by: str | None
    """``PERSON`` or ``CODE``; ``None``: there is no limit."""
    preprocess_runs: bool
    timeout: timedelta | None
    versions: list[str]
    """Of this environment, newest first."""
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RecentPayload:
    """What a run of a job was started with."""

    run_id: str
    created_at: datetime
    event_name: str
    is_test: bool
    payload: bytes
    context: bytes


async def list_jobs(conn: Connection, environment_id: str, job: str | None = None) -> Sequence[JobSummary]:
    """The jobs of an environment by name, without internal ones; only ``job``, if it is given."""
    return await fetch_rows(
        conn,
        JobSummary,
        """
        select
            j.job_id, j.slug, j.name, j.version, j.status, j.endpoint, j.trigger, j.integrations, j.is_paused,
            j.last_run_id, j.last_run_status, j.last_run_at, j.recent, j.succeeded
        from perdure.list_jobs(%s, %s) as j
        """,
        [environment_id, job],
    )


async def get_job(conn: Connection, environment_id: str, job: str) -> Job:
    """A job of an environment.

    Raises:
        NotFound: the environment has no such job.
    """
    rows = await fetch_rows(
        conn,
        Job,
        """
        select
            j.job_id, j.slug, j.name, j.is_internal, j.version, j.status, j.endpoint, j.endpoint_url,
            j.trigger, j.event_spec, j.integrations, j.queue, j.max_executions, j.declared_queue,
            j.declared_executions, j.limit_by, j.preprocess_runs, j.timeout, j.versions, j.updated_at
        from perdure.get_job(%s, %s) as j
        """,
        [environment_id, job],
    )
    return rows[0]


async def list_job_payloads(
    conn: Connection, environment_id: str, job: str, limit: int = 5
) -> Sequence[RecentPayload]:
    """What the latest runs of a job were started with, newest first, without secrets and without long ones.

    Raises:
        NotFound: the environment has no such job.
    """
    return await fetch_rows(
        conn,
        RecentPayload,
        """
        select p.run_id, p.created_at, p.event_name, p.is_test, p.payload, p.context
        from perdure.list_job_payloads(%s, %s, %s) as p
        """,
        [environment_id, job, limit],
    )


async def test_job(
    conn: Connection,
    environment_id: str,
    job: str,
    payload: bytes,
    context: bytes,
    account_id: str | None,
) -> bytes:
    """Start a run of a job as a test; returns ``{id}`` of the run.

    Args:
        conn: as ``perdure_server``.
        environment_id: where the job runs.
        job: its id.
        payload: any JSON: what the event that starts it would carry.
        context: any JSON.
        account_id: the end user it is about; ``None``: nobody.
    Raises:
        NotFound: the environment has no such job.
        WrongState: the job is disabled there.
        InvalidArgument: names the argument.
    """
    run: bytes = await fetch_value(
        conn,
        "select perdure.test_job(%s, %s, %s, %s, %s)",
        [environment_id, job, Json(payload), Json(context), account_id],
    )
    return run


async def set_job_concurrency_limit(
    conn: Connection, environment_id: str, job: str, max_executions: int | None
) -> None:
    """How many executions of a job may be in flight at once; ``None``: what the code says counts again.

    Raises:
        NotFound: the environment has no such job.
        InvalidArgument: it is not 1 to 1,000,000.
    """
    await fetch_value(
        conn, "select perdure.set_job_concurrency_limit(%s, %s, %s)", [environment_id, job, max_executions]
    )


async def list_job_runs(
    conn: Connection, environment_id: str, job: str, cursor: str | None = None, take: int = 20
) -> bytes:
    """A page of a job's runs, newest first: ``{runs, nextCursor?}``.

    Args:
        conn: a connection of the server or an app.
        environment_id: where the runs are.
        job: the job's id.
        cursor: ``nextCursor`` of the page before.
        take: most runs in the page.
    Raises:
        NotFound: the environment has no such job.
    """
    runs: bytes = await fetch_value(
        conn, "select perdure.list_job_runs(%s, %s, %s, %s)", [environment_id, job, cursor, take]
    )
    return runs


async def cancel_job_runs(conn: Connection, environment_id: str, job: str) -> bytes:
    """Cancel the runs of a job; returns ``{cancelledRunIds, failedToCancelRunIds}``.

    Raises:
        NotFound: the environment has no such job.
    """
    outcome: bytes = await fetch_value(conn, "select perdure.cancel_job_runs(%s, %s)", [environment_id, job])
    return outcome


async def invoke_job(
    conn: Connection,
    environment_id: str,
    job: str,
    payload: bytes = b"{}",
    context: bytes = b"{}",
    options: bytes = b"{}",
    idempotency_key: str | None = None,
) -> bytes:
    """Start a run of a job directly; returns ``{id}`` of the run.

    Args:
        conn: a connection of the server or an app.
        environment_id: where the job runs.
        job: the job's id.
        payload: any JSON.
        context: any JSON.
        options: ``{accountId?, callbackUrl?, tags?, metadata?}``.
        idempotency_key: the same key again finds the run that it started.
    Raises:
        NotFound: the environment has no such job.
        WrongState: the job is disabled there.
        KeyConflict: the key belongs to an event that started no run of this job.
        InvalidArgument: names the argument.
    """
    run: bytes = await fetch_value(
        conn,
        "select perdure.invoke_job(%s, %s, %s, %s, %s, %s)",
        [environment_id, job, Json(payload), Json(context), Json(options), idempotency_key],
    )
    return run
