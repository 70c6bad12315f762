"""Right and wrong uses of the integrations kit, never run. A wrong line accepted is an unused ignore."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import assert_type

from perdure import (
    IO,
    Credentials,
    Integration,
    IntegrationTasks,
    IOType,
    SyncIO,
    client_method,
    operation,
    wrap,
)


class Client:
    """A client with a plain and an async method."""

    def greet(self, name: str, *, loud: bool = False) -> list[str]:
        """Greet somebody."""
        return [name.upper() if loud else name]

    async def count(self, name: str) -> int:
        """Count greetings."""
        return len(name)


class GreeterTasks(IntegrationTasks[Client, IOType]):
    """Operations of all kinds."""

    @operation("Get", properties={"Number": "{number}"}, retry=None)
    async def get(self, *, number: int) -> str:
        """An async one."""
        return self.client.greet(str(number))[0]

    @operation()
    def read(self, first: int, second: str = "") -> bytes:
        """A plain one."""
        return second.encode()

    greet = client_method(Client.greet, name="Greet somebody")
    count = client_method(Client.count)


class Greeter(Integration[GreeterTasks[IO], GreeterTasks[SyncIO]]):
    """With types for both kinds of jobs."""

    kind = title = icon = "greeter"

    def connect(self, credentials: Credentials) -> Client:
        """The client."""
        return Client()


class Short(Integration[GreeterTasks]):
    """With types for async jobs only."""

    kind = title = icon = "short"


greeter = Greeter("greeter", token="t")
wrapped = wrap("wrapped", Client())


async def in_an_async_job(io: IO) -> None:
    """Calls are awaited."""
    tasks = greeter.of(io)
    assert_type(tasks, GreeterTasks[IO])
    assert_type(await tasks.get("key", number=3), str)
    assert_type(await tasks.read(["key", 1], 3), bytes)
    assert_type(await tasks.greet("key", "Ada", loud=True), list[str])
    assert_type(await tasks.count("key", "Ada"), int)
    assert_type(await tasks.with_options(retry=None, at_most_once=True).get("key", number=3), str)
    assert_type(await tasks.call("key", Client().greet, "Ada"), list[str])
    assert_type(await tasks.call("key", Client().count, "Ada"), int)
    assert_type(await tasks.with_client("key", Client.greet, "Ada"), list[str])
    assert_type(await tasks.with_client("key", Client.count, "Ada"), int)
    assert_type(await wrapped.of(io).call("key", Client().count, "Ada"), int)
    assert_type(await Short("short").of(io).get("key", number=1), str)
    await wrapped.of(io).anything.at_all("key", 3)
    await tasks.get(number=3)  # type: ignore[call-arg]
    await tasks.get("key", number="3")  # type: ignore[arg-type]
    await tasks.get("key", nummer=3)  # type: ignore[call-arg]
    await tasks.call("key", Client().greet, 3)  # type: ignore[call-overload]
    tasks.with_options(retries=3)  # type: ignore[call-arg]


def in_a_plain_job(io: SyncIO) -> None:
    """Calls return values."""
    tasks = greeter.of(io)
    assert_type(tasks, GreeterTasks[SyncIO])
    assert_type(tasks.get("key", number=3), str)
    assert_type(tasks.read("key", 3), bytes)
    assert_type(tasks.count("key", "Ada"), int)
    assert_type(tasks.call("key", Client().greet, "Ada"), list[str])
    assert_type(tasks.call("key", Client().count, "Ada"), int)
    assert_type(tasks.with_client("key", Client.count, "Ada"), int)
    tasks.get("key", number="3")  # type: ignore[arg-type]


operation("Get", retries=3)  # type: ignore[call-arg]
