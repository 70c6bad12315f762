"""The client of GitHub's API: made on first use, one call at a time, its failures translated.

``githubkit`` is imported here and only when a call is made or a delivery comes in: that takes 0.2 s which
an app that starts for something else need not spend.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from perdure.errors import ConfigurationError
from perdure_github.errors import from_githubkit

if TYPE_CHECKING:
    import githubkit

T = TypeVar("T")

Client: TypeAlias = "githubkit.GitHub[Any]"
"""What calls are made with: ``client.rest.<category>.async_<operation>``."""

TOKEN_VARIABLE = "GITHUB_TOKEN"
TIMEOUT_S = 30.0  # githubkit has none of its own; GitHub gives up after 10 s


class GitHubApi:
    """Calls GitHub's API with a token.

    Args:
        token: None: the environment variable ``GITHUB_TOKEN``, when the first call is made.
        base_url: of a GitHub Enterprise server, ending in ``/api/v3``; None: github.com.
    """

    def __init__(self, token: str | None, base_url: str | None) -> None:
        self._token = token
        self._base_url = base_url

    async def call(self, fn: Callable[[Client], Awaitable[T]]) -> T:
        """Give the client to ``fn`` and translate what it raises.

        Raises:
            GitHubError: GitHub refused, or did not answer.
            ConfigurationError: there is no token.
        """
        from githubkit.exception import RequestError

        try:
            return await fn(self._client)
        except RequestError as error:
            raise from_githubkit(error) from error

    @cached_property
    def _client(self) -> Client:
        import githubkit
        import httpx

        token = self._token or os.environ.get(TOKEN_VARIABLE)
        if not token:
            raise ConfigurationError(f"GitHub: no token; give GitHub(..., token=...) or set {TOKEN_VARIABLE}")
        return githubkit.GitHub(
            token,
            base_url=self._base_url,
            user_agent=f"perdure-github/{version('perdure-github')}",
            timeout=TIMEOUT_S,
            # Each call has a connection of its own, since a serverless host may freeze or change the event
            # loop between two calls. Reading the certificates for each would take 30 ms.
            ssl_verify=httpx.create_ssl_context(),
            # A task is one call, and the platform decides about the next: no retries and no cache in here.
            auto_retry=False,
            http_cache=False,
        )
