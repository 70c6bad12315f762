"""Undoing what a run did when it fails: the compensations of its finished tasks, the last one first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from perdure.codec import Codec
from perdure.errors import ConfigurationError, RunInterrupt, TaskFailed
from perdure.keys import idempotency_key
from perdure.options import STANDARD_BACKOFF, TaskOptions
from perdure.records import Claim
from perdure.wire.tasks import WireError

if TYPE_CHECKING:
    from perdure.ledger import TaskLedger
    from perdure.runner import TaskRunner

_GROUP_KEY = ["perdure", "compensate"]
_FAILURE_KEY = "failure"
_UNDO = TaskOptions(retry=STANDARD_BACKOFF)
_JSON = Codec[Any](Any, "a compensation")


class ReplayOver(RunInterrupt):
    """A run that is being undone came to where it had failed: it must not begin anything new."""


@dataclass(frozen=True, slots=True)
class Compensation:
    """What undoes one task."""

    claim: Claim
    undo: Callable[[Any], Any]
    result: Any


class Compensations:
    """The compensations that an execution has met, in the order in which their tasks were done.

    Args:
        failure: what the run failed with, when an earlier execution began to undo it. The code is still
            called, to learn the results of its tasks from the store, but nothing new is begun.
    """

    def __init__(self, failure: WireError | None) -> None:
        self.failure = failure
        self._replaying = failure is not None
        self._met: list[Compensation] = []

    @classmethod
    def of(cls, run_id: str, ledger: TaskLedger) -> Compensations:
        """Those of a run, which may be half undone."""
        if ledger.is_empty:
            return cls(None)
        group = idempotency_key(run_id, None, _GROUP_KEY)
        stored = ledger.known(idempotency_key(run_id, group, _FAILURE_KEY))
        return cls(None if stored is None else WireError.model_validate(stored.output))

    @property
    def any(self) -> bool:
        """True when there is something to undo."""
        return bool(self._met)

    def check(self, claim: Claim, options: TaskOptions) -> None:
        """Refuse to undo a task within another one: when that is done, nobody comes to this one again.

        Raises:
            ConfigurationError: such a task has ``compensate``.
        """
        around = [] if claim.parent is None else [claim.parent, *claim.parent.ancestors()]
        if options.compensate is not None and not all(frame.is_group for frame in around):
            raise ConfigurationError(
                f"task {claim.shown!r} has compensate= and is within another task, which is not called again "
                "when it is done: let the outer task have it, or call this one in the job"
            )

    def add(self, claim: Claim, options: TaskOptions, result: Any) -> None:
        """A task is done, which may have something to undo it."""
        if options.compensate is not None:
            self._met.append(Compensation(claim, options.compensate, result))

    def refuse_unfinished(self) -> None:
        """A task that is not finished wants to go on.

        Raises:
            ReplayOver: the run is being undone, and this is not part of it.
        """
        if self._replaying:
            raise ReplayOver

    async def undo(
        self,
        runner: TaskRunner,
        failure: WireError,
        call: Callable[[Callable[[Any], Any], Any], Callable[[], Any]],
    ) -> WireError:
        """Call what undoes the finished tasks, each as a task, the last first.

        One that fails for good does not keep the others from being undone; the text of the error tells.

        Args:
            call: given an undo function and the result of its task, returns what to call.
        Returns: what the run fails with.
        """
        self._replaying = False
        met, self._met = self._met[::-1], []

        async def undo_all() -> tuple[list[str], dict[str, int]]:
            await runner.run(
                runner.claim(_FAILURE_KEY), lambda: failure.to_wire(), _JSON, TaskOptions(name="failure")
            )
            failed: list[str] = []
            for one in met:
                claim = runner.claim(["undo", one.claim.idempotency_key])
                claim = replace(claim, label=f"undo {one.claim.shown}")
                try:
                    await runner.run(claim, call(one.undo, one.result), _JSON, _UNDO)
                except TaskFailed as error:
                    failed.append(f"{one.claim.shown}: {error.message}")
            return failed, {"undone": len(met) - len(failed), "failed": len(failed)}

        group = replace(runner.claim(_GROUP_KEY), label="compensate")
        failed = await runner.group(group, undo_all, TaskOptions(icon="rotate"))
        if not failed:
            return failure
        text = f"{failure.message} (and could not be undone: {'; '.join(failed)})"
        return failure.model_copy(update={"message": text})
