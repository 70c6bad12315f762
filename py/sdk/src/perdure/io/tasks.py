"""``io``: tasks, one after the other, side by side, over many items, or with the app's own writes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast, overload

from perdure.codec import is_async, result_codec, return_annotation
from perdure.errors import TaskFailed, find_interrupt
from perdure.frame import current_frame
from perdure.io.base import IOBase
from perdure.keys import Key
from perdure.options import NO_OPTIONS, TaskOptions
from perdure.threads import run_in_own_thread, run_in_thread

if TYPE_CHECKING:
    from perdure.postgres import TaskTransaction
    from perdure.runner import RecordsFor


P = ParamSpec("P")
A = TypeVar("A")
T = TypeVar("T")


class TasksIO(IOBase):
    """Tasks of the job's own."""

    @overload
    def run_task(
        self, key: Key, fn: Callable[..., Awaitable[T]], /, *args: Any, options: TaskOptions, **kwargs: Any
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def run_task(
        self, key: Key, fn: Callable[..., T], /, *args: Any, options: TaskOptions, **kwargs: Any
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def run_task(
        self, key: Key, fn: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def run_task(
        self, key: Key, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]: ...

    def run_task(
        self, key: Key, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Coroutine[Any, Any, Any]:
        """Call a function once, however often the run is executed: afterwards its stored result is returned.

        The result is stored as JSON and decoded with the function's return annotation, also the first time,
        so that every execution sees the same. A failure is stored too, unless a policy in ``options``
        (``TaskOptions(retry=...)``) lets it be tried again. Tasks within the function become subtasks.

        Args:
            key: unique within the surrounding task; in a loop a list with the index: ``["item", i]``.
            fn: an async function, or a plain one, which then is called directly.
            args: for ``fn``, and so are other keyword arguments.
            options: a TaskOptions; anything else named ``options`` goes to ``fn``.
        Raises:
            TaskFailed: ``fn`` raised, now or in an earlier execution, and is not tried again.
            DuplicateTaskKey: the key was used before in this execution.
            ReplayMismatch: the run did another task here before: the code changed under it.
            StoredResultMismatch: the stored result does not fit the annotation any more.
        """
        options = NO_OPTIONS
        if isinstance(kwargs.get("options"), TaskOptions):
            options = kwargs.pop("options")
        call = self._user_call(fn, *args, **kwargs)
        if options.timeout is not None and not is_async(fn):
            call = partial(run_in_own_thread, partial(fn, *args, **kwargs))
        return self._task(key, call, returns=return_annotation(fn), options=options)

    @overload
    def map(
        self,
        key: Key,
        fn: Callable[[A], Awaitable[T]],
        items: Iterable[A],
        *,
        concurrency: int = 10,
        options: TaskOptions = NO_OPTIONS,
    ) -> Coroutine[Any, Any, list[T]]: ...

    @overload
    def map(
        self,
        key: Key,
        fn: Callable[[A], Awaitable[T]],
        items: Iterable[A],
        *,
        tolerated_failures: int | None,
        concurrency: int = 10,
        options: TaskOptions = NO_OPTIONS,
    ) -> Coroutine[Any, Any, list[T | TaskFailed]]: ...

    @overload
    def map(
        self,
        key: Key,
        fn: Callable[[A], T],
        items: Iterable[A],
        *,
        concurrency: int = 10,
        options: TaskOptions = NO_OPTIONS,
    ) -> Coroutine[Any, Any, list[T]]: ...

    @overload
    def map(
        self,
        key: Key,
        fn: Callable[[A], T],
        items: Iterable[A],
        *,
        tolerated_failures: int | None,
        concurrency: int = 10,
        options: TaskOptions = NO_OPTIONS,
    ) -> Coroutine[Any, Any, list[T | TaskFailed]]: ...

    def map(
        self,
        key: Key,
        fn: Callable[[Any], Any],
        items: Iterable[Any],
        *,
        tolerated_failures: int | None = 0,
        concurrency: int = 10,
        options: TaskOptions = NO_OPTIONS,
    ) -> Coroutine[Any, Any, Any]:
        """Call a function for each item, side by side, each call a task that is retried by itself.

        Args:
            key: unique within the surrounding task; each item's task is within this one, by its index.
            fn: takes one item.
            items: the same in every execution, in the same order.
            tolerated_failures: so many items may fail for good; None: any number. In the result a failed item
                is its TaskFailed. Without it the first failure counts: what is under way is finished, and
                nothing more is begun.
            concurrency: most items at work at a time.
            options: of each item's task, such as ``TaskOptions(retry=STANDARD_BACKOFF)``.
        Returns: the results in the order of the items.
        Raises:
            TaskFailed: more items than tolerated failed; its message is that of the first.
        """
        if concurrency < 1:
            raise ValueError(f"io.map: concurrency must be 1 or more, not {concurrency}")
        if tolerated_failures is not None and tolerated_failures < 0:
            raise ValueError(f"io.map: tolerated_failures must be 0 or more, not {tolerated_failures}")
        calls = self._side_calls(fn, items)
        returns = return_annotation(fn)

        async def each(index: int) -> Any:
            return await self._task([index], calls[index], returns=returns, options=options)

        async def all_items() -> tuple[list[Any], dict[str, int]]:
            results = await side_by_side(
                each, len(calls), concurrency=concurrency, tolerated_failures=tolerated_failures
            )
            failed = sum(isinstance(result, TaskFailed) for result in results)
            return results, {"items": len(calls), "failed": failed}

        async def finished_items() -> None:
            for index in range(len(calls)):
                if self._runner.is_left_out(claim, [index]):
                    await each(index)

        claim = self._runner.claim(key)
        shown = TaskOptions(name=options.name, icon=options.icon or "list", params={"items": len(calls)})
        revisit = None if options.compensate is None else finished_items
        return self._runner.group(claim, all_items, shown, revisit=revisit)

    def yield_execution(self, key: str) -> Coroutine[Any, Any, None]:
        """Have the run executed afresh from here, with its whole time limit again; at most 100 times a run.

        Args:
            key: unique within the run.
        """
        if not key:
            raise ValueError("io.yield_execution: key must not be empty")
        return self._yield_once(key)

    async def _yield_once(self, key: str) -> None:
        if key not in self._execution.request.yielded_executions:
            await self._runner.yield_execution(key)


async def side_by_side(
    each: Callable[[int], Coroutine[Any, Any, T]],
    count: int,
    *,
    concurrency: int,
    tolerated_failures: int | None,
) -> list[T | TaskFailed]:
    """Await ``each(0)`` … ``each(count - 1)``, some at a time, and return the results or failures in order.

    Raises:
        TaskFailed: the first, when there are more than are tolerated.
        RunInterrupt: the run is being unwound.
    """
    results: list[T | TaskFailed | None] = [None] * count
    failures: list[TaskFailed] = []
    indexes = iter(range(count))

    async def work() -> None:
        for index in indexes:
            try:
                results[index] = await each(index)
            except TaskFailed as failure:
                results[index] = failure
                failures.append(failure)
            if tolerated_failures is not None and len(failures) > tolerated_failures:
                return

    workers = [asyncio.create_task(work()) for _ in range(min(concurrency, count))]
    try:
        ends = await asyncio.gather(*workers, return_exceptions=True)
    except asyncio.CancelledError:
        for worker in workers:
            worker.cancel()
        raise
    errors = [end for end in ends if end is not None]
    for error in errors:
        interrupt = find_interrupt(error)
        if interrupt is not None:
            raise interrupt
    if errors:
        raise errors[0]
    if tolerated_failures is not None and len(failures) > tolerated_failures:
        raise failures[0]
    return cast("list[T | TaskFailed]", results)


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
            fn: an async function for async connections, or a plain one, which is called in a thread; the
                other arguments are as those of ``run_task``, and so are its errors.
        Raises:
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
            from perdure.postgres import OutcomeOpen

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
        from perdure.postgres import TaskTransaction

        return TaskTransaction(
            database=self._execution.app.database,
            environment_id=self._execution.context.environment.id,
            run_id=self._runner.run_id,
            lease_number=self._execution.request.perdure.lease_number,
            task_key=task_key,
        )
