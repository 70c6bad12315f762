"""Executions: ready runs, EXECUTE_JOB for each, and what the endpoint made of it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from perdure.wire.http import HttpError
from perdure.wire.runs import RunStatus
from perdure_dispatcher.batches import Batches
from perdure_dispatcher.clients import Clients
from perdure_dispatcher.replies import parse_reply
from perdure_dispatcher.settings import Settings
from perdure_dispatcher.verdict import NO_KEY, Judgement, judge_answer, judge_failure, judge_unsendable
from perdure_dispatcher.wake import Wake
from perdure_dispatcher.work import LEASE_LOST, Work
from perdure_engine.errors import NoSecretKey, UnknownSecretKey
from perdure_engine.pool import Connection, Pool
from perdure_engine.runs import ClaimedRun, RunOutcome, apply_results, claim_runs


class Executions(Work[ClaimedRun]):
    """The executions of one dispatcher."""

    noun = "execution"
    id_member = "runId"
    hint = "runs"
    largest_claim = 100  # each may bring megabytes of finished tasks
    waiting = frozenset({RunStatus.WAITING_TO_CONTINUE, RunStatus.WAITING_TO_EXECUTE})

    def __init__(self, pool: Pool, clients: Clients, settings: Settings, wake: Wake, *, slots: int) -> None:
        super().__init__(pool, clients, settings, wake, slots=slots)
        self._batches = Batches(clients, max_response_bytes=settings.max_response_bytes)

    async def claim_some(self, conn: Connection, limit: int) -> Sequence[ClaimedRun]:
        """Take up to ``limit`` ready runs."""
        return await claim_runs(conn, self._settings.name, limit, self._settings.lease_margin)

    def claim_id(self, claim: ClaimedRun) -> str:
        """The run's id."""
        return claim.run_id

    async def send(self, claim: ClaimedRun, *, alone: bool) -> Judgement:
        """EXECUTE_JOB, alone or with others."""
        if not claim.signing_secrets:
            return judge_unsendable(NO_KEY)
        try:
            body = body_with_connections(claim, self.unseal)
            answer = await self._batches.send(claim, body, self.unseal(claim.sealed_api_key), alone=alone)
        except (NoSecretKey, UnknownSecretKey) as error:
            return judge_unsendable(error.message)
        except HttpError as error:
            return judge_failure(error)
        return judge_answer(answer, parse_reply)

    def apply(self, results: Sequence[bytes]) -> Awaitable[list[RunOutcome]]:
        """Move the runs."""
        return apply_results(self._pool, results, minimal=True)

    def outcomes(self, rows: list[RunOutcome]) -> Mapping[str, str]:
        """What became of each."""
        if not rows:
            return defaultdict(lambda: RunStatus.SUCCESS)
        # A late result of an earlier claim of the same run may be in the group: what moved the run counts for
        # both.
        rows.sort(key=lambda row: row.outcome != LEASE_LOST)
        return {row.run_id: row.outcome for row in rows}


def body_with_connections(claim: ClaimedRun, unseal: Callable[[str], str | None]) -> bytes:
    """The body of EXECUTE_JOB as the claim brought it, and the connections in clear."""
    if claim.sealed_connections is None:
        return claim.body
    connections: dict[str, Any] = json.loads(claim.sealed_connections)
    for connection in connections.values():
        connection["accessToken"] = unseal(connection.pop("sealedToken"))
    return b'%s,"connections":%s}' % (claim.body.rstrip()[:-1], json.dumps(connections).encode())
