"""Jobs: one call for each SQL function of the concept. JSON is in wire shape, job ids are the app's."""

from ._call import fetch_value
from .adapters import Json
from .pool import Connection


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
