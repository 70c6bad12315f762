"""Reads replies to EXECUTE_JOB: those that apps of ours give, and two of the v2 JavaScript SDK only."""

import json
import re
from typing import Annotated, Literal, TypeAlias, cast

from pydantic import ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from perdure.wire.base import MalformedMessage, describe
from perdure.wire.replies import AutoYieldData, ExecuteJobReply, ReplyBase, ReplyTask
from perdure.wire.tasks import DisplayProperty


class AutoYieldExecutionWithCompletedTask(ReplyBase):
    """As AUTO_YIELD_EXECUTION, and task ``id`` is done, ``output`` being JSON text."""

    status: Literal["AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK"] = "AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK"
    id: str
    properties: list[DisplayProperty] | None = None
    output: str | None = None
    data: AutoYieldData


class ResumeWithParallelTask(ReplyBase):
    """The children of a parallel task wait or retry, each a reply itself."""

    status: Literal["RESUME_WITH_PARALLEL_TASK"] = "RESUME_WITH_PARALLEL_TASK"
    task: ReplyTask
    child_errors: list[dict[str, JsonValue]]


AnyReply: TypeAlias = Annotated[
    ExecuteJobReply | AutoYieldExecutionWithCompletedTask | ResumeWithParallelTask,
    Field(discriminator="status"),
]

_REPLY: TypeAdapter[AnyReply] = TypeAdapter(AnyReply, config=ConfigDict(defer_build=True))
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def parse_reply(body: bytes) -> AnyReply:
    """Read an endpoint's answer to EXECUTE_JOB.

    Half a surrogate pair, such as a text has that was cut inside of an emoji, reads as a question mark.

    Raises:
        MalformedMessage: not JSON, an unknown status, or a missing or wrong field; the text says which.
    """
    try:
        text = _without_halves(body) if _SURROGATE.search(body) else body
        return cast(AnyReply, _REPLY.validator.validate_json(text))
    except ValidationError as error:
        raise MalformedMessage(f"not a reply to EXECUTE_JOB: {describe(error)}") from error


def _without_halves(body: bytes) -> bytes:
    """JSON allows half a surrogate pair as an escape, and JavaScript writes it; pydantic does not read it."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False).encode(errors="replace")
    except (ValueError, RecursionError):
        return body
