"""Ways to run a test that find what else only a bad day would: replays everywhere, crashes everywhere."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import wraps
from itertools import count
from typing import Any, TypeAlias, TypeVar

from perdure_testing.platform import Platform
from perdure_testing.runs import RunView
from perdure_testing.sync import SyncPlatform
from perdure_testing.traffic import KillAt, ReplayAlways

F = TypeVar("F", bound=Callable[..., Any])

_DIFFERS = "<not compared: it differs without a crash, too>"
Facts: TypeAlias = dict[str, Any]
"""What is compared: where it is, and what is there."""


class CrashMattered(AssertionError):
    """A scenario ended otherwise when the app was killed, or a finished task ran again."""


def replay_always(test: F) -> F:
    """Decorator of a test: its jobs are called again from the top after every task.

    What a job does besides its tasks happens each time, so what depends on it (the time, random numbers, the
    order of a set) shows: as ReplayMismatch, or as a result other than expected.
    """

    def scenario(call: Callable[[], Any], platform: Platform | SyncPlatform) -> Any:
        _platform_of(platform).inject(ReplayAlways())
        return call()

    return _wrapped(test, scenario, scenario)


def crash_everywhere(test: F) -> F:
    """Decorator of a test: it is run again and again, with the app killed at every moment in turn.

    First it runs undisturbed, twice: what differs then, such as the time, is not compared. Then the app is
    killed at the first call of the API before the platform has it, at the same call when the platform has
    done it but the app does not know, and so on to the last reply. Every time the runs must end as they did
    undisturbed, with the same tasks and outputs, and no task may run again after its result was stored.

    The platform begins anew each time: make everything that the test counts within the test.
    """

    async def scenario(call: Callable[[], Awaitable[None]], platform: Platform) -> None:
        expected = agreeing(await _once(call, platform), await _once(call, platform))
        for index in count():
            kill = KillAt(index)
            found = await _once(call, platform, kill)
            if kill.place is None:
                return
            check_same(expected, found, kill.place)

    def sync_scenario(call: Callable[[], None], platform: SyncPlatform) -> None:
        expected = agreeing(_sync_once(call, platform), _sync_once(call, platform))
        for index in count():
            kill = KillAt(index)
            found = _sync_once(call, platform, kill)
            if kill.place is None:
                return
            check_same(expected, found, kill.place)

    return _wrapped(test, scenario, sync_scenario)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scenario came to."""

    facts: Facts
    repeated: list[str] = field(default_factory=list)
    """Tasks that ran again after their result was stored."""


def agreeing(first: Outcome, second: Outcome) -> Facts:
    """The facts of the first in which the second agrees; the others are marked."""
    return {
        place: fact if place in second.facts and second.facts[place] == fact else _DIFFERS
        for place, fact in first.facts.items()
    }


def check_same(expected: Facts, found: Outcome, place: str) -> None:
    """Compare what a scenario came to with what it comes to undisturbed.

    Raises:
        CrashMattered: it is something else.
    """
    __tracebackhide__ = True
    problems = list(found.repeated)
    for where in sorted(expected.keys() | found.facts.keys()):
        if where not in found.facts:
            problems.append(f"{where} is missing; without a crash it is {expected[where]!r}")
        elif where not in expected:
            problems.append(f"{where} is {found.facts[where]!r}; without a crash there is no such thing")
        elif expected[where] != _DIFFERS and expected[where] != found.facts[where]:
            problems.append(f"{where} is {found.facts[where]!r}; without a crash it is {expected[where]!r}")
    if problems:
        raise CrashMattered("\n  ".join([f"the app was killed {place}, and then:", *problems]))


async def _once(
    call: Callable[[], Awaitable[None]], platform: Platform, kill: KillAt | None = None
) -> Outcome:
    platform.reset()
    if kill is not None:
        platform.inject(kill)
    try:
        await call()
        return outcome_of(platform)
    except BaseException as error:
        _add_place(error, kill)
        raise
    finally:
        await platform.release()


def _sync_once(call: Callable[[], None], sync: SyncPlatform, kill: KillAt | None = None) -> Outcome:
    platform = sync.platform
    platform.reset()
    if kill is not None:
        platform.inject(kill)
    with sync.own_thread():
        try:
            call()
            return outcome_of(platform)
        except BaseException as error:
            _add_place(error, kill)
            raise
        finally:
            sync.call(platform.release)


def _add_place(error: BaseException, kill: KillAt | None) -> None:
    if kill is not None and kill.place is not None:
        error.add_note(f"The app was killed {kill.place}.")


def outcome_of(platform: Platform) -> Outcome:
    """How all runs stand, and whether a task ran again after its result was stored."""
    facts: Facts = {}
    names: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for run in platform.runs:
        numbers[run.job] = numbers.get(run.job, 0) + 1
        names[run.id] = f"run {numbers[run.job]} of job {run.job!r}"
        _add_facts(facts, run, names[run.id])
    return Outcome(facts, _repeated(platform, names))


def _add_facts(facts: Facts, run: RunView, name: str) -> None:
    status = run.status
    facts[f"{name}: status"] = status
    facts[f"{name}: result"] = run.output if status == "SUCCESS" else run.error
    waiting = [(f"{name}: task", task) for task in run.tasks]
    while waiting:
        path, task = waiting.pop()
        path = f"{path} {task.key!r}"
        facts[path] = (task.status, task.output)
        waiting += [(path, inner) for inner in task.tasks]


def _repeated(platform: Platform, names: dict[str, str]) -> list[str]:
    stored: dict[tuple[str, str], int] = {}
    problems = []
    for execution in platform.executions:
        for record in execution.finished_tasks:
            key = (execution.run_id, record["idempotencyKey"])
            if stored.get(key, execution.number) < execution.number:
                name = names.get(execution.run_id, execution.run_id)
                problems.append(f"{name}: task {record.get('displayKey')!r} ran again after it was stored")
            if record["status"] == "COMPLETED":
                stored.setdefault(key, execution.number)
    return problems


def _platform_of(platform: Platform | SyncPlatform) -> Platform:
    return platform.platform if isinstance(platform, SyncPlatform) else platform


def _wrapped(test: F, scenario: Callable[..., Any], sync_scenario: Callable[..., Any]) -> F:
    """The test with its call handed to a scenario, which gets the platform among its arguments."""
    if inspect.iscoroutinefunction(test):

        @wraps(test)
        async def run(*args: Any, **kwargs: Any) -> None:
            platform = _find_platform(test, args, kwargs)
            done = scenario(lambda: test(*args, **kwargs), platform)
            await done

        return run  # type: ignore[return-value]

    @wraps(test)
    def run_sync(*args: Any, **kwargs: Any) -> None:
        sync_scenario(lambda: test(*args, **kwargs), _find_platform(test, args, kwargs))

    return run_sync  # type: ignore[return-value]


def _find_platform(
    test: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Platform | SyncPlatform:
    wanted = Platform if inspect.iscoroutinefunction(test) else SyncPlatform
    for argument in (*args, *kwargs.values()):
        if isinstance(argument, wanted):
            return argument
    fixture = "perdure_platform" if wanted is Platform else "perdure_platform_sync"
    raise TypeError(f"{test.__name__} must take a {wanted.__name__}: the fixture {fixture}")
