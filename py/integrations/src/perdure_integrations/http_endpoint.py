"""HTTP endpoints: URLs at the platform whose requests start jobs, or are answered by the app at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from perdure import wire
from perdure.codec import is_async, to_plain
from perdure.errors import ConfigurationError
from perdure.options import Properties
from perdure.threads import run_in_thread
from perdure.triggers.event import Trigger
from perdure.wire.events import ApiEventLog
from perdure.wire.sources import ImmediateResponse
from perdure_integrations.messages import HttpRequest
from perdure_integrations.request_filter import RequestFilter, plain_request_filter
from perdure_integrations.verification import Verify, problem_of

Responder = TypeVar("Responder", bound=Callable[[HttpRequest], Any])


class HttpEndpoint:
    """A URL at the platform. Make it with ``app.http_endpoint(...)``; the dashboard shows the URL.

    Args:
        id: identifies it within the environment; never change it.
        source: who sends the requests: ``"stripe.com"``.
        verify: is a request genuine? Asked in the app, at the beginning of a run; None: whoever knows the
            URL may start the jobs.
        title: for people.
        icon: name of an icon.
        enabled: False: requests are answered 404.
    Raises:
        ConfigurationError: id or source is empty.
    """

    def __init__(
        self,
        id: str,
        *,
        source: str,
        verify: Verify | None,
        title: str | None = None,
        icon: str = "webhook",
        enabled: bool = True,
    ) -> None:
        if not 1 <= len(id) <= 200 or not id.isprintable():
            raise ConfigurationError(f"HTTP endpoint {id!r}: id must be a text of 1 to 200 characters")
        if not source:
            raise ConfigurationError(f"HTTP endpoint {id!r}: source must not be empty")
        self.id = id
        self.source = source
        self.title = title or "HTTP Endpoint"
        self.icon = icon
        self._verify = verify
        self._enabled = enabled
        self._respond: Callable[[HttpRequest], Any] | None = None
        self._respond_filter: dict[str, Any] | None = None
        self._respond_only = False

    @property
    def event_name(self) -> str:
        """Name of the events that its requests become."""
        return f"httpendpoint.{self.id}"

    def on_request(
        self,
        *,
        filter: RequestFilter | None = None,
        run_properties: Callable[[Any], Properties] | None = None,
    ) -> HttpEndpointTrigger:
        """Start a job for requests; its payload is an HttpRequest.

        Args:
            filter: which ones: ``{"method": ["POST"], "body": {"type": ["invoice.paid"]}}``; all when absent.
            run_properties: given the payload, texts to highlight on the run.
        Raises:
            ConfigurationError: the filter could never match.
        """
        return HttpEndpointTrigger(self, filter=filter, run_properties=run_properties)

    def respond(
        self, filter: RequestFilter | None = None, *, start_runs: bool = True
    ) -> Callable[[Responder], Responder]:
        """Decorator: ``fn(request)`` answers some requests, while the sender waits.

        It returns an ImmediateResponse, or a text or other JSON as the body of one with status 200. The
        request is not verified before: ``await endpoint.problem_of(request)`` does it.

        Args:
            filter: which requests; all when absent. The others are answered 200 by the platform.
            start_runs: False: those start no jobs. Else they do, unless the answer has another status than
                200.
        Raises:
            ConfigurationError: the filter could never match, or it is answered already.
        """
        if self._respond is not None:
            raise ConfigurationError(f"HTTP endpoint {self.id!r}: respond is given twice")
        self._respond_filter = _checked(self, filter or {})
        self._respond_only = not start_runs

        def define(fn: Responder) -> Responder:
            self._respond = fn
            return fn

        return define

    async def problem_of(self, request: HttpRequest) -> str | None:
        """Why a request is not genuine; None: it is, or there is no check."""
        return None if self._verify is None else await problem_of(request, self._verify)

    async def answer(self, request: HttpRequest) -> ImmediateResponse:
        """What the sender of a request gets."""
        respond = self._respond
        if respond is None:
            return ImmediateResponse(status=200, body={"ok": True})
        answer = (
            await respond(request) if is_async(respond) else await run_in_thread(lambda: respond(request))
        )
        if isinstance(answer, ImmediateResponse):
            return answer
        body = None if answer is None else to_plain(answer, f"the answer of HTTP endpoint {self.id!r}")
        return ImmediateResponse(status=200, body=body)

    def metadata(self) -> wire.manifest.HttpEndpointMetadata:
        """How the platform is told about it."""
        return wire.manifest.HttpEndpointMetadata(
            id=self.id,
            enabled=self._enabled,
            event=self.specification(None),
            source=self.source,
            immediate_response_filter=self._respond_filter,
            skip_triggering_runs=self._respond_only,
        )

    def specification(self, payload_schema: Any) -> wire.manifest.EventSpecification:
        """The event that a request becomes."""
        return wire.manifest.EventSpecification(
            name=self.event_name,
            title=self.title,
            source=self.source,
            icon=self.icon,
            payload_schema=payload_schema,
        )


class HttpEndpointTrigger(Trigger):
    """Runs a job for requests to an HTTP endpoint. Make it with ``endpoint.on_request(...)``."""

    payload_type = HttpRequest

    def __init__(
        self,
        endpoint: HttpEndpoint,
        *,
        filter: RequestFilter | None = None,
        run_properties: Callable[[Any], Properties] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.run_properties = run_properties
        self._filter = _checked(endpoint, filter or {})

    @property
    def declaration(self) -> HttpEndpoint:
        """The endpoint is declared on one app."""
        return self.endpoint

    def metadata(self) -> wire.manifest.StaticTrigger:
        """A static trigger for the events that requests become."""
        rule = wire.manifest.EventRule(
            event=self.endpoint.event_name, source=self.endpoint.source, payload=self._filter or None
        )
        return wire.manifest.StaticTrigger(title=self.endpoint.title, rule=rule)

    def specification(self, payload_schema: Any) -> wire.manifest.EventSpecification:
        """The event that a request becomes."""
        return self.endpoint.specification(payload_schema)

    async def verify(self, event: ApiEventLog) -> str | None:
        """As the endpoint's ``verify`` finds."""
        try:
            request = HttpRequest.model_validate(event.payload)
        except ValidationError:
            return "the payload is no request"
        return await self.endpoint.problem_of(request.model_copy(update={"received_at": event.timestamp}))


def _checked(endpoint: HttpEndpoint, filter: RequestFilter | Mapping[str, Any]) -> dict[str, Any]:
    try:
        return plain_request_filter(filter)  # type: ignore[arg-type]  # an empty one
    except ValueError as error:
        raise ConfigurationError(f"HTTP endpoint {endpoint.id!r}: {error}") from error
