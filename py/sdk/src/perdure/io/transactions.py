"""``io``: a task that commits with the app's own writes, exactly once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

from perdure.codec import is_async, result_codec
from perdure.frame import current_frame
from perdure.io.base import NO_OPTIONS, IOBase
from perdure.keys import Key
from perdure.options import TaskOptions
from perdure.runner import RecordsFor
from perdure.threads import run_in_thread

if TYPE_CHECKING:
    from perdure.postgres.transactions import TaskTransaction

P = ParamSpec("P")
T = TypeVar("T")


class TransactionIO(IOBase):
    """Tasks in the app's own database. Extra ``postgres``."""

    @overload
    def transaction(
        self, key: Key, fn: Callable[..., Awaitable[T]], /, *args: Any, options: TaskOptions, **kwargs: Any
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def transaction(
        self, key: Key, fn: Callable[..., T], /, *args: Any, options: TaskOptions, **kwargs: Any
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def transaction(
        self, key: Key, fn: Callable[Concatenate[Any, P], Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def transaction(
        self, key: Key, fn: Callable[Concatenate[Any, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]: ...

    def transaction(
        self, key: Key, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Coroutine[Any, Any, Any]:
        """Call ``fn(connection, *args)`` in a transaction that also stores that the task is done.

        What it writes and the end of the task are committed together, or neither: exactly once, whatever is
        killed when. ``Perdure(database=...)`` or ``PERDURE_DATABASE_URL`` says where connections come from:
        the Postgres that Perdure is in. When Postgres undoes the transaction for another one's sake (a
        deadlock, a serialization failure) ``fn`` is called again. It must not commit, and ``io`` cannot be
        used in it.

        Args:
            key: unique within the surrounding task; in a loop a list with the index: ``["item", i]``.
            fn: an async function for async connections, or a plain one, which is called in a thread.
            args: for ``fn``, after the connection, and so are other keyword arguments.
            options: a TaskOptions; anything else named ``options`` goes to ``fn``.
        Raises:
            TaskFailed: ``fn`` raised, now or in an earlier execution, and is not tried again.
            DuplicateTaskKey: the key was used before in this execution.
            ValueError: options that have no meaning here.
        """
        options = NO_OPTIONS
        if isinstance(kwargs.get("options"), TaskOptions):
            options = kwargs.pop("options")
        if options.at_most_once or options.timeout is not None:
            raise ValueError(
                "io.transaction: at_most_once and timeout are for other tasks. What a transaction does not "
                "commit it has not done; limit its time with Postgres's statement_timeout"
            )
        claim = self._runner.claim(key)
        codec = result_codec(fn, f"the result of task {claim.shown!r}")

        def call(connection: Any) -> Any:
            frame = current_frame.get()
            if frame is not None:
                frame.is_closed = True
            return fn(connection, *args, **kwargs)

        async def perform(records_for: RecordsFor) -> Any:
            from perdure.postgres.transactions import OutcomeOpen

            transaction = self._transaction(claim.idempotency_key)
            try:
                if is_async(fn):
                    result = await transaction.run_async(call, records_for)
                else:
                    result = await run_in_thread(lambda: transaction.run(call, records_for))
            except OutcomeOpen:
                await self._runner.give_up_execution("transaction")
            return None if result is None else codec.decode(codec.encode(result))

        return self._runner.run_stored(claim, perform, codec, options)

    def _transaction(self, task_key: str) -> TaskTransaction:
        from perdure.postgres.transactions import TaskTransaction

        return TaskTransaction(
            database=self._execution.database,
            environment_id=self._execution.environment_id,
            run_id=self._runner.run_id,
            lease_number=self._execution.lease_number,
            task_key=task_key,
        )
