"""Runs: one call for each SQL function of the concept. JSON is in wire shape."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from ._call import fetch_rows, fetch_value
from .adapters import Json, boolean, interval, json_array, text_array
from .driver import Connection, Database, Statement

LEASE_MARGIN = timedelta(seconds=10)
"""How much longer than the endpoint's timeout a lease lasts, unless the caller says otherwise."""


class ClaimedRun(NamedTuple):
    """A run that is ours until its lease ends, with all that the request needs."""

    run_id: str
    lease_number: int
    endpoint_id: str
    url: str
    timeout_ms: int
    """Longest time for the request."""
    signing_secrets: list[bytes]
    """One for each active key of the environment; sign with all of them. None where the app is connected."""
    sealed_api_key: str | None
    """The key to send in clear, sealed; ``None``: the request is signed only."""
    sealed_connections: bytes | None
    """JSON object: an integration's key in the job -> its connection, with ``sealedToken``."""
    body: bytes
    """The whole body of EXECUTE_JOB but for ``connections``, to be sent as it is."""


class RunOutcome(NamedTuple):
    """What a result made of its run."""

    run_id: str
    outcome: str
    """The run's new status, or ``LEASE_LOST``, or ``DROPPED``."""


@dataclass(frozen=True, slots=True)
class RunLook:
    """What somebody who looks at a run sees."""

    environment_id: str
    run_id: str
    digest: str
    """Another one when the run has changed."""
    status: str
    has_ended: bool
    state: bytes
    """The run as ``get_run`` shows it, without its tasks."""


class ClaimOffer(NamedTuple):
    """What somebody with free slots would take: the arguments of ``claim_runs``."""

    dispatcher: str
    limit: int
    lease_margin: timedelta
    endpoint_ids: Sequence[str] | None


def _claimed(*columns: Any) -> ClaimedRun:
    *claim, body = columns
    return ClaimedRun._make((*claim, body.encode()))


def _stored_or_claimed(event: str | None, *claim: Any) -> bytes | ClaimedRun:
    return _claimed(*claim) if event is None else event.encode()


_CLAIM_RUNS = Statement(
    "claim_runs",
    "select run_id, lease_number, endpoint_id, url, timeout_ms, signing_secrets, sealed_api_key,"
    " sealed_connections, body from perdure.claim_runs($1, $2, $3, $4)",
    _claimed,
)
_SEND_AND_CLAIM = Statement(
    "send_and_claim",
    "select event, run_id, lease_number, endpoint_id, url, timeout_ms, signing_secrets, sealed_api_key,"
    " sealed_connections, body from perdure.send_and_claim($1, $2, $3, $4, $5, $6, $7, $8)",
    _stored_or_claimed,
)
_APPLY_RESULTS = Statement(
    "apply_results", "select run_id, outcome from perdure.apply_results($1, $2)", RunOutcome
)


def claim_runs(
    db: Database,
    dispatcher: str,
    limit: int,
    lease_margin: timedelta = LEASE_MARGIN,
    endpoint_ids: Sequence[str] | None = None,
) -> Awaitable[list[ClaimedRun]]:
    """Take up to ``limit`` ready runs, each with a new lease number.

    Args:
        db: a connection or a pool of the dispatcher, or of the server.
        dispatcher: who claims; kept with the lease.
        limit: most runs; the free slots of the caller.
        lease_margin: how much longer than the endpoint's timeout the lease lasts.
        endpoint_ids: only runs of these apps, which are connected, with leases of ``lease_margin`` to be
            renewed; ``None``: of all apps that are reached at a URL.
    """
    return db.call(_CLAIM_RUNS, dispatcher, str(limit), interval(lease_margin), _among(endpoint_ids))


def _among(endpoint_ids: Sequence[str] | None) -> str | None:
    return None if endpoint_ids is None else text_array(endpoint_ids)


def send_and_claim(
    db: Database,
    environment_id: str,
    events: bytes,
    options: bytes,
    dispatcher: str,
    limit: int,
    lease_margin: timedelta = LEASE_MARGIN,
    endpoint_ids: Sequence[str] | None = None,
    *,
    minimal: bool = False,
) -> Awaitable[tuple[list[bytes], list[ClaimedRun]]]:
    """Store events and claim runs in one transaction, so that what the events start need not be announced.

    On a pool with an idle connection it begins in this turn of the event loop.

    Args:
        db: a connection or a pool of the server.
        environment_id: where the events happen.
        events: a JSON array of RawEvent.
        options: SendEventOptions, for all of them.
        dispatcher, limit, lease_margin, endpoint_ids: as for ``claim_runs``; see ``ClaimOffer``.
        minimal: nobody wants to know how the events are stored.
    Returns: an ApiEventLog for each event, in the order of ``events``, or none; and what was claimed.
    Raises:
        InvalidArgument: names the event and the field.
    """
    claimant = (dispatcher, str(limit), interval(lease_margin), _among(endpoint_ids))
    called = db.call(_SEND_AND_CLAIM, environment_id, events, options, *claimant, boolean(minimal))
    return _events_and_claims(called)


async def _events_and_claims(
    called: Awaitable[list[bytes | ClaimedRun]],
) -> tuple[list[bytes], list[ClaimedRun]]:
    rows = await called
    stored = [row for row in rows if isinstance(row, bytes)]
    return stored, [row for row in rows if isinstance(row, ClaimedRun)]


def apply_results(
    db: Database, results: Sequence[bytes], *, minimal: bool = False
) -> Awaitable[list[RunOutcome]]:
    """Hand over what endpoints answered, or that they did not; moves the runs, in one transaction.

    Args:
        db: a connection or a pool of the dispatcher.
        results: valid JSON each: ``{runId, leaseNumber, verdict, durationMs, httpStatus?, message?, reply?,
            metadata?}``.
        minimal: nobody wants to be told that all runs have succeeded.
    Returns: what became of each; with ``minimal`` nothing where all have succeeded.
    """
    return db.call(_APPLY_RESULTS, json_array(results), boolean(minimal))


async def get_run(
    conn: Connection,
    environment_id: str,
    run_id: str,
    *,
    subtasks: bool = False,
    task_details: bool = False,
    cursor: str | None = None,
    take: int = 20,
) -> bytes:
    """A run with a page of its tasks.

    Args:
        conn: a connection of the server or an app.
        environment_id: where the run must be.
        run_id: which run.
        subtasks: with the tasks inside tasks.
        task_details: with the tasks' params and output.
        cursor: id of the task that the page starts with; ``nextCursor`` of the page before.
        take: most tasks in the page.
    Raises:
        NotFound: the environment has no such run.
    """
    run: bytes = await fetch_value(
        conn,
        "select perdure.get_run(%s, %s, %s, %s, %s, %s)",
        [environment_id, run_id, subtasks, task_details, cursor, take],
    )
    return run


async def list_runs(
    conn: Connection,
    environment_id: str,
    *,
    status: str | None = None,
    job: str | None = None,
    cursor: str | None = None,
    take: int = 20,
    tags: Sequence[str] = (),
) -> bytes:
    """A page of the environment's runs, newest first: ``{runs, nextCursor?}``.

    Args:
        conn: a connection of the server.
        environment_id: whose runs.
        status: only runs in this status.
        job: only runs of the job with this id.
        cursor: ``nextCursor`` of the page before.
        take: most runs in the page.
        tags: only runs that have all of these.
    """
    runs: bytes = await fetch_value(
        conn,
        "select perdure.list_runs(%s, %s, %s, %s, %s, %s)",
        [environment_id, status, job, cursor, take, list(tags)],
    )
    return runs


async def find_changed_runs(
    conn: Connection,
    environment_ids: Sequence[str],
    run_ids: Sequence[str],
    digests: Sequence[str | None],
) -> list[RunLook]:
    """Of many runs that somebody looks at, those that are not as they were.

    Args:
        conn: a connection of the server.
        environment_ids: where each run must be.
        run_ids: which runs.
        digests: of what is known of each; ``None``: nothing, so that it is found if it is there.
    """
    return await fetch_rows(
        conn,
        RunLook,
        "select environment_id, run_id, digest, status, has_ended, state"
        " from perdure.find_changed_runs(%s::uuid[], %s::uuid[], %s::text[])",
        [list(environment_ids), list(run_ids), list(digests)],
    )


async def set_run_metadata(conn: Connection, environment_id: str, run_id: str, change: bytes) -> bytes:
    """Change the tags and the metadata of a run; returns ``{tags, metadata}``.

    Args:
        conn: a connection of the server or an app.
        environment_id: where the run must be.
        run_id: which run.
        change: ``{addTags?, removeTags?, metadata?}``.
    Raises:
        NotFound: the environment has no such run.
        InvalidArgument: names the member.
    """
    changed: bytes = await fetch_value(
        conn, "select perdure.set_run_metadata(%s, %s, %s)", [environment_id, run_id, Json(change)]
    )
    return changed


async def cancel_run(conn: Connection, environment_id: str, run_id: str) -> bytes:
    """Cancel a run; returns it. A cancelled one stays as it is.

    Raises:
        NotFound: the environment has no such run.
        AlreadyFinished: it has ended in another way.
    """
    run: bytes = await fetch_value(conn, "select perdure.cancel_run(%s, %s)", [environment_id, run_id])
    return run


async def rerun_run(
    conn: Connection, environment_id: str, run_id: str, payload: bytes | None = None
) -> bytes:
    """Do all of a run's work again; returns the new run.

    Args:
        conn: a connection of the server or an app.
        environment_id: where the run must be.
        run_id: which run.
        payload: instead of its event's; ``None``: the same.
    Raises:
        NotFound: the environment has no such run.
        WrongState: its job is disabled.
    """
    run: bytes = await fetch_value(
        conn,
        "select perdure.rerun_run(%s, %s, %s)",
        [environment_id, run_id, None if payload is None else Json(payload)],
    )
    return run


async def rerun_from_task(conn: Connection, environment_id: str, run_id: str, task_id: str) -> bytes:
    """Do a run's work again from this task on, with the results of what ended before; returns the new run.

    Raises:
        NotFound: the environment has no such run, or the run no such task.
        WrongState: its job is disabled, or a result cannot be taken over.
    """
    run: bytes = await fetch_value(
        conn, "select perdure.rerun_from_task(%s, %s, %s)", [environment_id, run_id, task_id]
    )
    return run


async def continue_run(conn: Connection, environment_id: str, run_id: str) -> bytes:
    """Let a run that ended without success go on where it stopped; returns it.

    Raises:
        NotFound: the environment has no such run.
        WrongState: it has not ended.
        AlreadyFinished: it ended with success.
    """
    run: bytes = await fetch_value(conn, "select perdure.continue_run(%s, %s)", [environment_id, run_id])
    return run
