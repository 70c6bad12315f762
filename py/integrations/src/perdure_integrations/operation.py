"""Operations: how a method that calls a service is declared, and what people see of it as a task."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from functools import update_wrapper
from string import Formatter
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    Protocol,
    Self,
    TypedDict,
    Unpack,
    overload,
)

from pydantic_core import to_jsonable_python
from typing_extensions import TypeVar

from perdure.errors import ConfigurationError
from perdure.keys import Key
from perdure.options import OnError, Properties, Retry

if TYPE_CHECKING:
    from perdure.io import IO, SyncIO
    from perdure_integrations.integration import IntegrationTasks

P = ParamSpec("P")
T = TypeVar("T")

_SECRETS = frozenset(
    {"token", "access_token", "secret", "client_secret", "password", "api_key", "private_key"}
)


class CallRules(TypedDict, total=False):
    """What is different about a call, each by the name that it has in ``TaskOptions``.

    What is absent is as the integration says. ``on_error`` may leave the decision to it by returning None.
    With ``at_most_once`` there are no tries but the first.
    """

    icon: str
    description: str
    retry: Retry | None
    on_error: OnError
    timeout: timedelta
    at_most_once: bool
    compensate: Callable[[Any], Any]


class CallOptions(CallRules, total=False):
    """The same for one call, and how that is shown."""

    name: str
    params: Any
    properties: Properties


class Operation(Generic[P, T]):
    """A method of an IntegrationTasks whose calls are tasks: its first argument is the task's key.

    Args:
        fn: does the call; gets the tasks object, or the client.
        name: what people see; the function's name in words when absent.
        properties: labelled texts to highlight, made of the arguments: ``{"Issue": "#{number}"}``.
        hide: names of arguments that people do not see; those named as secrets are left out anyway.
        gets_client: ``fn`` is a method of the client's class.
    Raises:
        ConfigurationError: a property or ``hide`` names an argument that there is not.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        *,
        name: str | None,
        properties: Mapping[str, str],
        hide: Sequence[str],
        rules: CallRules,
        gets_client: bool = False,
    ) -> None:
        self.fn = fn
        self.name = name or in_words(fn.__name__)
        self.rules = rules
        self.gets_client = gets_client
        whole = inspect.signature(fn)
        self._signature = whole.replace(parameters=list(whole.parameters.values())[1:])  # without self
        self._properties = {label: _Property(template) for label, template in properties.items()}
        self._hidden = _SECRETS | set(hide)
        known = set(self._signature.parameters)
        named = {name for shown in self._properties.values() for name in shown.arguments} | set(hide)
        if named - known:
            raise ConfigurationError(
                f"operation {self.name!r}: {fn.__qualname__} has no argument named "
                f"{', '.join(sorted(named - known))}"
            )
        self.__doc__ = fn.__doc__

    @overload
    def __get__(self, tasks: None, owner: type, /) -> Self: ...

    @overload
    def __get__(
        self, tasks: IntegrationTasks[Any, IO], owner: type, /
    ) -> Callable[Concatenate[Key, P], Coroutine[Any, Any, T]]: ...

    @overload
    def __get__(
        self, tasks: IntegrationTasks[Any, SyncIO], owner: type, /
    ) -> Callable[Concatenate[Key, P], T]: ...

    def __get__(self, tasks: IntegrationTasks[Any, Any] | None, owner: type, /) -> Any:
        if tasks is None:
            return self

        def call(key: Key, /, *args: Any, **kwargs: Any) -> Any:
            return tasks.run_operation(self, key, args, kwargs)

        return update_wrapper(call, self.fn)

    def shown(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, Properties]:
        """What people see of a call: params and properties.

        Raises:
            TypeError: the arguments are not those of the function.
        """
        bound = self._signature.bind(*args, **kwargs)
        params = arguments_shown(bound, self._hidden)
        bound.apply_defaults()
        made = {label: shown.text(bound.arguments) for label, shown in self._properties.items()}
        return params, {label: text for label, text in made.items() if text is not None}


class OperationDecorator(Protocol):
    """What ``operation(...)`` returns."""

    @overload
    def __call__(self, fn: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]], /) -> Operation[P, T]: ...

    @overload
    def __call__(self, fn: Callable[Concatenate[Any, P], T], /) -> Operation[P, T]: ...

    def __call__(self, fn: Callable[..., Any], /) -> Operation[..., Any]:
        """Declare ``fn`` as an operation."""
        ...


def operation(
    name: str | None = None,
    *,
    properties: Mapping[str, str] | None = None,
    hide: Sequence[str] = (),
    **rules: Unpack[CallRules],
) -> OperationDecorator:
    """Decorator of methods of an IntegrationTasks: each call of the method is a task.

    ``async def get_issue(self, *, number: int) -> Issue`` makes one call with ``self.client`` and becomes
    ``await io.github.get_issue("key", number=7)``. It may be a plain function, which is called in a thread
    when the job is async. The result is stored and decoded by the return annotation.

    Args:
        name: what people see; the function's name in words when absent.
        properties: labelled texts to highlight, made of the arguments: ``{"Issue": "#{number}"}``. Lists are
            joined, and a property with an argument that is None is left out.
        hide: names of arguments that are left out of the params that people see.
        rules: what is different from the integration's own: ``retry=``, ``on_error=``, ``timeout=`` …
    Raises:
        ConfigurationError: a property or ``hide`` names an argument that there is not.
    """

    def declare(fn: Callable[..., Any]) -> Any:
        return Operation(fn, name=name, properties=properties or {}, hide=hide, rules=rules)

    return declare


@overload
def client_method(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
    /,
    *,
    name: str | None = None,
    properties: Mapping[str, str] | None = None,
    hide: Sequence[str] = (),
    **rules: Unpack[CallRules],
) -> Operation[P, T]: ...


@overload
def client_method(
    method: Callable[Concatenate[Any, P], T],
    /,
    *,
    name: str | None = None,
    properties: Mapping[str, str] | None = None,
    hide: Sequence[str] = (),
    **rules: Unpack[CallRules],
) -> Operation[P, T]: ...


def client_method(
    method: Callable[..., Any],
    /,
    *,
    name: str | None = None,
    properties: Mapping[str, str] | None = None,
    hide: Sequence[str] = (),
    **rules: Unpack[CallRules],
) -> Any:
    """A method of the client as it is, as an operation.

    ``greet = client_method(Client.greet, name="Greet")`` in an IntegrationTasks. For clients whose
    methods are annotated and return what shall be stored.

    Args:
        method: of the client's class, async or plain; the others are those of ``operation``.
    Raises:
        ConfigurationError: a property or ``hide`` names an argument that there is not.
    """
    return Operation(method, name=name, properties=properties or {}, hide=hide, rules=rules, gets_client=True)


def in_words(name: str) -> str:
    """A function's name for people: ``get_issue`` is "Get issue"; a name with a full stop stays."""
    words = name.strip("_").replace("_", " ")
    return name if "." in name else words[:1].upper() + words[1:]


def arguments_shown(bound: inspect.BoundArguments, hidden: frozenset[str] | set[str] = _SECRETS) -> Any:
    """The arguments of a call as JSON for people, without the hidden ones."""
    shown: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        if bound.signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            shown |= value
        else:
            shown[name] = value
    given = {name: value for name, value in shown.items() if name not in hidden}
    return to_jsonable_python(given, by_alias=True, inf_nan_mode="null", bytes_mode="base64", fallback=_named)


class _Property:
    """A text with places for arguments."""

    def __init__(self, template: str) -> None:
        self._template = template
        places = [place for _, place, _, _ in Formatter().parse(template) if place is not None]
        self.arguments = {re.split(r"[.\[]", place)[0] for place in places}

    def text(self, arguments: Mapping[str, Any]) -> str | None:
        if any(arguments[name] is None for name in self.arguments):
            return None
        return _LISTS.vformat(self._template, (), arguments)


class _ListFormatter(Formatter):
    def format_field(self, value: Any, format_spec: str) -> Any:
        if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes):
            return ", ".join(str(part) for part in value)
        return super().format_field(value, format_spec)


_LISTS = _ListFormatter()


def _named(value: Any) -> str:
    """In place of what is no JSON."""
    return f"<{type(value).__qualname__}>"
