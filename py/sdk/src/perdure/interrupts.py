"""Control flow: what unwinds a run() so that the SDK can answer. None of it is an error."""

from __future__ import annotations

from perdure.wire.tasks import WireError


class RunInterrupt(BaseException):
    """Unwinds the user's run() so the SDK can answer. No error: ``except Exception`` lets it pass."""


class Suspended(RunInterrupt):
    """Nothing can go on now: the run waits, retries later or yields. What to answer is in the Suspensions."""


class ExecutionEnded(RunInterrupt):
    """The platform does not want this execution's results any more: lease lost, run cancelled or gone."""


class ExecutionRefused(RunInterrupt):
    """The API refuses to store what this execution did, for good: the run fails with ``error``."""

    def __init__(self, error: WireError) -> None:
        super().__init__(error.message)
        self.error = error


def find_interrupt(error: BaseException) -> RunInterrupt | None:
    """The interrupt in an exception, also when task groups wrapped it."""
    if isinstance(error, RunInterrupt):
        return error
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            found = find_interrupt(inner)
            if found is not None:
                return found
    return None
