"""What a session of tests shares: a server, a thread, a backend that one test after the other uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perdure_testing.apps import Apps
from perdure_testing.loop_thread import LoopThread
from perdure_testing.outside import Outside
from perdure_testing.platform import Platform

if TYPE_CHECKING:
    from perdure_testing.backend import Backend
    from perdure_testing.postgres import TestPostgres


@dataclass(frozen=True, slots=True)
class _Bench:
    """A backend with all that belongs to it."""

    backend: Backend
    apps: Apps
    outside: Outside


class Laboratory:
    """Makes platforms for tests. The first takes seconds, each later one milliseconds.

    Args:
        postgres_url: of a server to use instead of an embedded one, as a superuser.
    """

    def __init__(self, postgres_url: str | None = None) -> None:
        self._postgres_url = postgres_url
        self._postgres: TestPostgres | None = None
        self._thread: LoopThread | None = None
        self._idle: list[_Bench] = []

    @contextmanager
    def platform(self) -> Iterator[Platform]:
        """A platform with nothing in it, for the block; several at a time do not know of each other."""
        if self._thread is None:
            self._thread = LoopThread()
        bench = self._idle.pop() if self._idle else self._make_bench(self._thread)
        self._thread.wait(bench.backend.clear())
        platform = Platform(self._thread, bench.backend, bench.apps, bench.outside)
        try:
            yield platform
        finally:
            platform.close()
            self._idle.append(bench)

    def close(self) -> None:
        """Stop everything and remove the databases."""
        for bench in self._idle:
            if self._thread is not None:
                self._thread.wait(bench.backend.close())
            if self._postgres is not None:
                self._postgres.drop_database(bench.backend.database_url)
        self._idle = []
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
        if self._postgres is not None:
            self._postgres.close()
            self._postgres = None

    def _make_bench(self, thread: LoopThread) -> _Bench:
        from perdure_testing.backend import Backend
        from perdure_testing.postgres import TestPostgres

        if self._postgres is None:
            self._postgres = TestPostgres(self._postgres_url)
        apps = Apps(lambda: thread.wait(backend.now()))
        outside = Outside(apps)
        backend = Backend(self._postgres.create_database(), apps, outside)
        thread.wait(backend.open())
        return _Bench(backend, apps, outside)
