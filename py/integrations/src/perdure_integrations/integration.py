"""Integrations: a service's client whose calls become tasks, reached in jobs as ``io.<name>``."""

from __future__ import annotations

import copy
import inspect
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Concatenate,
    Generic,
    ParamSpec,
    Self,
    Unpack,
    cast,
    get_args,
    get_origin,
    overload,
)

from typing_extensions import TypeVar

from perdure import wire
from perdure.codec import Codec, is_async, return_annotation
from perdure.errors import ConfigurationError
from perdure.keys import Key
from perdure.options import STANDARD_BACKOFF, ErrorDecision, OnError, Retry, TaskOptions
from perdure.threads import run_in_thread
from perdure_integrations.auth import AuthSource, Credentials
from perdure_integrations.operation import CallOptions, CallRules, Operation, arguments_shown, in_words
from perdure_integrations.service_errors import RateLimit, decide

if TYPE_CHECKING:
    from perdure.io import IO, SyncIO

P = ParamSpec("P")
T = TypeVar("T")
Client = TypeVar("Client", default=Any)
IOType = TypeVar("IOType", bound="IO | SyncIO", default="IO")
"""The ``io`` that tasks belong to: IO, where they are awaited, or SyncIO, where they return values."""
AsyncTasks = TypeVar("AsyncTasks", default=Any)
SyncTasks = TypeVar("SyncTasks", default=Any)


class Integration(Generic[AsyncTasks, SyncTasks]):
    """One account at one service. Subclass it with its tasks, set the class variables, define ``connect``.

    ``class GitHub(Integration[GitHubTasks[IO], GitHubTasks[SyncIO]])`` has the tasks GitHubTasks, and both
    names are for type checkers: what ``github.of(io)`` is in async and in plain jobs.

    Args:
        name: how jobs reach it: ``io.<name>``; also its id at the platform.
        token: stays in this process: the platform never sees it. Absent: the environment variable
            ``token_variable``, read when the first call is made.
        auth: who holds the accounts: LOCAL, a token here; HOSTED, connections at the platform; RESOLVER, a
            function of the app's: ``@app.auth_resolver(integration)``.
    Raises:
        ConfigurationError: the name is not an identifier, or the token is empty or useless.
    """

    kind: str
    """Which service: ``"github"``."""
    title: str
    """The service's name for people: ``"GitHub"``."""
    icon: str
    """Icon of its tasks."""
    token_variable: str | None = None
    """The environment variable that may hold the token."""
    retry: Retry | None = STANDARD_BACKOFF
    """Policy of its tasks."""
    rate_limit: RateLimit = RateLimit()
    """How the service says that there were too many calls."""
    tasks: ClassVar[type[IntegrationTasks[Any, Any]]]
    """Class of its tasks; taken from the base ``Integration[...]``."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in cls.__dict__.get("__orig_bases__", ()):
            named = get_args(base)[:1] if get_origin(base) is Integration else ()
            for tasks in (get_origin(one) or one for one in named):
                if isinstance(tasks, type) and issubclass(tasks, IntegrationTasks):
                    cls.tasks = tasks

    def __init__(self, name: str, *, token: str | None = None, auth: AuthSource = "LOCAL") -> None:
        if not name.isidentifier() or name.startswith("_"):
            raise ConfigurationError(
                f"integration name {name!r}: it is reached as io.<name>, so it must be a Python identifier"
            )
        if token == "":
            raise ConfigurationError(f"integration {name!r}: token is empty; give a token of {self.title}'s")
        if token is not None and auth != "LOCAL":
            raise ConfigurationError(f"integration {name!r}: token has no use with auth={auth!r}")
        self.name = name
        self.auth_source: AuthSource = auth
        self._credentials = None if token is None else Credentials(token)
        self._client: Any = None

    def connect(self, credentials: Credentials) -> Any:
        """A client of the service, made at the first call. Load a library that imports slowly in here."""
        raise NotImplementedError(f"{type(self).__name__} must define connect(credentials)")

    def explain(self, error: Exception) -> Exception:
        """An error of the client as people should see it; by default the error itself."""
        return error

    def on_error(self, error: Exception) -> ErrorDecision:
        """What is done about a failed call, after ``explain``.

        By default it is tried again at the end of a rate limit, never after a refusal (4xx) or a wrong
        setting, and else by the policy.
        """
        return decide(error, self.rate_limit, now=datetime.now(UTC))

    @property
    def client(self) -> Any:
        """The client, connected at first use.

        Raises:
            ConfigurationError: there is no token.
        """
        if self._client is None:
            self._client = self.connect(self._credentials or self._credentials_here())
        return self._client

    def with_credentials(self, credentials: Credentials) -> Self:
        """The same integration with the credentials of one run."""
        other = copy.copy(self)
        other._credentials = credentials
        other._client = None
        return other

    def bind(self, io: Any) -> Any:
        """What ``io.<name>`` is in a job. Called at first use."""
        if not hasattr(self, "tasks"):
            raise ConfigurationError(
                f"integration {self.name!r}: {type(self).__name__} does not say what its tasks are: "
                "derive it from Integration[ItsTasks]"
            )
        return self.tasks(self, io)

    @overload
    def of(self, io: IO) -> AsyncTasks: ...

    @overload
    def of(self, io: SyncIO) -> SyncTasks: ...

    def of(self, io: Any) -> Any:
        """``io.<name>`` with its type known to editors and type checkers.

        Raises:
            AttributeError: the job was declared without this integration.
        """
        return getattr(io, self.name)

    def config(self) -> wire.manifest.IntegrationConfig:
        """How the platform is told about it."""
        return wire.manifest.IntegrationConfig(
            id=self.name,
            metadata=wire.manifest.IntegrationMetadata(id=self.kind, name=self.title),
            auth_source=self.auth_source,
        )

    def _credentials_here(self) -> Credentials:
        if self.auth_source != "LOCAL":
            raise ConfigurationError(f"{self.title}: {self.name!r} has no credentials but those of a run")
        token = os.environ.get(self.token_variable, "") if self.token_variable is not None else ""
        if not token and self.token_variable is not None:
            raise ConfigurationError(
                f"{self.title}: no token; give {type(self).__name__}(..., token=...) or set "
                f"{self.token_variable}"
            )
        return Credentials(token)


class IntegrationTasks(Generic[Client, IOType]):
    """Base of an integration's tasks: methods declared with ``@operation``, each one call of the service."""

    def __init__(self, integration: Integration[Any, Any], io: IOType) -> None:
        self._integration = integration
        self._io = io
        self._overrides: CallOptions = {}

    @property
    def client(self) -> Client:
        """The client; use it within an operation, where its errors are understood.

        Raises:
            ConfigurationError: there is no token.
        """
        return cast(Client, self._integration.client)

    def with_options(self, **options: Unpack[CallOptions]) -> Self:
        """The same tasks with other options: ``io.github.with_options(retry=None).get_issue(...)``.

        Args:
            options: those of TaskOptions but style.
        """
        other = copy.copy(self)
        other._overrides = {**self._overrides, **options}
        return other

    @overload
    def call(
        self: IntegrationTasks[Any, IO],
        key: Key,
        fn: Callable[P, Awaitable[T]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def call(
        self: IntegrationTasks[Any, IO], key: Key, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def call(
        self: IntegrationTasks[Any, SyncIO],
        key: Key,
        fn: Callable[P, Coroutine[Any, Any, T]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T: ...

    @overload
    def call(
        self: IntegrationTasks[Any, SyncIO],
        key: Key,
        fn: Callable[P, T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T: ...

    def call(self, key: Key, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call any function as a task, with the retries and the look of the integration.

        Args:
            key: the task's key.
            fn: such as a method of a client; plain ones are called in a thread when the job is async. What
                it returns is stored as JSON, and decoded by its return annotation if pydantic knows it.
            args: for ``fn``, and so are other keyword arguments; people see them.
        Raises:
            TaskFailed: the call failed for good.
        """
        return self.call_named(self._name_of(fn), key, fn, args, kwargs)

    @overload
    def with_client(
        self: IntegrationTasks[Client, IO],
        key: Key,
        fn: Callable[Concatenate[Client, P], Awaitable[T]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def with_client(
        self: IntegrationTasks[Client, IO],
        key: Key,
        fn: Callable[Concatenate[Client, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def with_client(
        self: IntegrationTasks[Client, SyncIO],
        key: Key,
        fn: Callable[Concatenate[Client, P], Coroutine[Any, Any, T]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T: ...

    @overload
    def with_client(
        self: IntegrationTasks[Client, SyncIO],
        key: Key,
        fn: Callable[Concatenate[Client, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T: ...

    def with_client(self, key: Key, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """As ``call``, for a function that gets the client first: what no operation does yet.

        ``async def lock(client: Client) -> None`` is ``io.github.with_client("lock", lock)``.
        """
        params = _params_of(partial(fn, None), args, kwargs)
        body = self._client_call(fn, args, kwargs)
        shown: CallOptions = {"name": self._name_of(fn), "params": params}
        return self._run(key, body, shown, is_async=is_async(fn), returns=return_annotation(fn))

    def run_operation(
        self, operation: Operation[..., Any], key: Key, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """Do what an operation declares: what calling the method comes to."""
        params, properties = operation.shown(args, kwargs)
        body = (
            self._client_call(operation.fn, args, kwargs)
            if operation.gets_client
            else partial(operation.fn, self, *args, **kwargs)
        )
        return self._run(
            key,
            body,
            {"name": operation.name, "params": params, "properties": properties},
            is_async=is_async(operation.fn),
            returns=return_annotation(operation.fn),
            rules=operation.rules,
        )

    def call_named(
        self, name: str, key: Key, fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """As ``call``, with the name that people see."""
        try:
            returns = return_annotation(fn)
            Codec(returns, name)
        except ConfigurationError:
            returns = Any
        shown: CallOptions = {"name": name, "params": _params_of(fn, args, kwargs)}
        call = partial(fn, *args, **kwargs)
        return self._run(key, call, shown, is_async=is_async(fn), returns=returns)

    def _run(
        self,
        key: Key,
        call: Callable[[], Any],
        shown: CallOptions,
        *,
        is_async: bool,
        returns: Any,
        rules: CallRules | None = None,
    ) -> Any:
        integration = self._integration

        async def body() -> Any:
            try:
                result = call() if is_async else await run_in_thread(call)
                return await result if inspect.isawaitable(result) else result
            except Exception as error:
                explained = integration.explain(error)
                if explained is error:
                    raise
                raise explained from error

        body.__annotations__["return"] = returns
        run: Any = self._io.run_task
        return run(key, body, options=self._options(shown, rules or {}))

    def _options(self, shown: CallOptions, rules: CallRules) -> TaskOptions:
        integration = self._integration
        merged: dict[str, Any] = {"icon": integration.icon, "retry": integration.retry}
        merged |= {**shown, **rules, **self._overrides}
        if merged.get("at_most_once"):
            merged |= {"retry": None, "on_error": None}
        else:
            own = [layer["on_error"] for layer in (self._overrides, rules) if "on_error" in layer]
            merged["on_error"] = _first_decision([*own, integration.on_error])
        return TaskOptions(**merged, connection_key=integration.name)

    def _client_call(
        self, fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Callable[[], Any]:
        return lambda: fn(self.client, *args, **kwargs)  # the client is connected in the task

    def _name_of(self, fn: Callable[..., Any]) -> str:
        name = getattr(fn, "__qualname__", "<").rpartition("<locals>.")[2]
        return f"Call {self._integration.title}" if "<" in name else in_words(name)


def _params_of(fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    try:
        bound = inspect.signature(fn).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return None
    return arguments_shown(bound)


def _first_decision(rules: Sequence[OnError]) -> OnError:
    def decide_by_all(error: Exception) -> ErrorDecision:
        decisions = (rule(error) for rule in rules)
        return next((decision for decision in decisions if decision is not None), None)

    return decide_by_all
