"""An integration: the calls of a client as tasks, in both kinds of jobs."""

from __future__ import annotations

from perdure import IO, Integration, IntegrationTasks, Retry, TaskFailed
from perdure_integrations import operation
from perdure_integrations.auth import Credentials

from ..define import case
from ..observed import called


class Client:
    def __init__(self, token: str) -> None:
        self.token = token

    def greet(self, name: str) -> str:
        called("greet")
        return f"Hello {name}, says {self.token}"


class GreeterTasks(IntegrationTasks[Client]):
    @operation(properties={"Name": "{name}"})
    async def greet(self, name: str) -> str:
        return self.client.greet(name)

    @operation(name="Refuse")
    def refuse(self) -> str:
        called("refuse")
        raise PermissionError("not you")


class Greeter(Integration[GreeterTasks]):
    kind = "greeter"
    title = "Greeter"
    icon = "hand"
    retry = Retry(limit=2, factor=1, min_delay_s=0.01, max_delay_s=0.01, randomize=False)

    def connect(self, credentials: Credentials) -> Client:
        return Client(credentials.token)


greeter = Greeter("greeter", token="the greeter")


@case(
    output="Hello Ann, says the greeter",
    tasks=["greet COMPLETED", "wait COMPLETED"],
    calls={"greet": 1},
    executions=2,
    integrations=[greeter],
)
async def call_of_an_integration(payload: None, io: IO) -> str:
    text: str = await io.greeter.greet("greet", name="Ann")
    await io.wait("wait", 3600)
    return text


@case(
    output="not you",
    tasks=["refuse ERRORED"],
    calls={"refuse": 2},
    executions=2,
    integrations=[greeter],
)
async def integration_fails(payload: None, io: IO) -> str:
    try:
        await io.greeter.refuse("refuse")
    except TaskFailed as error:
        return error.message
    return "fine"


@case(output="refused", calls={"greet": 0})
async def integration_that_the_job_lacks(payload: None, io: IO) -> str:
    try:
        await io.greeter.greet("greet", name="Ann")
    except AttributeError as error:
        return "refused" if "integrations=" in str(error) else str(error)
    return "fine"
