"""A system of somebody else: its packages in an environment of their own, its programs of ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.system import Batch, JobName, System

START_TIMEOUT_S = 60.0
_TRIGGER_TIMEOUT_S = 600.0


class Peer(System):
    """What is the same for all peers.

    The client is ``<program>_client``. A peer whose workers fetch their work from Postgres has user code and
    worker in ``<program>_app``, which prints ``ready`` when it works.
    """

    package: ClassVar[str]
    """Its folder in the environment's ``site-packages``."""
    program: ClassVar[str]
    """The module of this peer, without ``benchmarks.systems``."""
    workers: ClassVar[int] = 1
    batch: ClassVar[int]
    """Runs that the client starts with one call, or in one transaction."""
    calls: ClassVar[int]
    """Calls of the client at the same time."""

    @classmethod
    def unavailable(cls, tools: Path) -> str | None:
        """Why not: the environment, or the package in it, is not there."""
        if any(tools.glob(f"venv/lib/python*/site-packages/{cls.package}/")):
            return None
        return f"{cls.package} is not in {tools / 'venv'}: make bench-setup"

    @property
    def python(self) -> Path:
        """The interpreter of the peers' environment."""
        return self.place.tools / "venv/bin/python"

    def variables(self) -> Mapping[str, str]:
        """What its programs are told, beside the database's address and the client's batches."""
        return {}

    def launch(self) -> None:
        """Start the workers, then the client."""
        assert self.postgres
        address = {"BENCH_DATABASE_URL": self.postgres.url()}
        module = f"benchmarks.systems.{self.program}_app"
        workers = [
            self.run("app", [self.python, "-m", module], {**address, **self.variables()})
            for _ in range(self.workers)
        ]
        for worker in workers:
            worker.wait_for_line(lambda line: line == "ready", timeout_s=START_TIMEOUT_S)
        self.launch_client(address)

    def launch_client(self, variables: Mapping[str, str]) -> None:
        """Start the client.

        Args:
            variables: beside those of ``self.variables()``.
        """
        batches = {"BENCH_BATCH": str(self.batch), "BENCH_CALLS": str(self.calls)}
        self._remote = self.run_client(
            f"benchmarks.systems.{self.program}_client",
            {**self.variables(), **batches, **variables},
            python=self.python,
        )

    def trigger(self, job: JobName, first: int, count: int, **payload: Any) -> Batch:
        """Have the client start runs."""
        sent = self._remote.call(
            "trigger", job=job, first=first, count=count, payload=payload, timeout_s=_TRIGGER_TIMEOUT_S
        )
        return Batch(job=job, first=first, count=count, **sent)
