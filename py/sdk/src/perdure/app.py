"""The app object: jobs are declared on it, and it speaks with the platform."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from perdure import wire
from perdure.adapters.asgi import AsgiApp
from perdure.calls import PlatformCalls
from perdure.client import ApiClient
from perdure.endpoint import Endpoint
from perdure.errors import ConfigurationError
from perdure.hooks import Hooks
from perdure.job import AnyJob, Job, JobDecorator
from perdure.registration import Registry
from perdure.settings import Settings
from perdure.triggers.event import Trigger
from perdure.triggers.schedule import DynamicSchedule
from perdure.wire.http import HttpClient
from perdure.wire.runs import ConcurrencyGroup

if TYPE_CHECKING:
    from perdure.adapters.aws_lambda import LambdaHandler
    from perdure.adapters.wsgi import WsgiApp
    from perdure.connect import Connection
    from perdure.integrations import (
        AuthResolver,
        AuthResolvers,
        DynamicTrigger,
        ExternalSourceTrigger,
        HttpEndpoint,
        Integration,
        Verify,
    )
    from perdure.postgres import AsyncTransaction, EventOptions, ManyEventsOptions
    from perdure.wire.events import ApiEventLog, RawEvent
Params = TypeVar("Params")

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-._~]*")
_DEFAULT_MAX_BODY_BYTES = 16 * 1024 * 1024


class Perdure(PlatformCalls):
    """An app with durable jobs.

    Args:
        id: identifies the app at the platform; never change it.
        api_url: address of the Perdure server; else ``PERDURE_API_URL``.
        api_key: the environment's secret key; else ``PERDURE_API_KEY``. Both are read when first needed.
        database: where ``io.transaction`` gets its connections: a URL, a pool, an engine, a sessionmaker,
            Django's connection, or a function that gives a connection as a context manager; else
            ``PERDURE_DATABASE_URL``.
        max_body_bytes: longest request body that the endpoint takes.
        max_batch: most executions in one request, to 100; 1: never several. Where a host starts a process for
            each request, such as an ASGI adapter on Lambda, use 1.
        patience_s: seconds for which a call of an API out of reach is repeated before giving up.
    Raises:
        ConfigurationError: the id has characters that do not fit into an address, or max_batch is wrong.
    """

    def __init__(
        self,
        id: str,
        *,
        api_url: str | None = None,
        api_key: str | None = None,
        database: Any = None,
        max_body_bytes: int = _DEFAULT_MAX_BODY_BYTES,
        max_batch: int = 20,
        patience_s: float = 20.0,
    ) -> None:
        if not _SLUG.fullmatch(id):
            raise ConfigurationError(
                f"app id {id!r}: use letters, digits and -._~ only, first a letter or digit"
            )
        if not 1 <= max_batch <= 100:
            raise ConfigurationError(f"max_batch must be in 1..100, not {max_batch!r}")
        self.id = id
        self.settings = Settings(api_url, api_key)
        self.database = database
        self.max_body_bytes = max_body_bytes
        self.max_batch = max_batch
        self.api = ApiClient(self.settings, HttpClient(), patience_s=patience_s)
        self.dependency_overrides: dict[Callable[..., Any], Callable[..., Any]] = {}
        """Factories to call instead of others, for tests."""
        self.hooks = Hooks()
        self._jobs: dict[str, AnyJob] = {}
        self.registry = Registry()
        """What is declared besides jobs."""
        self.endpoint = Endpoint(self)
        """Answers the platform; adapters call it."""

    # Declaring

    def job(
        self,
        *,
        id: str,
        version: str,
        on: Trigger,
        integrations: Sequence[Integration] = (),
        name: str | None = None,
        enabled: bool = True,
        concurrency_limit: int | ConcurrencyGroup | None = None,
        timeout: timedelta | None = None,
    ) -> JobDecorator:
        """Declare a job over ``async def fn(payload, io)``, or a plain ``def``, which gets a SyncIO.

        Besides these two the function may take the Context, and dependencies:
        ``stripe: Annotated[Stripe, Depends(make_stripe)]``.

        Args:
            id: lower case, digits, ``-._~``; never change it.
            version: semantic version of the job, such as ``1.0.0``.
            on: what starts it, such as ``event_trigger("user.created")``.
            integrations: reached as ``io.<name>``.
            name: for people; the id when absent.
            enabled: False: declared, but never started.
            concurrency_limit: most executions at a time; a ConcurrencyGroup shares a limit between jobs.
            timeout: a run that has not ended so long after it was created ends TIMED_OUT.
        Raises:
            ConfigurationError: something in the declaration is wrong; the text says what and how to fix it.
        """

        def declare(fn: Callable[..., Any]) -> Any:
            job: AnyJob = Job(
                fn,
                id=id,
                version=version,
                on=on,
                integrations=integrations,
                name=name,
                enabled=enabled,
                concurrency_limit=concurrency_limit,
                timeout=timeout,
                app=self,
            )
            if id in self._jobs:
                other = self._jobs[id].fn
                raise ConfigurationError(f"job id {id!r} is declared twice: {_place(other)} and {_place(fn)}")
            self.registry.add_trigger(on)
            self._jobs[id] = job
            return job

        return declare

    def http_endpoint(
        self,
        id: str,
        *,
        source: str,
        verify: Verify | None,
        title: str | None = None,
        icon: str = "webhook",
        enabled: bool = True,
    ) -> HttpEndpoint:
        """Declare a URL at the platform: ``@app.job(..., on=endpoint.on_request())`` runs for its requests.

        Args:
            id: identifies it within the environment; never change it.
            source: who sends the requests: ``"stripe.com"``.
            verify: is a request genuine? ``hmac_signature(secret, header=...)``, or a function of yours;
                None: whoever knows the URL may start the jobs.
            enabled: False: requests are answered 404.
        Raises:
            ConfigurationError: something in the declaration is wrong.
        """
        from perdure.integrations import HttpEndpoint

        endpoint = HttpEndpoint(id, source=source, verify=verify, title=title, icon=icon, enabled=enabled)
        return self.registry.services.add_http_endpoint(endpoint)

    def dynamic_schedule(self, id: str) -> DynamicSchedule:
        """Declare a trigger to which schedules are added at run time: ``await schedule.register(key, ...)``.

        Args:
            id: identifies it within the environment; never change it.
        Raises:
            ConfigurationError: the id is taken.
        """
        return self.registry.add_dynamic_schedule(DynamicSchedule(id, self))

    def dynamic_trigger(
        self,
        id: str,
        make: Callable[[Params], ExternalSourceTrigger],
        *,
        integration: Integration,
        schema: Any = None,
    ) -> DynamicTrigger[Params]:
        """Declare a trigger to which sources are added at run time: ``await trigger.register(key, params)``.

        Args:
            id: identifies it within the environment; never change it.
            make: makes the trigger of a source: ``lambda name: github.issue_opened(owner="me", repo=name)``.
            integration: the account that the sources are registered with.
            schema: type of the payload, if the jobs' own parameters are not annotated.
        Raises:
            ConfigurationError: the id is taken.
        """
        from perdure.integrations import DynamicTrigger

        trigger = DynamicTrigger(id, make, integration=integration, app=self, schema=schema)
        self.registry.services.add_dynamic_trigger(trigger)
        return trigger

    def on_success(self, fn: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Decorator: call ``fn(notification)`` when a run of any job has succeeded."""
        self.hooks.add_success(fn)
        return fn

    def on_failure(self, fn: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Decorator: call ``fn(notification)`` when a run of any job has failed or was cancelled."""
        self.hooks.add_failure(fn)
        return fn

    def auth_resolver(self, integration: Integration) -> Callable[[AuthResolver], AuthResolver]:
        """Decorator: ``fn(ctx, integration)`` finds the credentials of an integration with auth="RESOLVER".

        It returns Credentials, a token, or None; ``ctx.account`` is the end user. Called in every execution.
        """

        def define(fn: AuthResolver) -> AuthResolver:
            self.auth.add(integration, fn)
            return fn

        return define

    @cached_property
    def auth(self) -> AuthResolvers:
        """The functions that find credentials for integrations."""
        from perdure.integrations import AuthResolvers

        return AuthResolvers()

    @property
    def jobs(self) -> list[AnyJob]:
        """The declared jobs, without internal ones."""
        return list(self._jobs.values())

    def find_job(self, job_id: str) -> AnyJob | None:
        """A job by id, internal ones included."""
        return self._jobs.get(job_id) or self.registry.find_job(job_id)

    def manifest(self) -> wire.manifest.Manifest:
        """Everything the platform indexes: jobs, internal jobs, sources and so on."""
        return self.registry.manifest(self._jobs.values())

    # Serving

    def asgi(self) -> AsgiApp:
        """An ASGI app: ``api.mount("/api/perdure", app.asgi())``, or serve it alone."""
        return AsgiApp(self.endpoint, on_shutdown=self.close)

    def wsgi(self) -> WsgiApp:
        """A WSGI app, for Flask and any other host without an event loop."""
        from perdure.adapters.wsgi import WsgiApp

        return WsgiApp(self.endpoint)

    def django_view(self) -> Callable[..., Any]:
        """A view for Django's URLs: ``path("api/perdure/", app.django_view())``."""
        from perdure.adapters.django import django_view

        return django_view(self.endpoint)

    def lambda_handler(self) -> LambdaHandler:
        """A handler for AWS Lambda behind API Gateway or a function URL."""
        from perdure.adapters.aws_lambda import LambdaHandler

        return LambdaHandler(self.endpoint)

    def connection(self, *, slots: int = 50, drain_s: float = 25.0) -> Connection:
        """A connection over which the server gives this app its executions, so that it needs no URL.

        Needs ``perdure[connect]``.

        Args:
            slots: most executions at the same time.
            drain_s: seconds that those under way may take when the connection is stopped.
        """
        from perdure.connect import Connection

        return Connection(self, slots=slots, drain_s=drain_s)

    @overload
    def enqueue(  # type: ignore[overload-overlap]
        self,
        connection: AsyncTransaction,
        name: str,
        payload: Any = None,
        **options: Unpack[EventOptions],
    ) -> Awaitable[ApiEventLog]: ...

    @overload
    def enqueue(
        self, connection: object, name: str, payload: Any = None, **options: Unpack[EventOptions]
    ) -> ApiEventLog: ...

    def enqueue(self, connection: Any, name: str, payload: Any = None, **options: Any) -> Any:
        """Send an event within the caller's own transaction, over a connection to the same Postgres.

        Nothing is sent if the transaction is rolled back. Needs ``perdure[postgres]``.

        Args:
            connection: psycopg's, SQLAlchemy's or Django's; with an async one, await the result.
            options: as those of ``send_event``.
        Returns: the event as stored; of an async connection something to await.
        """
        from perdure.postgres import enqueue_event

        return enqueue_event(self, connection, name, payload, **options)

    @overload
    def enqueue_events(  # type: ignore[overload-overlap]
        self,
        connection: AsyncTransaction,
        events: Iterable[RawEvent],
        **options: Unpack[ManyEventsOptions],
    ) -> Awaitable[list[ApiEventLog]]: ...

    @overload
    def enqueue_events(
        self, connection: object, events: Iterable[RawEvent], **options: Unpack[ManyEventsOptions]
    ) -> list[ApiEventLog]: ...

    def enqueue_events(self, connection: Any, events: Iterable[RawEvent], **options: Any) -> Any:
        """Send many events as ``enqueue`` does, in one statement; the rest is as for ``send_events``.

        Returns: the events as stored, in their order; of an async connection something to await.
        """
        from perdure.postgres import enqueue_events

        return enqueue_events(self, connection, events, **options)


def _place(fn: Callable[..., Any]) -> str:
    code = getattr(fn, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(fn)
