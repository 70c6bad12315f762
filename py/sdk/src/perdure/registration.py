"""Internal jobs that register external sources at their providers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perdure.context import Context
from perdure.errors import ConfigurationError
from perdure.io import IO
from perdure.job import Job
from perdure.triggers.event import EventTrigger
from perdure.triggers.external_source import ExternalSource
from perdure.wire.events import REGISTER_SOURCE_EVENT
from perdure.wire.manifest import SourceMetadata
from perdure.wire.sources import RegisterSource


class SourceRegistry:
    """The external sources of an app by key; the same key twice is one source with united options."""

    def __init__(self) -> None:
        self._sources: dict[str, ExternalSource] = {}
        self._options: dict[str, dict[str, set[str]]] = {}
        self._jobs: dict[str, Job[..., None]] = {}

    def add(self, source: ExternalSource) -> None:
        """Take a source of a trigger.

        Raises:
            ConfigurationError: a source with the same key has another class, integration or other params.
        """
        known = self._sources.setdefault(source.key, source)
        if known is not source and (
            type(known) is not type(source)
            or known.params != source.params
            or known.integration.name != source.integration.name
        ):
            raise ConfigurationError(
                f"source {source.key!r} is declared twice and differently "
                f"({type(known).__name__} {known.params!r} by {known.integration.name!r}, "
                f"{type(source).__name__} {source.params!r} by {source.integration.name!r})"
            )
        united = self._options.setdefault(source.key, {})
        for name, values in source.options.items():
            united.setdefault(name, set()).update(values)
        self._jobs.setdefault(source.key, registration_job(known))

    def find(self, key: str) -> ExternalSource | None:
        """The source with this key."""
        return self._sources.get(key)

    def find_job(self, job_id: str) -> Job[..., None] | None:
        """The registration job of the source with this key."""
        return self._jobs.get(job_id)

    def jobs(self) -> list[Job[..., None]]:
        """One registration job for each source."""
        return list(self._jobs.values())

    def metadata(self) -> list[SourceMetadata]:
        """How the platform is told about the sources."""
        return [source.metadata(_sorted(self._options[key])) for key, source in self._sources.items()]


def registration_job(source: ExternalSource) -> Job[..., None]:
    """The internal job that runs a source's ``register`` and then tells the platform what is registered."""

    async def register(payload: RegisterSource, io: IO, ctx: Context) -> None:
        update = await source.register(payload, io, ctx)
        desired = {name: option.desired for name, option in payload.options.items()}
        await io.update_source(
            "update source",
            key=payload.source.key,
            options=update.options if update is not None else desired,
            data=update.data if update is not None else payload.source.data,
            secret=update.secret if update is not None else None,
        )

    return Job(
        register,
        id=source.key,
        version=source.version,
        on=EventTrigger(
            REGISTER_SOURCE_EVENT, filter={"source": {"key": [source.key]}}, title="Register source"
        ),
        integrations=[source.integration],
        name=f"Register {source.key}",
        internal=True,
    )


def _sorted(options: Mapping[str, set[str]]) -> Mapping[str, Sequence[str]]:
    return {name: sorted(values) for name, values in options.items()}
