"""Whose credentials an execution works with: sent by the platform, or found by a function of the app's."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from perdure.codec import is_async
from perdure.errors import ConfigurationError, describe_error
from perdure.threads import run_in_thread
from perdure.wire.execution import AuthIssue, ConnectionAuth

if TYPE_CHECKING:
    from perdure.dependencies import Context
    from perdure_integrations.integration import Integration

AuthSource: TypeAlias = Literal["LOCAL", "HOSTED", "RESOLVER"]
"""Who holds the accounts: LOCAL, this app, a token; HOSTED, the platform; RESOLVER, a function of the app."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client of a service is made with. Secrets do not show in its ``repr``.

    Args:
        token: the access token or key.
        scopes: what it may do, where that is known.
        fields: what else the service wants, such as a subdomain.
    """

    token: str = field(repr=False)
    scopes: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)


AuthResolver: TypeAlias = Callable[
    ["Context", "Integration"], Credentials | str | Awaitable[Credentials | str | None] | None
]
"""Finds credentials for a run: ``ctx.account`` is the end user. A text is a token; None: there are none."""


class AuthResolvers:
    """The functions of an app that find credentials, by the names of the integrations."""

    def __init__(self) -> None:
        self._by_name: dict[str, AuthResolver] = {}

    def add(self, integration: Integration, resolver: AuthResolver) -> None:
        """Let ``resolver`` find the credentials of this integration.

        Raises:
            ConfigurationError: the integration has its own token, or a resolver already.
        """
        name = integration.name
        if integration.auth_source == "LOCAL":
            raise ConfigurationError(
                f"integration {name!r} has a token of its own: declare it with auth='RESOLVER' to have "
                "a function find one for each run"
            )
        if name in self._by_name:
            raise ConfigurationError(f"integration {name!r} has two functions that find its credentials")
        self._by_name[name] = resolver

    async def resolve(
        self,
        integrations: Mapping[str, Integration],
        connections: Mapping[str, ConnectionAuth],
        ctx: Context,
    ) -> tuple[dict[str, Integration], dict[str, AuthIssue]]:
        """The integrations of a job, each with the credentials for this run; and why others have none.

        A connection that the platform sent comes before what a function finds.
        """
        resolved: dict[str, Integration] = {}
        issues: dict[str, AuthIssue] = {}
        for name, integration in integrations.items():
            if integration.auth_source == "LOCAL":
                resolved[name] = integration
                continue
            try:
                credentials = await self._credentials(integration, connections.get(name), ctx)
            except Exception as error:
                issues[name] = AuthIssue(id=integration.kind, error=_text(error))
            else:
                resolved[name] = integration.with_credentials(credentials)
        return resolved, issues

    async def _credentials(
        self, integration: Integration, connection: ConnectionAuth | None, ctx: Context
    ) -> Credentials:
        if connection is not None:
            return Credentials(
                connection.access_token,
                tuple(connection.scopes or ()),
                connection.additional_fields or {},
            )
        resolver = self._by_name.get(integration.name)
        account = f"account {ctx.account.id!r}" if ctx.account is not None else "a run without an account"
        if resolver is None:
            if integration.auth_source == "RESOLVER":
                raise ConfigurationError(
                    "no function finds its credentials: define one with "
                    f"@app.auth_resolver({integration.name})"
                )
            raise ConfigurationError(f"the platform sent no connection for {account}")
        found = await _called(partial(resolver, ctx, integration), resolver)
        if found is None:
            raise ConfigurationError(f"the app has no credentials for {account}")
        return Credentials(found) if isinstance(found, str) else found


async def _called(call: Callable[[], Any], fn: Callable[..., Any]) -> Any:
    result = call() if is_async(fn) else await run_in_thread(call)
    return await result if inspect.isawaitable(result) else result


def _text(error: Exception) -> str:
    return str(error) if isinstance(error, ConfigurationError) else describe_error(error).message
