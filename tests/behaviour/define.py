"""How a case is written: a job, what starts it, and what must come of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from perdure import Perdure, Trigger, event_trigger

from .observed import watch
from .steps import Step

Flavour: TypeAlias = Literal["async", "sync"]

app = Perdure("behaviour")
watch(app)


class Matching:
    """Equal to every text that a pattern fits as a whole."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and re.fullmatch(self._pattern, other, re.DOTALL) is not None

    def __repr__(self) -> str:
        return f"Matching({self._pattern!r})"


class Same:
    """Equal to a list of so many values that are all the same."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, times: int) -> None:
        self._times = times

    def __eq__(self, other: object) -> bool:
        return isinstance(other, list) and len(other) == self._times and all(one == other[0] for one in other)

    def __repr__(self) -> str:
        return f"Same({self._times})"


class AtMost:
    """Equal to numbers up to this one."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, number: int) -> None:
        self._number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int) and other <= self._number

    def __repr__(self) -> str:
        return f"AtMost({self._number})"


class AtLeast:
    """Equal to numbers from this one on."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, number: int) -> None:
        self._number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int) and other >= self._number

    def __repr__(self) -> str:
        return f"AtLeast({self._number})"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A job and its expected end.

    Args:
        name: of the job's function.
        event: name of the event that starts it.
        sent: the event's other members.
        steps: what happens outside, one step each time that nothing goes on by itself.
        status: of the run in the end.
        output: of the run in the end; of a failed one the message and name of its error.
        tasks: a line each, ``key STATUS``, below a parent indented by two spaces, in the order of creation.
        in_any_order: tasks are created in any order.
        calls: how often each part of user code was called; parts not named do not matter.
        executions: EXECUTE_JOB requests; None: any number.
        seen: what user code saw under a name in all executions, a list; or Same.
        requests: calls of the API about the run; None: any number.
        hosts: where it makes sense; empty: everywhere.
    """

    name: str
    flavour: Flavour
    event: str
    sent: Mapping[str, Any]
    steps: Sequence[Step]
    status: str
    output: Any
    tasks: Sequence[str]
    in_any_order: bool
    calls: Mapping[str, int]
    executions: int | AtLeast | None
    seen: Mapping[str, Any]
    requests: int | AtMost | None
    hosts: Sequence[str]

    @property
    def job_id(self) -> str:
        """Of the case's own job."""
        return job_id(self.name, self.flavour)


@dataclass
class Collection:
    """Where the cases of the module that is being loaded go."""

    flavour: Flavour = "async"
    cases: list[Case] = field(default_factory=list)


collection = Collection()


def job_id(name: str, flavour: str) -> str:
    """The id of a job in one flavour."""
    return f"{name.replace('_', '-')}-{flavour}"


def named(name: str) -> str:
    """A name that the other flavour does not use: of an event or a helping job."""
    return job_id(name, collection.flavour)


def case(
    *,
    payload: Any = None,
    sent: Mapping[str, Any] | None = None,
    then: Sequence[Step] = (),
    status: str = "SUCCESS",
    output: Any = None,
    tasks: Sequence[str] = (),
    in_any_order: bool = False,
    calls: Mapping[str, int] | None = None,
    executions: int | AtLeast | None = 1,
    seen: Mapping[str, Any] | None = None,
    requests: int | AtMost | None = None,
    only: Flavour | None = None,
    hosts: Sequence[str] = (),
    on: Trigger | None = None,
    event: str | None = None,
    version: str = "1.0.0",
    **job_options: Any,
) -> Callable[[Callable[..., Any]], Any]:
    """Declare the job of a case; see Case. ``only``: the one flavour in which it makes sense."""
    flavour = collection.flavour

    def declare(fn: Callable[..., Any]) -> Any:
        if only not in (None, flavour):
            return fn
        id = job_id(fn.__name__, flavour)
        job = app.job(id=id, version=version, on=on or event_trigger(id), **job_options)(fn)
        collection.cases.append(
            Case(
                name=fn.__name__,
                flavour=flavour,
                event=event or id,
                sent={"payload": payload, **(sent or {})},
                steps=then,
                status=status,
                output=output,
                tasks=tasks,
                in_any_order=in_any_order,
                calls=calls or {},
                executions=executions,
                seen=seen or {},
                requests=requests,
                hosts=hosts,
            )
        )
        return job

    return declare


def helper(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Declare a job that a case needs besides its own; nothing starts it unless it is invoked."""

    def declare(fn: Callable[..., Any]) -> Any:
        id = named(fn.__name__)
        trigger = options.pop("on", None) or event_trigger(id)
        return app.job(id=id, version="1.0.0", on=trigger, **options)(fn)

    return declare
