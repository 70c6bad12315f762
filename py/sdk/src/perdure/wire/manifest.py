"""What an endpoint tells about itself, and schedules: those it declares, and those added at run time."""

from typing import Annotated, Literal, TypeAlias

from pydantic import AwareDatetime, Field, JsonValue

from perdure.wire.base import WireModel
from perdure.wire.runs import ConcurrencyGroup
from perdure.wire.tasks import DisplayProperty


class PingAnswer(WireModel):
    """Answer to PING: ``error`` names the expected and the received endpoint id."""

    ok: bool
    error: str | None = None


class ValidateAnswer(WireModel):
    """Answer to VALIDATE."""

    ok: bool
    endpoint_id: str


class MessageAnswer(WireModel):
    """What an endpoint answers when it refuses a request."""

    message: str


class IntegrationMetadata(WireModel):
    """How an integration is shown."""

    id: str
    name: str
    instructions: str | None = None


class IntegrationConfig(WireModel):
    """An integration of a job: LOCAL keys stay in the app, HOSTED is the platform's OAuth, RESOLVER asks."""

    id: str
    metadata: IntegrationMetadata
    auth_source: Literal["LOCAL", "HOSTED", "RESOLVER"]


class EventExample(WireModel):
    """A payload to test a job with."""

    id: str
    name: str
    icon: str | None = None
    payload: JsonValue = None


class EventSpecification(WireModel):
    """The event a job runs for, as it is shown; ``schema`` is the JSON Schema of its payload."""

    name: str | list[str]
    title: str
    source: str
    icon: str
    filter: dict[str, JsonValue] | None = None
    properties: list[DisplayProperty] | None = None
    payload_schema: JsonValue = Field(default=None, validation_alias="schema", serialization_alias="schema")
    examples: list[EventExample] | None = None


class EventRule(WireModel):
    """Which events match: name, source and filters on payload and context."""

    event: str | list[str]
    source: str
    payload: dict[str, JsonValue] | None = None
    context: dict[str, JsonValue] | None = None


class StaticTrigger(WireModel):
    """Run for every event that matches ``rule``."""

    type: Literal["static"] = "static"
    title: str | list[str]
    rule: EventRule
    properties: list[DisplayProperty] | None = None
    link: str | None = None


class ScheduleOptions(WireModel):
    """``seconds`` for an interval; ``cron``, 5 fields, for a cron schedule."""

    seconds: int | None = None
    cron: str | None = None
    timezone: str | None = Field(
        default=None, description="Whose clocks `cron` means: an IANA name. Absent: UTC."
    )


class ScheduleMetadata(WireModel):
    """When a schedule fires."""

    type: Literal["interval", "cron"]
    options: ScheduleOptions
    account_id: str | None = None
    metadata: JsonValue = None


class ScheduledTrigger(WireModel):
    """Run on a schedule."""

    type: Literal["scheduled"] = "scheduled"
    schedule: ScheduleMetadata


class DynamicTriggerReference(WireModel):
    """Run for what is registered at run time under this dynamic trigger or schedule."""

    type: Literal["dynamic"] = "dynamic"
    id: str


class InvokeTrigger(WireModel):
    """Run only when invoked."""

    type: Literal["invoke"] = "invoke"


TriggerMetadata: TypeAlias = Annotated[
    StaticTrigger | ScheduledTrigger | DynamicTriggerReference | InvokeTrigger, Field(discriminator="type")
]


class JobVersionReference(WireModel):
    """A job in one version."""

    id: str
    version: str


class JobMetadata(WireModel):
    """A job as it is registered. ``internal`` ones are hidden and not counted."""

    id: str
    name: str
    version: str
    event: EventSpecification
    trigger: TriggerMetadata
    integrations: dict[str, IntegrationConfig] = Field(default_factory=dict)
    internal: bool = False
    enabled: bool = True
    start_position: Literal["latest", "initial"] = "latest"
    preprocess_runs: bool = False
    concurrency_limit: int | ConcurrencyGroup | None = None
    timeout_in_seconds: float | None = Field(default=None, gt=0, le=31_536_000)


class SourceMetadata(WireModel):
    """An external source: ``options`` (always with ``event``) is what is to be registered at the provider."""

    version: Literal["2"] = "2"
    channel: Literal["HTTP", "SQS", "SMTP"]
    integration: IntegrationConfig
    key: str
    params: JsonValue = None
    options: dict[str, list[str]]
    register_source_job: JobVersionReference | None = None


class HttpEndpointMetadata(WireModel):
    """An HTTP endpoint: what ``immediate_response_filter`` lets through is answered by the app itself."""

    id: str
    version: Literal["1"] = "1"
    enabled: bool = True
    event: EventSpecification
    source: str
    immediate_response_filter: dict[str, JsonValue] | None = None
    skip_triggering_runs: bool | None = None


class HttpEndpointReference(WireModel):
    """An HTTP endpoint by its id."""

    id: str


class WebhookMetadata(WireModel):
    """A webhook: ``config`` is what is to be registered at the provider, which sends to the HTTP endpoint."""

    key: str
    params: JsonValue = None
    config: dict[str, list[str]]
    integration: IntegrationConfig
    http_endpoint: HttpEndpointReference


class DynamicTriggerMetadata(WireModel):
    """A dynamic trigger, the jobs that it starts, and the one that registers its sources."""

    id: str
    jobs: list[JobVersionReference]
    register_source_job: JobVersionReference | None = None


class DynamicScheduleMetadata(WireModel):
    """A dynamic schedule and the jobs that it starts."""

    id: str
    jobs: list[JobVersionReference]


class Manifest(WireModel):
    """Answer to INDEX_ENDPOINT: all that an endpoint has."""

    jobs: list[JobMetadata]
    sources: list[SourceMetadata] = Field(default_factory=list)
    webhooks: list[WebhookMetadata] = Field(default_factory=list)
    dynamic_triggers: list[DynamicTriggerMetadata] = Field(default_factory=list)
    dynamic_schedules: list[DynamicScheduleMetadata] = Field(default_factory=list)
    http_endpoints: list[HttpEndpointMetadata] = Field(default_factory=list)


class ScheduledPayload(WireModel):
    """Payload of a tick: when it was due, and when the one before was; None: it is the first."""

    ts: AwareDatetime
    last_timestamp: AwareDatetime | None = None


class RegisterSchedule(ScheduleMetadata):
    """Body of ``POST /api/v1/{clientId}/schedules/{dynamicScheduleId}/registrations``."""

    id: str = Field(min_length=1, description="The registration's key, chosen by the app.")


class RegisterScheduleAnswer(WireModel):
    """Its answer."""

    id: str
    schedule: ScheduleMetadata
    metadata: JsonValue = None
    active: bool


class UnregisterScheduleAnswer(WireModel):
    """Answer of ``DELETE /api/v1/{clientId}/schedules/{dynamicScheduleId}/registrations/{key}``."""

    ok: Literal[True]
