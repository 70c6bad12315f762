"""The GitHub integration: an account's token, its tasks and its triggers."""

from __future__ import annotations

from importlib.metadata import version

from perdure import IO, Credentials, Integration, SyncIO
from perdure_github.errors import RATE_LIMIT, from_githubkit
from perdure_github.tasks import Client, GitHubTasks
from perdure_github.triggers import RepositoryTriggers
from perdure_integrations.auth import AuthSource

TIMEOUT_S = 30.0  # githubkit has none of its own; GitHub gives up after 10 s


class GitHub(RepositoryTriggers, Integration[GitHubTasks[IO], GitHubTasks[SyncIO]]):
    """GitHub in jobs: ``io.<name>.get_issue(...)``, and triggers such as ``github.issue_opened(...)``.

    Args:
        name: how jobs reach it: ``io.<name>``.
        token: a personal access token or one of an app; when absent the environment variable
            ``GITHUB_TOKEN``, read at the first call. It stays in this process: the platform never sees it.
            Triggers need the right to administer the webhooks of the repository.
        auth: HOSTED: the account is connected at the platform; RESOLVER: a function of the app finds a token
            for each run.
        base_url: of a GitHub Enterprise server, ending in ``/api/v3``; None: github.com.
    Raises:
        ConfigurationError: the name is not an identifier, or the token is empty.
    """

    kind = "github"
    title = "GitHub"
    icon = "github"
    token_variable = "GITHUB_TOKEN"
    rate_limit = RATE_LIMIT

    def __init__(
        self,
        name: str,
        *,
        token: str | None = None,
        auth: AuthSource = "LOCAL",
        base_url: str | None = None,
    ) -> None:
        super().__init__(name, token=token, auth=auth)
        self._base_url = base_url

    def connect(self, credentials: Credentials) -> Client:
        """Githubkit's client. Its import takes 0.2 s, which apps that start for something else spare."""
        import githubkit
        import httpx

        return githubkit.GitHub(
            credentials.token,
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

    def explain(self, error: Exception) -> Exception:
        """What githubkit raises, as a GitHubError."""
        from githubkit.exception import RequestError

        return from_githubkit(error) if isinstance(error, RequestError) else error
