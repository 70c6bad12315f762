"""Plain functions beside an event loop: which thread they run in, and how a thread without a loop awaits.

An async host runs plain jobs in worker threads. On one without a loop (WSGI, Lambda) what is bound to the
request's thread, such as Django's connections, is for the job too: the loop gets the helper thread.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import queue
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")


class ThreadQueue:
    """Calls that other threads hand to this one, done while it waits for something."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Have ``call`` done by the thread that waits, in the present context. From any thread."""
        future: Future[T] = Future()
        context = contextvars.copy_context()

        def run() -> None:
            _settle(future, partial(context.run, call))

        self._calls.put(run)
        return future

    def wait_for(self, awaited: Future[T]) -> T:
        """Do the calls that come until ``awaited`` is done; return its result or raise its error."""
        awaited.add_done_callback(lambda _: self._calls.put(None))
        try:
            while (call := self._calls.get()) is not None:
                call()
        except BaseException:  # Ctrl-C
            awaited.cancel()
            raise
        return awaited.result()


_request_thread: ContextVar[ThreadQueue | None] = ContextVar("perdure_request_thread", default=None)


calling_thread: ContextVar[int | None] = ContextVar("perdure_calling_thread", default=None)
"""The thread of a plain job on whose behalf a coroutine runs; None: an async job's own coroutine."""


def call_loop(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> T:
    """Have a coroutine awaited by an event loop of another thread, and wait for its result.

    What the coroutine gives to ``run_in_thread`` runs in this thread meanwhile.

    Raises:
        RuntimeError: this is the loop's own thread, which would wait for itself.
    """
    if runs_here(loop):
        coroutine.close()
        raise RuntimeError(
            "a SyncIO belongs to a plain job and was called in the event loop: make the job async def, or "
            "call it from a plain function"
        )
    waiting = ThreadQueue()
    context = contextvars.copy_context()
    context.run(_request_thread.set, waiting)
    context.run(calling_thread.set, threading.get_ident())
    return waiting.wait_for(context.run(asyncio.run_coroutine_threadsafe, coroutine, loop))


def runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    """True in the thread of this event loop."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


worker_guard: ContextVar[Callable[[Callable[[], Any]], Any]] = ContextVar("perdure_worker_guard")
"""What an adapter puts around every call in a worker thread, such as care for a framework's connections."""


def guarded(call: Callable[[], T]) -> T:
    """Call within the host's guard, if it has set one."""
    guard = worker_guard.get(None)
    guarded_call: T = call() if guard is None else guard(call)
    return guarded_call


async def run_in_thread(call: Callable[[], T]) -> T:
    """Run a plain function off the event loop: where the request's thread waits, there, else in a worker.

    When this is cancelled the function goes on, as a thread cannot be stopped; its result is dropped.
    """
    waiting = _request_thread.get()
    if waiting is not None:
        return await asyncio.wrap_future(waiting.submit(call))
    return await run_in_own_thread(call)


@asynccontextmanager
async def one_thread() -> AsyncIterator[None]:
    """Have ``run_in_thread`` use one thread for all that is in here: a plain job with its dependencies."""
    if _request_thread.get() is not None:
        yield
        return
    waiting, over = ThreadQueue(), Future[None]()
    _start_thread(partial(waiting.wait_for, over))
    token = _request_thread.set(waiting)
    try:
        yield
    finally:
        _request_thread.reset(token)
        over.set_result(None)


async def run_in_own_thread(call: Callable[[], T]) -> T:
    """Run a plain function in a thread of its own: none that it waits for can be short of threads.

    When this is cancelled the function goes on, and its result is dropped.
    """
    return await asyncio.wrap_future(_start_thread(call))


def _start_thread(call: Callable[[], T]) -> Future[T]:
    future: Future[T] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        _settle(future, lambda: context.run(guarded, call))

    threading.Thread(target=run, name="perdure-job", daemon=True).start()
    return future


def _settle(future: Future[T], call: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except StopIteration as error:  # what is awaited cannot raise it
        raised = RuntimeError("the function raised StopIteration")
        raised.__cause__ = error
        future.set_exception(raised)
    except BaseException as error:
        future.set_exception(error)


def run_blocking(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine from a thread without an event loop, or one whose loop may be blocked.

    The loop lives in a helper thread, one for the process, so connections stay open from call to call. What
    the coroutine gives to ``run_in_thread`` runs in the calling thread, whose context variables it sees.

    Args:
        make: called in the helper thread; returns the coroutine.
    Raises:
        RuntimeError: this is the helper thread, which would wait for itself.
    """
    loop = _shared.loop()
    if runs_here(loop):
        raise RuntimeError("a blocking call in async code would wait for itself: await the async one")
    waiting = ThreadQueue()
    context = contextvars.copy_context()
    context.run(_request_thread.set, waiting)
    context.run(calling_thread.set, None)

    async def run() -> T:
        return await make()

    return waiting.wait_for(context.run(asyncio.run_coroutine_threadsafe, run(), loop))


class Blocking(Generic[A]):
    """Base of what has the async methods of another object, as methods that wait for the answer."""

    def __init__(self, twin: A) -> None:
        self._twin = twin


def blocking(
    method: Callable[Concatenate[A, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Blocking[A], P], T]:
    """An async method of the other object, to be called from a thread as ``run_blocking`` has it."""

    @wraps(method)
    def wait(self: Blocking[A], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return run_blocking(lambda: method(self._twin, *args, **kwargs))

    return wait


class _SharedLoop:
    """The event loop of the helper thread; begun when first needed, and anew in a forked process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="perdure-loop", daemon=True).start()
            return self._loop

    def _forget(self) -> None:
        """The child of a fork has none of the parent's threads."""
        self._lock = threading.Lock()
        self._loop = None


_shared = _SharedLoop()
