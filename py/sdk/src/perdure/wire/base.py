"""Base of every message: camelCase outside, frozen inside, unknown fields ignored."""

from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    JsonValue,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)
from pydantic.alias_generators import to_camel


class WireModel(BaseModel):
    """A message or a part of one. Optional fields that are None are omitted, never sent as null."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        protected_namespaces=(),
        defer_build=True,  # a model is built when it is first used: importing stays quick
    )

    def to_wire(self) -> dict[str, Any]:
        """The message as plain JSON values."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def to_wire_bytes(self) -> bytes:
        """The message as UTF-8 JSON text."""
        return self.__pydantic_serializer__.to_json(self, by_alias=True, exclude_none=True)

    @classmethod
    def parse(cls, body: bytes | str) -> Self:
        """Read the message from JSON text.

        Raises:
            MalformedMessage: not JSON, or a field is missing or wrong; the text names it.
        """
        try:
            return cls.__pydantic_validator__.validate_json(body)  # type: ignore[no-any-return]
        except ValidationError as error:
            raise MalformedMessage(f"{cls.__name__}: {describe(error)}") from error


class OutputModel(WireModel):
    """A message whose ``output: null`` differs from no output at all (a function that returned nothing)."""

    output: JsonValue = None

    @model_serializer(mode="wrap")
    def _keep_null_output(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        data: dict[str, Any] = handler(self)
        if self.output is None:
            data.pop("output", None)
            if "output" in self.model_fields_set:
                return {"output": None, **data}
        return data

    @property
    def has_output(self) -> bool:
        """True when there is an output, be it null."""
        return "output" in self.model_fields_set


class MalformedMessage(ValueError):
    """A message is not JSON or does not have the shape it must have."""


def describe(error: ValidationError, *, limit: int = 5) -> str:
    """One line that names each wrong field and what is wrong with it, the first ``limit`` of them."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    texts = []
    for problem in problems[:limit]:
        path = ".".join(str(part) for part in problem["loc"])
        texts.append(f"{path}: {problem['msg']}" if path else problem["msg"])
    if len(problems) > limit:
        texts.append(f"and {len(problems) - limit} more")
    return "; ".join(texts)
