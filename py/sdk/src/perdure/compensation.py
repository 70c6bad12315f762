"""Undoing what a run did when it fails: the compensations of its finished tasks, the last one first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from perdure.codec import Codec
from perdure.errors import ConfigurationError, RunInterrupt, TaskFailed
from perdure.frame import Claim
from perdure.keys import idempotency_key
from perdure.options import STANDARD_BACKOFF, TaskOptions
from perdure.wire.tasks import TaskStatus, WireError

if TYPE_CHECKING:
    from perdure.ledger import TaskLedger
    from perdure.runner import TaskRunner

_GROUP_KEY = ["perdure", "compensate"]
_FAILURE_KEY = "failure"
_PROMISED = "undo"
"""Member of the stored failure: what will be undone, the text for people by idempotency key."""
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
            called, for its tasks' results, but begins nothing new.
        promised: what that execution was about to undo and has not undone: texts by idempotency key.
    """

    def __init__(self, failure: WireError | None, promised: Mapping[str, str] = MappingProxyType({})) -> None:
        self.failure = failure
        self._promised = promised
        self._replaying = failure is not None
        self._met: list[Compensation] = []

    @classmethod
    def of(cls, run_id: str, ledger: TaskLedger) -> Compensations:
        """Those of a run, which may be half undone."""
        if ledger.is_empty:
            return cls(None)
        group = idempotency_key(run_id, None, _GROUP_KEY)
        stored = ledger.known(idempotency_key(run_id, group, _FAILURE_KEY))
        if stored is None:
            return cls(None)
        output: Any = stored.output
        promised: dict[str, str] = {}
        for key, shown in output.get(_PROMISED, {}).items():
            undoing = ledger.known(idempotency_key(run_id, group, _undo_key(key)))
            if undoing is None or undoing.status != TaskStatus.COMPLETED:
                promised[key] = shown
        return cls(WireError.model_validate(output), promised)

    @property
    def any(self) -> bool:
        """True when there is something to undo."""
        return bool(self._met or self._promised)

    def check(self, claim: Claim, options: TaskOptions) -> None:
        """Refuse to undo a task within another one: when that is done, nobody comes to this one again.

        Raises:
            ConfigurationError: such a task has ``compensate``.
        """
        if options.compensate is None or claim.parent is None:
            return
        if not all(frame.is_group for frame in (claim.parent, *claim.parent.ancestors())):
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
        all_met = {one.claim.idempotency_key: one.claim.shown for one in met}
        stored = {**failure.to_wire(), _PROMISED: all_met}

        async def undo_all() -> tuple[list[str], dict[str, int]]:
            await runner.run(runner.claim(_FAILURE_KEY), lambda: stored, _JSON, TaskOptions(name="failure"))
            failed: list[str] = []
            for one in met:
                claim = runner.claim(_undo_key(one.claim.idempotency_key))
                claim = claim._replace(label=f"undo {one.claim.shown}")
                try:
                    await runner.run(claim, call(one.undo, one.result), _JSON, _UNDO)
                except TaskFailed as error:
                    failed.append(f"{one.claim.shown}: {error.message}")
            undone = len(met) - len(failed)
            failed += [
                f"{shown}: the code does not come to it any more"
                for key, shown in self._promised.items()
                if key not in all_met
            ]
            return failed, {"undone": undone, "failed": len(failed)}

        group = runner.claim(_GROUP_KEY)._replace(label="compensate")
        failed = await runner.group(group, undo_all, TaskOptions(icon="rotate"))
        if not failed:
            return failure
        text = f"{failure.message} (and could not be undone: {'; '.join(failed)})"
        return failure.model_copy(update={"message": text})


def _undo_key(task_key: str) -> list[str]:
    return ["undo", task_key]
