"""What ``io`` works with, in one execution."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from perdure.client import ApiClient
from perdure.clock import Deadline
from perdure.compensation import Compensations
from perdure.ledger import TaskLedger
from perdure.logger import RunLogger
from perdure.recorder import Recorder
from perdure.runner import TaskRunner
from perdure.suspension import Suspensions
from perdure.task_calls import TaskCalls
from perdure.wire.execution import ExecuteJob
from perdure.wire.tasks import CachedTask, TaskRecord


class Machinery:
    """What knows the run's tasks and stores new ones; made when the job first uses ``io``."""

    def __init__(
        self,
        api: ApiClient,
        shared: TaskCalls | None,
        request: ExecuteJob,
        tasks: Sequence[CachedTask],
        deadline: Deadline,
        *,
        owner: int | None,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        run_id = request.run.id
        self.ledger = TaskLedger(tasks, owner=owner)
        self.suspensions = Suspensions(deadline)
        self.recorder = Recorder(
            api,
            shared,
            run_id=run_id,
            lease_number=request.perdure.lease_number,
            deadline=deadline,
            on_end=self.suspensions.interrupt_all,
            loop=loop,
        )
        self.suspensions.open_early = self.recorder.open_wait
        self.compensations = Compensations.of(run_id, self.ledger)
        self.runner = TaskRunner(
            run_id, self.ledger, self.recorder, self.suspensions, deadline, self.compensations
        )
        self.logger = RunLogger(run_id, request.job.id, self.ledger, self.recorder)

    async def close(self) -> list[TaskRecord]:
        """Stop what the job left behind. Returns what may not be stored yet, for the reply."""
        await self.suspensions.cancel_rest()
        await self.recorder.relieve_reply()
        await self.recorder.close()
        return self.recorder.drain()
