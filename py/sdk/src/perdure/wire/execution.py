"""EXECUTE_JOB: the request that carries a run to an endpoint. Its replies are in ``perdure.wire.replies``."""

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field, JsonValue

from perdure.wire.base import WireModel
from perdure.wire.events import ApiEventLog
from perdure.wire.tasks import CachedTask


class JobReference(WireModel):
    """Which job, in which version."""

    id: str
    version: str


class RunReference(WireModel):
    """The run and when this execution started."""

    id: str
    is_test: bool = False
    is_retry: bool = False
    started_at: AwareDatetime


class EnvironmentType(StrEnum):
    """What an environment is for."""

    DEVELOPMENT = "DEVELOPMENT"
    STAGING = "STAGING"
    PRODUCTION = "PRODUCTION"
    PREVIEW = "PREVIEW"


class EnvironmentReference(WireModel):
    """The environment a run belongs to."""

    id: str
    slug: str
    type: EnvironmentType

    @property
    def is_development(self) -> bool:
        """True in a development environment, where waits may be shorter and messages go to a test channel."""
        return self.type is EnvironmentType.DEVELOPMENT


class OrganizationReference(WireModel):
    """The organization a run belongs to."""

    id: str
    title: str
    slug: str


class ProjectReference(WireModel):
    """The project a run belongs to."""

    id: str
    name: str
    slug: str


class AccountReference(WireModel):
    """The end user on whose behalf a run works; ``id`` is the one the app gave."""

    id: str
    metadata: JsonValue = None


class SourceReference(WireModel):
    """The registration (dynamic source or schedule) that an event came from."""

    id: str
    metadata: JsonValue = None


class ConnectionAuth(WireModel):
    """Credentials of a hosted integration."""

    type: Literal["oauth2", "apiKey"]
    access_token: str
    scopes: list[str] | None = None
    additional_fields: dict[str, str] | None = None


class PerdureExtension(WireModel):
    """What only a Perdure server sends. ``lease_number`` fences every write of this execution."""

    lease_number: int


class Surroundings(WireModel):
    """What the body of EXECUTE_JOB says for those jobs that want to know it."""

    environment: EnvironmentReference
    organization: OrganizationReference
    project: ProjectReference | None = None
    account: AccountReference | None = None
    source: SourceReference | None = None


class ExecuteJob(WireModel):
    """The rest of that body: ``tasks`` are all of the run, oldest first; the execution limit is in ms."""

    event: ApiEventLog
    job: JobReference
    run: RunReference
    perdure: PerdureExtension
    tasks: list[CachedTask] = Field(default_factory=list)
    cached_task_cursor: str | None = None
    connections: dict[str, ConnectionAuth] = Field(default_factory=dict)
    yielded_executions: list[str] = Field(default_factory=list)
    run_chunk_execution_limit: float | None = None


class PayloadProblem(WireModel):
    """One place in a payload that does not fit the job's annotation."""

    path: list[str | int]
    message: str


class AuthIssue(WireModel):
    """Why an integration has no credentials."""

    id: str
    error: str
