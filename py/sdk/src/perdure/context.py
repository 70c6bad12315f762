"""What a job may know about its run."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.wire.events import ApiEventLog
from perdure.wire.execution import (
    AccountReference,
    EnvironmentReference,
    ExecuteJob,
    JobReference,
    OrganizationReference,
    ProjectReference,
    RunReference,
    SourceReference,
)


@dataclass(frozen=True, slots=True)
class Context:
    """Third argument of a job: its run and where it runs. Only ``run.started_at`` differs between executions.

    ``ctx.environment.is_development`` tells whether to be gentle. ``account`` is the end user, if any.
    """

    run: RunReference
    job: JobReference
    environment: EnvironmentReference
    organization: OrganizationReference
    event: ApiEventLog
    project: ProjectReference | None = None
    account: AccountReference | None = None
    source: SourceReference | None = None
    """Which schedule, or which registration of a dynamic trigger, the run is for."""

    @classmethod
    def of(cls, execution: ExecuteJob) -> Context:
        """The context that an EXECUTE_JOB request describes."""
        return cls(
            run=execution.run,
            job=execution.job,
            environment=execution.environment,
            organization=execution.organization,
            event=execution.event,
            project=execution.project,
            account=execution.account,
            source=execution.source,
        )
