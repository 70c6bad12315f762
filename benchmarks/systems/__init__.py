"""The systems under test, by name. Their programs run in other environments: nothing is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.system import System


def systems() -> dict[str, type[System]]:
    """All systems, in the order of the tables. Ratios are to the first of those that are measured."""
    from .absurd import Absurd
    from .dbos import Dbos
    from .perdure import PerdureDirect, PerdureHttp
    from .perdure_connected import PerdureConnected
    from .pgqueuer import PgQueuer
    from .procrastinate import Procrastinate
    from .restate import RestateRequestResponse, RestateStream

    known: list[type[System]] = [PerdureHttp, PerdureDirect, PerdureConnected]
    known += [RestateStream, RestateRequestResponse, Absurd, Dbos, PgQueuer, Procrastinate]
    return {system.name: system for system in known}
