"""Executions: ready runs, EXECUTE_JOB for each, and what the endpoint made of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from perdure.wire.endpoint_request import EndpointRequest, execute_job
from perdure.wire.execution import parse_reply
from perdure.wire.statuses import RunStatus
from perdure_dispatcher.exchange import Exchange
from perdure_dispatcher.work import LEASE_LOST, Work
from perdure_engine.pool import Connection
from perdure_engine.runs import ClaimedRun, apply_results, claim_runs


class Executions(Work[ClaimedRun]):
    """The executions of one dispatcher."""

    noun = "execution"
    hint = "runs"
    largest_claim = 100  # each may bring megabytes of finished tasks
    waiting = frozenset({RunStatus.WAITING_TO_CONTINUE, RunStatus.WAITING_TO_EXECUTE})

    async def claim_some(self, conn: Connection, limit: int) -> Sequence[ClaimedRun]:
        """Take up to ``limit`` ready runs."""
        return await claim_runs(conn, self._settings.name, limit, self._settings.lease_margin)

    def claim_id(self, claim: ClaimedRun) -> str:
        """The run's id."""
        return claim.run_id

    def request_for(self, claim: ClaimedRun) -> EndpointRequest:
        """EXECUTE_JOB, the body as the claim brought it."""
        return execute_job(claim.body, secrets=claim.signing_secrets, now=time.time())

    def parse(self, body: bytes) -> object:
        """Read a reply to EXECUTE_JOB."""
        return parse_reply(body)

    def result_fields(self, claim: ClaimedRun, came_back: Exchange) -> dict[str, Any]:
        """``apply_results`` tells verdicts apart."""
        judgement = came_back.judgement
        fields = {"runId": claim.run_id, "verdict": judgement.verdict, "durationMs": came_back.duration_ms}
        return fields if judgement.http_status is None else {**fields, "httpStatus": judgement.http_status}

    async def apply(self, conn: Connection, results: Sequence[bytes]) -> Mapping[str, str]:
        """Move the runs."""
        outcomes = await apply_results(conn, results)
        # A late result of an earlier claim of the same run may be in the group: what moved the run counts for
        # both.
        outcomes.sort(key=lambda row: row.outcome != LEASE_LOST)
        return {row.run_id: row.outcome for row in outcomes}
