"""PREPROCESS_RUN: what a run is about, to be shown before it starts; and the probe of a host's time limit."""

from __future__ import annotations

from pydantic import Field

from perdure.wire.base import WireModel
from perdure.wire.events import ApiEventLog
from perdure.wire.execution import JobReference
from perdure.wire.tasks import DisplayProperty


class PreprocessRun(WireModel):
    """Body of PREPROCESS_RUN, as far as the SDK reads it."""

    event: ApiEventLog
    job: JobReference


class PreprocessAnswer(WireModel):
    """Answer to PREPROCESS_RUN: the properties are shown on the run."""

    abort: bool = False
    properties: list[DisplayProperty] = Field(default_factory=list)


class ProbeExecutionTimeout(WireModel):
    """Body of PROBE_EXECUTION_TIMEOUT: for how many ms to live before answering."""

    timeout: float = Field(default=900_000, ge=0, le=900_000)
