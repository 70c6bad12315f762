"""Base of integrations: a service's client whose calls become tasks, reached in jobs as ``io.<name>``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from perdure.errors import ConfigurationError
from perdure.keys import Key
from perdure.options import OnError, Properties, TaskOptions
from perdure.retry import STANDARD_BACKOFF, Retry
from perdure.wire.manifest import IntegrationConfig, IntegrationMetadata

if TYPE_CHECKING:
    from perdure.io import IO

T = TypeVar("T")


class Integration(ABC):
    """One account at one service. Subclass it, set the class variables, and return the tasks from ``bind``.

    Args:
        name: how jobs reach it: ``io.<name>``; also its id at the platform.
    """

    kind: ClassVar[str]
    """Which service: ``"github"``."""
    title: ClassVar[str]
    """The service's name for people: ``"GitHub"``."""
    icon: ClassVar[str]
    """Icon of its tasks."""
    auth_source: Literal["LOCAL", "HOSTED", "RESOLVER"] = "LOCAL"

    def __init__(self, name: str) -> None:
        if not name.isidentifier() or name.startswith("_"):
            raise ConfigurationError(
                f"integration name {name!r}: it is reached as io.<name>, so it must be a Python identifier"
            )
        self.name = name

    @abstractmethod
    def bind(self, io: IO) -> Any:
        """What ``io.<name>`` is in a job, usually an IntegrationTasks. Called at first use."""

    def config(self) -> IntegrationConfig:
        """How the platform is told about it."""
        return IntegrationConfig(
            id=self.name,
            metadata=IntegrationMetadata(id=self.kind, name=self.title),
            auth_source=self.auth_source,
        )


class IntegrationTasks:
    """Base of what ``bind`` returns: methods that each run one call of the service as a task."""

    def __init__(self, integration: Integration, io: IO) -> None:
        self._integration = integration
        self._io = io

    async def run_task(
        self,
        key: Key,
        call: Callable[[], Awaitable[T]],
        *,
        name: str,
        params: Any = None,
        properties: Properties | None = None,
        description: str | None = None,
        retry: Retry | None = STANDARD_BACKOFF,
        on_error: OnError | None = None,
    ) -> T:
        """Run one call as a task with the integration's icon and, by default, the standard backoff.

        Args:
            key: the task's key, given by the user of the integration.
            call: an async function without arguments; its return annotation types the stored result.
            name: what people see: "Create issue comment".
            params: what went in; leave secrets out.
            on_error: looks at each failure first; return RetryAt for a rate limit's reset time.
        Raises:
            TaskFailed: the call failed for good.
        """
        options = TaskOptions(
            name=name,
            icon=self._integration.icon,
            description=description,
            params=params,
            properties=properties,
            retry=retry,
            on_error=on_error,
            connection_key=self._integration.name,
        )
        return await self._io.run_task(key, call, options=options)
