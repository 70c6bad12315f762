"""The time of a run as parts, and the axis on which they are drawn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from perdure_engine.run_views import Execution, Span
from perdure_server.dashboard.timeline import WIDTH, axis_of, parts_of_run, path_of, totals

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def request(
    number: int, begin: float, end: float | None, answer: str | None = "RESUME_WITH_TASK"
) -> Execution:
    verdict = "REPLY" if answer else "UNREACHABLE"
    ended_at = None if end is None else at(end)
    return Execution(number, "test", at(begin), ended_at, 0, verdict, answer, 200, None)


def test_each_moment_of_a_run_is_one_of_four_things() -> None:
    parts = parts_of_run(
        BEGIN,
        at(120),
        [
            request(1, 2, 10),
            request(2, 65, 70, "YIELD_EXECUTION"),
            request(3, 71, 80, None),
            request(4, 110, None),
        ],
        [Span(at(3), at(5)), Span(at(6), at(68)), Span(at(72), at(72))],
        [at(60)],
        waits=False,
    )
    assert [(part.kind, (part.begin - BEGIN).seconds, (part.end - BEGIN).seconds) for part in parts] == [
        ("queued", 0, 2),
        ("http", 2, 3),
        ("executing", 3, 5),
        ("http", 5, 6),
        ("executing", 6, 10),  # the task went on in the next request
        ("waiting", 10, 60),
        ("queued", 60, 65),
        ("executing", 65, 68),
        ("http", 68, 70),
        ("queued", 70, 71),  # it yielded
        ("http", 71, 80),
        ("waiting", 80, 110),  # nobody answered: it is tried again later
        ("http", 110, 120),  # under way
    ]
    assert totals(parts) == {"queued": 8_000, "http": 23_000, "executing": 9_000, "waiting": 80_000}


def test_days_of_waiting_leave_seconds_readable() -> None:
    day = 86_400
    parts = parts_of_run(
        BEGIN, at(day + 9), [request(1, 1, 4), request(2, day + 5, day + 9)], [], [at(day + 4)], waits=False
    )
    axis = axis_of(parts, BEGIN)
    assert axis.is_shortened
    places = [axis.place(at(seconds)) for seconds in (0, 1, 4, day + 4, day + 5, day + 9)]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0, WIDTH)
    assert places[3] - places[2] < WIDTH / 2
    ticks = axis.ticks(parts)
    assert [round(tick.ms / 1000) for tick in ticks] == [0, 4, day + 4, day + 9]
    assert axis.bar(at(-20), at(-10)) is None  # before the run
    bar = axis.bar(at(-20), at(4))
    assert bar is not None
    assert bar.x == 0
    assert path_of(parts, "waiting", axis, 12).count("M") == 1


def test_short_runs_are_true_to_scale() -> None:
    parts = parts_of_run(BEGIN, at(4), [request(1, 1, 4)], [Span(at(2), at(3))], [], waits=False)
    axis = axis_of(parts, BEGIN)
    assert [axis.place(at(seconds)) for seconds in (0, 1, 2, 3, 4)] == [0, 250, 500, 750, 1000]
    nothing = axis_of(parts_of_run(BEGIN, BEGIN, [], [], [], waits=False), BEGIN)
    assert nothing.place(at(5)) == WIDTH
