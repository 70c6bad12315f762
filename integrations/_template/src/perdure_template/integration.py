"""The integration: what a user declares, and the tasks that a job then has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perdure import ConfigurationError, GiveUp, Integration, IntegrationTasks, RetryAt
from perdure_template.service import Greeting, ServiceClient, ServiceError

if TYPE_CHECKING:
    from perdure import IO
    from perdure.keys import Key
    from perdure.options import ErrorDecision


class Template(Integration):
    """The service in jobs: ``io.<name>.greet(...)``.

    Args:
        name: how jobs reach it: ``io.<name>``.
        token: stays in this process: the platform never sees it.
        base_url: address of the service.
    Raises:
        ConfigurationError: the name is not an identifier, or the token is empty.
    """

    kind = "template"
    title = "Template"
    icon = "template"

    def __init__(self, name: str, *, token: str, base_url: str = "https://api.example.com") -> None:
        super().__init__(name)
        if not token:
            raise ConfigurationError(f"integration {name!r}: token is empty; give a token of the service")
        self._client = ServiceClient(token, base_url)

    def bind(self, io: IO) -> TemplateTasks:
        """What ``io.<name>`` is."""
        return TemplateTasks(self, io, self._client)


class TemplateTasks(IntegrationTasks):
    """Calls of the service as tasks; all raise ``TaskFailed`` when the service refuses for good."""

    def __init__(self, integration: Integration, io: IO, client: ServiceClient) -> None:
        super().__init__(integration, io)
        self._client = client

    async def greet(self, key: Key, *, name: str) -> Greeting:
        """Greet somebody."""

        async def greet() -> Greeting:  # the annotation types what is stored
            return await self._client.greet(name)

        return await self.run_task(
            key, greet, name="Greet", params={"name": name}, properties={"Name": name}, on_error=decide
        )


def decide(error: Exception) -> ErrorDecision:
    """Whether a failed task is tried again.

    At the time that the service names, never after a refusal, and else by the standard backoff (None).
    """
    if not isinstance(error, ServiceError):
        return None
    if error.retry_at is not None:
        return RetryAt(error.retry_at)
    return None if error.is_temporary else GiveUp()
