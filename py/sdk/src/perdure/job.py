"""A job: a function of the user's with what starts it, checked when it is declared."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import cached_property, update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic_core import to_json

from perdure.codec import Codec, annotation_of, result_codec
from perdure.context import Context
from perdure.errors import ConfigurationError
from perdure.integration import Integration
from perdure.triggers.base import Trigger
from perdure.wire.execution import PayloadProblem
from perdure.wire.manifest import JobMetadata

P = ParamSpec("P")
R = TypeVar("R")

_SLUG = re.compile(r"[a-z0-9][a-z0-9\-._~]*")
_NUMBER = r"(0|[1-9]\d*)"
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_SEMVER = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_IDENTIFIERS})?(?:\+{_IDENTIFIERS})?")
_IO_NAMES = frozenset({"run_task", "wait", "logger", "update_source", "ctx"})


class InvalidPayloadError(Exception):
    """The payload of an event does not fit the job's annotation."""

    def __init__(self, problems: list[PayloadProblem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


class Job(Generic[P, R]):
    """A registered job. Calling it calls the bare function, as in a unit test; nothing is stored then.

    Args:
        fn: ``async def fn(payload, io)`` or ``async def fn(payload, io, ctx)``.
        id: lower case, digits, ``-._~``; never change it.
        version: semantic version, such as ``1.0.0``.
        internal: hidden from people; its id may be anything.
    Raises:
        ConfigurationError: the declaration is wrong; the text says where and how to fix it.
    """

    def __init__(
        self,
        fn: Callable[P, Coroutine[Any, Any, R]],
        *,
        id: str,
        version: str,
        on: Trigger,
        integrations: Sequence[Integration] = (),
        name: str | None = None,
        enabled: bool = True,
        internal: bool = False,
    ) -> None:
        if not internal and not _SLUG.fullmatch(id):
            raise ConfigurationError(
                f"job id {id!r}: use lower-case letters, digits and -._~ only, first a letter or digit"
            )
        if not _SEMVER.fullmatch(version):
            raise ConfigurationError(f"job {id!r}: version must be like '1.0.0', not {version!r}")
        if not isinstance(on, Trigger):
            raise ConfigurationError(
                f"job {id!r}: on= must be a trigger such as event_trigger(...), not {on!r}"
            )
        self._payload_name, self._takes_context = _check_signature(id, fn)
        self.fn = fn
        self.id = id
        self.version = version
        self.trigger = on
        self.name = name or id
        self.enabled = enabled
        self.internal = internal
        self.integrations = _by_name(id, integrations)
        update_wrapper(self, fn)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """Call the bare function."""
        return self.fn(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.version}>"

    def call(self, payload: Any, io: Any, ctx: Context) -> Coroutine[Any, Any, R]:
        """Call the function with as many arguments as it takes."""
        fn: Callable[..., Coroutine[Any, Any, R]] = self.fn
        return fn(payload, io, ctx) if self._takes_context else fn(payload, io)

    def decode_payload(self, payload: Any) -> Any:
        """The payload as the type that the function's first parameter, or else the trigger, names.

        Raises:
            InvalidPayloadError: it does not fit; each problem has its path.
        """
        payload = {} if payload is None else payload
        adapter = self._payload_adapter
        if adapter is None:
            return payload
        try:
            return adapter.validate_json(to_json(payload))
        except ValidationError as error:
            raise InvalidPayloadError(
                [
                    PayloadProblem(path=list(problem["loc"]), message=problem["msg"])
                    for problem in error.errors(include_url=False, include_context=False, include_input=False)
                ]
            ) from error

    @cached_property
    def output_codec(self) -> Codec[Any]:
        """Writes what the function returns."""
        return result_codec(self.fn, f"the output of job {self.id!r}", read_back=False)

    def metadata(self) -> JobMetadata:
        """How the platform is told about it."""
        return JobMetadata(
            id=self.id,
            name=self.name,
            version=self.version,
            event=self.trigger.specification(self._payload_schema()),
            trigger=self.trigger.metadata(),
            integrations={name: integration.config() for name, integration in self.integrations.items()},
            internal=self.internal,
            enabled=self.enabled,
        )

    @cached_property
    def _payload_adapter(self) -> TypeAdapter[Any] | None:
        annotation = annotation_of(self.fn, self._payload_name)
        if annotation is Any:
            annotation = self.trigger.payload_type
        return Codec[Any](annotation, f"the payload of job {self.id!r}").adapter

    def _payload_schema(self) -> Any:
        if self._payload_adapter is None:
            return None
        try:
            return self._payload_adapter.json_schema()
        except PydanticInvalidForJsonSchema:  # a type without a schema still decodes
            return None


def _check_signature(job_id: str, fn: Callable[..., Any]) -> tuple[str, bool]:
    """The name of the payload parameter, and whether the function takes the context."""
    name = getattr(fn, "__qualname__", repr(fn))
    if not inspect.iscoroutinefunction(fn):
        raise ConfigurationError(
            f"job {job_id!r}: {name} is a plain def; this version runs async def jobs only "
            "(sync jobs come with issue 4): write async def"
        )
    parameters = list(inspect.signature(fn).parameters.values())
    positional = [
        p
        for p in parameters
        if p.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    ]
    needed = [p for p in positional if p.default is inspect.Parameter.empty]
    bad = [
        p
        for p in parameters
        if p.kind is inspect.Parameter.KEYWORD_ONLY and p.default is inspect.Parameter.empty
    ]
    if len(positional) < 2 or len(needed) > 3 or bad:
        raise ConfigurationError(
            f"job {job_id!r}: {name} must take (payload, io) or (payload, io, ctx), "
            f"not ({', '.join(p.name for p in parameters)})"
        )
    return positional[0].name, len(positional) >= 3


def _by_name(job_id: str, integrations: Sequence[Integration]) -> Mapping[str, Integration]:
    by_name: dict[str, Integration] = {}
    for integration in integrations:
        if not isinstance(integration, Integration):
            raise ConfigurationError(f"job {job_id!r}: {integration!r} is not an integration")
        if integration.name in _IO_NAMES:
            raise ConfigurationError(
                f"job {job_id!r}: an integration named {integration.name!r} would hide io's own"
            )
        if integration.name in by_name:
            raise ConfigurationError(f"job {job_id!r}: two integrations are named {integration.name!r}")
        by_name[integration.name] = integration
    return by_name
