"""Values to JSON and back by pydantic: payloads, task results, what is sent. JSON only, never pickle."""

from __future__ import annotations

import inspect
import types
from collections.abc import Awaitable, Callable, Coroutine
from functools import lru_cache, partial
from typing import Any, Generic, TypeVar, cast, get_args, get_origin, get_type_hints
from weakref import WeakKeyDictionary

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation
from pydantic_core import PydanticSerializationError, from_json, to_json

from perdure.errors import ConfigurationError, StoredResultMismatch, UnserializableResult
from perdure.wire.base import describe


def to_json_text(value: Any, what: str) -> bytes:
    """The JSON text of plain data, pydantic models, dataclasses, dates, and lists and dicts of those.

    Of models, what is only computed is left out, so that they can be read back; NaN becomes null.

    Args:
        what: for the error, such as ``"the event's payload"``.
    Raises:
        TypeError: it is not JSON.
    """
    try:
        return to_json(value, by_alias=True, inf_nan_mode="null", round_trip=True)
    except (PydanticSerializationError, ValueError, RecursionError) as error:
        raise TypeError(f"{what} cannot be sent as JSON: {error}") from error


def to_plain(value: Any, what: str) -> Any:
    """As ``to_json_text``, read again: dicts, lists, texts, numbers, booleans and None."""
    return from_json(to_json_text(value, what))


T = TypeVar("T")


class Codec(Generic[T]):
    """Writes values of one annotated type as JSON and reads them back.

    Args:
        annotation: the type; ``Any`` passes JSON through.
        what: its str() is for error texts, such as ``"the result of task 'x'"``.
        read_back: leave out what is only written, such as computed fields, so that ``decode`` can read it.
    """

    def __init__(self, annotation: Any, what: object, *, read_back: bool = True) -> None:
        self._annotation = annotation
        self._what = what
        self._read_back = read_back
        self._adapter: TypeAdapter[T] | None = None
        if annotation is not Any and annotation is not type(None):
            self._adapter = cast("TypeAdapter[T]", _adapter_for(annotation, what))

    @property
    def adapter(self) -> TypeAdapter[T] | None:
        """The pydantic adapter; None when any JSON goes."""
        return self._adapter

    def encode(self, value: T) -> Any:
        """The value as plain JSON.

        Raises:
            UnserializableResult: it is not JSON, or not of the annotated type.
        """
        try:
            return from_json(self.encode_text(value))
        except ValueError as error:
            raise self._unserializable(value, error) from error

    def encode_text(self, value: T) -> bytes:
        """The value as JSON text; raises as ``encode``."""
        try:
            if self._adapter is None:
                return to_json(value, inf_nan_mode="null")
            return self._adapter.serializer.to_json(
                value, by_alias=True, warnings="error", round_trip=self._read_back
            )
        except (PydanticSerializationError, ValueError, RecursionError) as error:
            raise self._unserializable(value, error) from error

    def decode(self, value: Any) -> T:
        """A stored value as the annotated type.

        Raises:
            StoredResultMismatch: it does not fit; the text names the places.
        """
        # By way of text: from text, strict models take JSON's strings for dates and lists for tuples.
        return cast(T, value) if self._adapter is None else self.decode_text(to_json(value))

    def decode_text(self, text: bytes) -> T:
        """The same from JSON text."""
        try:
            if self._adapter is None:
                return cast(T, from_json(text))
            return cast(T, self._adapter.validator.validate_json(text))
        except ValueError as error:
            problem = describe(error) if isinstance(error, ValidationError) else str(error)
            raise StoredResultMismatch(
                f"{self._what} does not fit the annotation {self._annotation!r}: {problem}"
            ) from error

    def _unserializable(self, value: T, error: Exception) -> UnserializableResult:
        return UnserializableResult(
            f"{self._what} is a {type(value).__name__} that cannot be stored as JSON: {error}; "
            "return plain data or a pydantic model, and annotate the function"
        )


def result_codec(fn: Callable[..., Any], what: str, *, read_back: bool = True) -> Codec[Any]:
    """The codec for what ``fn`` returns, by its return annotation; without one, any JSON."""
    return Codec(return_annotation(fn), what, read_back=read_back)


_RESOLVED: WeakKeyDictionary[Callable[..., Any], dict[str, Any]] = WeakKeyDictionary()


def is_async(fn: Callable[..., Any]) -> bool:
    """True when calling ``fn`` gives something to await."""
    return inspect.iscoroutinefunction(_unwrapped(fn)) or inspect.iscoroutinefunction(fn)


def return_annotation(fn: Callable[..., Any]) -> Any:
    """What calling (and awaiting) ``fn`` gives; ``Any`` when it does not say.

    Raises:
        ConfigurationError: the annotation is a text that cannot be resolved.
    """
    if isinstance(fn, type):
        return fn
    annotation = annotation_of(fn, "return")
    if isinstance(annotation, type):  # most are
        return annotation
    origin = get_origin(annotation)
    if origin is Coroutine and not inspect.iscoroutinefunction(_unwrapped(fn)):
        return get_args(annotation)[2]
    if origin is Awaitable and not inspect.iscoroutinefunction(_unwrapped(fn)):
        return get_args(annotation)[0]
    return type(None) if annotation is None else annotation


def annotation_of(fn: Callable[..., Any], name: str) -> Any:
    """One annotation of a function, texts resolved; ``Any`` when there is none.

    Raises:
        ConfigurationError: the annotation is a text that cannot be resolved.
    """
    target = _unwrapped(fn)
    annotations = getattr(target, "__annotations__", {})
    if name not in annotations:
        return Any
    if not isinstance(annotations[name], str):
        return annotations[name]
    resolved = _RESOLVED.setdefault(target, {})
    if name in resolved:
        return resolved[name]
    module_names = getattr(target, "__globals__", {})
    holder = types.SimpleNamespace(__annotations__={name: annotations[name]})
    try:
        hints = get_type_hints(holder, module_names, _closure_of(target), include_extras=True)
    except NameError as error:
        label = "return annotation" if name == "return" else f"annotation of {name!r}"
        raise ConfigurationError(
            f"the {label} of {getattr(target, '__qualname__', fn)} cannot be resolved: {error}; "
            "import the type at run time (not under TYPE_CHECKING), at the module's top level"
        ) from error
    return resolved.setdefault(name, hints[name])


def _unwrapped(fn: Callable[..., Any]) -> Callable[..., Any]:
    if type(fn) is types.FunctionType and not hasattr(fn, "__wrapped__"):  # as most are
        return fn
    while isinstance(fn, partial):
        fn = fn.func
    fn = inspect.unwrap(fn)
    fn = getattr(fn, "__func__", fn)
    if not isinstance(fn, types.FunctionType | types.BuiltinFunctionType | type) and callable(fn):
        fn = getattr(type(fn).__call__, "__func__", type(fn).__call__)
    return fn


def _closure_of(fn: Callable[..., Any]) -> dict[str, Any]:
    code, cells = getattr(fn, "__code__", None), getattr(fn, "__closure__", None)
    if code is None or not cells:
        return {}
    names: dict[str, Any] = {}
    for name, cell in zip(code.co_freevars, cells, strict=True):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return names


def _adapter_for(annotation: Any, what: object) -> TypeAdapter[Any]:
    try:
        try:
            return _cached_adapter(annotation)
        except TypeError:  # not hashable, such as Annotated[int, {...}]
            return TypeAdapter(annotation)
    except (PydanticSchemaGenerationError, PydanticUndefinedAnnotation) as error:
        raise ConfigurationError(
            f"{what} is annotated {annotation!r}, which is not JSON for pydantic: {error.message}"
        ) from error


@lru_cache(maxsize=1024)
def _cached_adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)
