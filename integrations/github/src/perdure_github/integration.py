"""The GitHub integration: an account's token, its tasks and its triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perdure.errors import ConfigurationError
from perdure.integration import Integration
from perdure_github.api import GitHubApi
from perdure_github.tasks import GitHubTasks
from perdure_github.triggers import RepositoryTriggers

if TYPE_CHECKING:
    from perdure.io import IO


class GitHub(RepositoryTriggers, Integration):
    """GitHub in jobs: ``io.<name>.get_issue(...)``, and triggers such as ``github.issue_opened(...)``.

    Args:
        name: how jobs reach it: ``io.<name>``.
        token: a personal access token or one of an app; when absent the environment variable
            ``GITHUB_TOKEN``, read at the first call. It stays in this process: the platform never sees it.
            Triggers need the right to administer the webhooks of the repository.
        base_url: of a GitHub Enterprise server, ending in ``/api/v3``; None: github.com.
    Raises:
        ConfigurationError: the name is not an identifier, or the token is empty.
    """

    kind = "github"
    title = "GitHub"
    icon = "github"

    def __init__(self, name: str, *, token: str | None = None, base_url: str | None = None) -> None:
        super().__init__(name)
        if token == "":
            raise ConfigurationError(f"integration {name!r}: token is empty; give a token of GitHub's")
        self._api = GitHubApi(token, base_url)

    def bind(self, io: IO) -> GitHubTasks:
        """What ``io.<name>`` is. ``github.bind(io)`` is the same, with its type known to type checkers."""
        return GitHubTasks(self, io, self._api)
