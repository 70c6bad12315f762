"""The overview of an environment: what it does, how fast, and what needs somebody."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.responses import Response

from perdure_engine import endpoints, overview
from perdure_engine.overview import Attention, RunRate
from perdure_server.dashboard import charts, windows
from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page, Visit
from perdure_server.dashboard.charts import Series
from perdure_server.dashboard.origin import base_url
from perdure_server.dashboard.rendering import duration, render
from perdure_server.dashboard.windows import Window

_WINDOWS = (windows.HOUR, windows.DAY, windows.WEEK)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with its figures."""

    title: str
    summary: str
    highest: str
    """The figure of its upper edge."""
    drawing: Markup
    series: Sequence[Series]
    rows: list[tuple[RunRate, list[str]]]
    """The parts of the time with the figures of all series, for who does not see the drawing."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What somebody should look at, and where."""

    text: str
    detail: str | None
    address: str | None
    attention: Attention


async def show_overview(visit: Visit) -> Response:
    """What happens and what needs somebody; without an app, how to begin."""
    window = windows.chosen_window(visit.query, _WINDOWS, windows.HOUR)
    async with visit.connection() as conn:
        apps = json.loads(await endpoints.list_endpoints(conn, visit.environment.id))
        rates = await overview.list_run_rates(
            conn, visit.environment.id, window=window.length, bucket=window.part
        )
        if not apps and not any(rate.runs for rate in rates):
            return render(visit, "overview_empty.html", base_url=base_url(visit.request))
        work = await overview.count_work(conn, visit.environment.id)
        attention = await overview.list_attention(conn, visit.environment.id)
    return render(
        visit,
        "overview.html",
        tabs=windows.window_tabs(visit.query, _WINDOWS, window),
        window=window,
        work=work,
        capped=capped,
        notices=[_notice(visit, one) for one in attention],
        charts=[_runs_chart(rates, window), _wait_chart(rates, window), _duration_chart(rates, window)],
        failed=_about(sum(rate.failed for rate in rates), any(rate.sampled for rate in rates)),
    )


def capped(number: int, is_capped: bool) -> str:
    """A number for people: ``+`` says that there may be more."""
    return f"{number:,}" + ("+" if is_capped else "")


def _about(number: int, sampled: bool) -> str:
    return ("about " if sampled else "") + f"{number:,}"


def _runs_chart(rates: Sequence[RunRate], window: Window) -> Chart:
    series = [
        Series("Completed", "good", [rate.succeeded for rate in rates]),
        Series("Failed", "bad", [rate.failed for rate in rates]),
        Series("Canceled", "idle", [rate.cancelled for rate in rates]),
        Series("Not finished", "busy", [rate.unfinished for rate in rates]),
    ]
    total = _about(sum(rate.runs for rate in rates), any(rate.sampled for rate in rates))
    return Chart(
        "Runs begun",
        f"{total} in the last {window.label}",
        f"{charts.highest_bar(series):,.0f}",
        charts.bars(series, f"Runs begun in the last {window.label}: {total}"),
        series,
        [
            (rate, [_about(int(one.values[number] or 0), rate.sampled) for one in series])
            for number, rate in enumerate(rates)
        ],
    )


def _wait_chart(rates: Sequence[RunRate], window: Window) -> Chart:
    half, most = [rate.wait_p50_ms for rate in rates], [rate.wait_p95_ms for rate in rates]
    return _times_chart("Wait for the first execution", rates, half, most, window)


def _duration_chart(rates: Sequence[RunRate], window: Window) -> Chart:
    half, most = [rate.duration_p50_ms for rate in rates], [rate.duration_p95_ms for rate in rates]
    return _times_chart("From the first execution to the end", rates, half, most, window)


def _times_chart(
    title: str,
    rates: Sequence[RunRate],
    half: Sequence[float | None],
    most: Sequence[float | None],
    window: Window,
) -> Chart:
    series = [Series("p50", "busy", half), Series("p95", "wait", most)]
    newest = next(
        (pair for pair in zip(reversed(half), reversed(most), strict=True) if None not in pair), None
    )
    summary = (
        f"now p50 {_time(newest[0])} · p95 {_time(newest[1])}"
        if newest
        else f"none in the last {window.label}"
    )
    return Chart(
        title,
        summary,
        duration(charts.highest_point(series)),
        charts.lines(series, f"{title}: {summary}"),
        series,
        [(rate, [_time(one.values[number]) for one in series]) for number, rate in enumerate(rates)],
    )


def _time(milliseconds: float | None) -> str:
    return "–" if milliseconds is None else duration(milliseconds)


_TEXTS = {
    "ENDPOINT_FAILED": ("The jobs of {name} could not be read", "The jobs of {n} apps could not be read"),
    "ENDPOINT_DISABLED": ("{name} is switched off: it failed too often", "{n} apps are switched off"),
    "CONNECTION_MISSING": ("Runs wait for a connection to {name}", "Runs wait for {n} connections"),
    "EVERYTHING_PAUSED": ("Everything on this server is paused", ""),
    "ENVIRONMENT_PAUSED": ("This environment is paused", ""),
    "JOB_PAUSED": ("The job {name} is paused", "{n} jobs are paused"),
    "QUEUE_PAUSED": ("The queue {name} is paused", "{n} queues are paused"),
    "SCHEDULES_OFF": ("Schedules do not fire here: 1 is off", "Schedules do not fire here: {n} are off"),
    "SCHEDULE_PROBLEM": ("The schedule {name} cannot fire", "{n} schedules cannot fire"),
    "DEAD_LETTER": ("1 run could not be executed", "{n} runs could not be executed"),
    "NOTHING_MOVES": ("Something is due and nothing does it: is a dispatcher running?", ""),
}
"""Kind of attention -> what is said of one, of several."""

_ADDRESSES = {
    "ENDPOINT_FAILED": "/settings/endpoints",
    "ENDPOINT_DISABLED": "/settings/endpoints",
    "ENVIRONMENT_PAUSED": "/jobs",
    "JOB_PAUSED": "/jobs",
    "QUEUE_PAUSED": "/jobs",
    "SCHEDULES_OFF": "/triggers",
    "SCHEDULE_PROBLEM": "/triggers",
    "DEAD_LETTER": "/dead-letters",
}


def _notice(visit: Visit, attention: Attention) -> Notice:
    one, several = _TEXTS[attention.kind]
    number = "more than 100" if attention.number > 100 else str(attention.number)
    text = (
        one.format(name=attention.name) if attention.number == 1 or not several else several.format(n=number)
    )
    address = _ADDRESSES.get(attention.kind)
    detail = attention.detail if attention.number == 1 else None
    return Notice(text, detail, visit.here(address) if address else None, attention)


PAGES = (Page(ENVIRONMENT, show_overview, Needs.VIEWER, live_s=5),)
