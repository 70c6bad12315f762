"""The whole integration: what a user declares, and the calls that are tasks in jobs."""

from __future__ import annotations

from perdure import IO, Credentials, Integration, IntegrationTasks, IOType, RateLimit, SyncIO, operation
from perdure_template.service import Greeting, ServiceClient


class TemplateTasks(IntegrationTasks[ServiceClient, IOType]):
    """Calls of the service as tasks; all raise ``TaskFailed`` when the service refuses for good."""

    @operation(properties={"Name": "{name}"})
    async def greet(self, *, name: str) -> Greeting:
        """Greet somebody."""
        return await self.client.greet(name)

    @operation("Read greetings", properties={"Name": "{name}"})
    async def list_greetings(self, *, name: str, limit: int = 10) -> list[Greeting]:
        """What somebody was greeted with, the latest first."""
        return await self.client.list_greetings(name, limit)


class Template(Integration[TemplateTasks[IO], TemplateTasks[SyncIO]]):
    """The service in jobs: ``io.<name>.greet(...)``.

    Args:
        name: how jobs reach it: ``io.<name>``.
        token: stays in this process: the platform never sees it. Absent: the environment's ``GREETER_TOKEN``.
        base_url: address of the service.
    Raises:
        ConfigurationError: the name is not an identifier, or the token is empty.
    """

    kind = "template"
    title = "Template"
    icon = "template"
    token_variable = "GREETER_TOKEN"
    rate_limit = RateLimit(remaining="x-calls-left", reset="x-calls-reset")

    def __init__(
        self, name: str, *, token: str | None = None, base_url: str = "https://api.example.com"
    ) -> None:
        super().__init__(name, token=token)
        self._base_url = base_url

    def connect(self, credentials: Credentials) -> ServiceClient:
        """The client of the service, without retries of its own."""
        return ServiceClient(credentials.token, self._base_url)
