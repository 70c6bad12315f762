"""Any client as an integration: its methods are tasks without being declared one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

from perdure.errors import ConfigurationError
from perdure.keys import Key
from perdure.options import STANDARD_BACKOFF, ErrorDecision, OnError, Retry
from perdure_integrations.auth import AuthSource, Credentials
from perdure_integrations.integration import Client, Integration, IntegrationTasks, IOType
from perdure_integrations.service_errors import RateLimit

if TYPE_CHECKING:
    from perdure.io import IO, SyncIO  # noqa: F401 - named in a text below

C = TypeVar("C")


class ClientMethod:
    """A place in a client: ``io.stripe.charges.create``. Called with a key first it is a task."""

    def __init__(self, tasks: WrappedTasks[Any, Any], path: tuple[str, ...]) -> None:
        self._tasks = tasks
        self._path = path

    def __getattr__(self, name: str) -> ClientMethod:
        if name.startswith("_"):
            raise AttributeError(name)
        return ClientMethod(self._tasks, (*self._path, name))

    def __call__(self, key: Key, /, *args: Any, **kwargs: Any) -> Any:
        """Call the client's method as a task with this key."""
        method: Any = self._tasks.client
        for name in self._path:
            method = getattr(method, name)
        return self._tasks.call_named(".".join(self._path), key, method, args, kwargs)


class WrappedTasks(IntegrationTasks[Client, IOType]):
    """A client's methods as tasks, at their places: ``io.stripe.charges.create("charge", amount=500)``.

    ``call`` does the same with types: ``stripe.of(io).call("charge", client.charges.create, amount=500)``.
    """

    def __getattr__(self, name: str) -> ClientMethod:
        if name.startswith("_"):
            raise AttributeError(name)
        return ClientMethod(self, (name,))


class WrappedClient(Integration["WrappedTasks[C, IO]", "WrappedTasks[C, SyncIO]"], Generic[C]):
    """What ``wrap`` returns: see there."""

    tasks = WrappedTasks

    def __init__(
        self,
        name: str,
        client: C | None,
        connect: Callable[[Credentials], C] | None,
        on_error: OnError | None,
        auth: AuthSource,
    ) -> None:
        self.kind, self.title, self.icon = name, name.replace("_", " ").capitalize(), "plug"
        super().__init__(name, auth=auth)
        self._client = client
        self._connect = connect
        self._own_rule = on_error

    def connect(self, credentials: Credentials) -> C:
        """The client for the credentials of one run."""
        if self._connect is None:
            raise ConfigurationError(f"integration {self.name!r}: there is no client")
        return self._connect(credentials)

    def on_error(self, error: Exception) -> ErrorDecision:
        """As always, but the user's own rule comes first."""
        decision = self._own_rule(error) if self._own_rule is not None else None
        return decision if decision is not None else super().on_error(error)


def wrap(
    name: str,
    client: C | None = None,
    *,
    connect: Callable[[Credentials], C] | None = None,
    auth: AuthSource = "LOCAL",
    title: str | None = None,
    icon: str | None = None,
    retry: Retry | None = STANDARD_BACKOFF,
    on_error: OnError | None = None,
    rate_limit: RateLimit | None = None,
) -> WrappedClient[C]:
    """Any client as an integration.

    ``stripe = wrap("stripe", StripeClient(key))``: in jobs its methods are tasks,
    ``io.stripe.charges.create("charge", amount=500)``. Arguments are shown to people but for those named as
    secrets; results must be JSON, or of a type that pydantic knows. Switch off the client's own retries.

    Args:
        name: how jobs reach it: ``io.<name>``.
        client: with its token. Used by all runs.
        connect: instead of a client: makes one with the credentials of a run.
        auth: who finds these: HOSTED or RESOLVER, with ``connect``.
        title: the service's name for people.
        icon: icon of its tasks.
        retry: policy of its tasks.
        on_error: has the first word about a failure; None: the usual, by status and headers.
        rate_limit: how the service says that there were too many calls.
    Raises:
        ConfigurationError: neither a client nor a way to make one, or both.
    """
    if (client is None) == (connect is None):
        raise ConfigurationError(f"integration {name!r}: give a client, or connect= to make one for each run")
    if (connect is None) != (auth == "LOCAL"):
        raise ConfigurationError(f"integration {name!r}: connect= goes with auth='HOSTED' or 'RESOLVER'")
    wrapped = WrappedClient(name, client, connect, on_error, auth)
    wrapped.title = title or wrapped.title
    wrapped.icon = icon or wrapped.icon
    wrapped.retry = retry
    wrapped.rate_limit = rate_limit or wrapped.rate_limit
    return wrapped
