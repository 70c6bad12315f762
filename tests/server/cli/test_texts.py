"""What people read: durations, columns, drawings of runs and what changed in them."""

from __future__ import annotations

import re
import stat
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from perdure_engine.sealing import SecretBox
from perdure_server.cli.dev_files import DevFiles
from perdure_server.cli.dev_screen import Screen
from perdure_server.cli.endpoints import describe_index
from perdure_server.cli.first_event import first_event
from perdure_server.cli.output import Table, align, duration, say, short_time, step, styled
from perdure_server.cli.run_drawing import draw_run
from perdure_server.cli.run_progress import RunProgress
from perdure_server.cli.run_view import ExecutionView, RunView, TaskView

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stats", "text"),
    [
        ({"jobs": 1, "sources": 0}, "1 job"),
        ({"jobs": 2, "sources": 1, "dynamicTriggers": 3}, "2 jobs, 1 source, 3 dynamic triggers"),
        ({"jobs": 0}, "no jobs"),
    ],
)
def test_what_an_app_has_is_told_in_words(stats: dict[str, int], text: str) -> None:
    assert describe_index({"status": "SUCCESS", "stats": stats}) == text


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def task(key: str, status: str = "COMPLETED", **members: Any) -> TaskView:
    values: dict[str, Any] = {
        "id": key,
        "name": "Task",
        "key": key,
        "started_at": at(0),
        "completed_at": at(1) if status in ("COMPLETED", "ERRORED") else None,
        "output": None,
        "delay_until": None,
        "attempt_count": 1,
        "subtasks": [],
        **members,
    }
    return TaskView(status=status, **values)


def execution(number: int, reply: str | None, **members: Any) -> ExecutionView:
    ended = reply is not None or "verdict" in members
    values: dict[str, Any] = {
        "dispatcher": "d1",
        "claimed_at": at(0),
        "ended_at": at(2) if ended else None,
        "duration_ms": 120 if ended else None,
        "verdict": "REPLY" if reply else None,
        "http_status": 200 if reply else None,
        "message": None,
        **members,
    }
    return ExecutionView(number=number, reply_status=reply, **values)


def run(status: str, *tasks: TaskView, executions: list[ExecutionView] | None = None, **more: Any) -> RunView:
    return RunView(
        "r1",
        status,
        at(0),
        more.pop("completed_at", None),
        more.pop("output", None),
        list(tasks),
        executions or [],
        **more,
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0351, "35 ms"),
        (2.54, "2.5 s"),
        (200, "3 min 20 s"),
        (93600, "1 d 2 h"),
        (3600, "1 h"),
        (59.96, "60.0 s"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_columns_begin_at_the_same_place_and_lines_have_no_blanks_at_the_end() -> None:
    assert align([("a", "long"), ("wide", None), ("x", 7)]) == ["a     long", "wide", "x     7"]


def test_a_run_is_drawn_as_a_tree_with_its_executions() -> None:
    inner = task("inner", "ERRORED", output={"message": "no"}, attempt_count=3)
    drawn = draw_run(
        run(
            "WAITING_TO_CONTINUE",
            task("outer", subtasks=[inner]),
            task("a day", "WAITING", name="wait", delay_until=at(86400)),
            executions=[execution(1, "RESUME_WITH_TASK"), execution(2, None)],
            job="greet",
            version="1.0.0",
        ),
        at(10),
    )
    assert drawn[0] == "WAITING_TO_CONTINUE run r1 of greet 1.0.0 (10.0 s so far)"
    assert drawn[1:3] == [
        "├─ ✓ outer     COMPLETED  1.0 s",
        '│  └─ ✗ inner  ERRORED    1.0 s          attempt 3; error {"message": "no"}',
    ]
    assert drawn[3].startswith("└─ ◷ a day     WAITING    10.0 s so far  wait; waits until ")
    assert drawn[4:] == [
        "executions",
        "  1  RESUME_WITH_TASK  120 ms         by d1",
        "  2  IN FLIGHT         10.0 s so far  by d1",
    ]


def test_a_line_of_the_log_is_drawn_as_what_it_says() -> None:
    line = replace(task("line", name="log", description="somebody signed up"), key=None)
    drawn = draw_run(run("SUCCESS", line, completed_at=at(3)), at(100))
    assert drawn[1].split("  ") == ["└─ ✓ somebody signed up", "COMPLETED", "1.0 s", "log"]


def test_a_finished_run_has_its_output() -> None:
    drawn = draw_run(run("SUCCESS", completed_at=at(3), output={"n": 1}), at(100))
    assert drawn == ["SUCCESS run r1 (3.0 s)", 'output {"n": 1}']


def test_progress_tells_each_change_once_in_the_order_of_time() -> None:
    progress = RunProgress()
    assert progress.changes(run("EXECUTING", executions=[execution(1, None)])) == [
        "execution 1 begins (dispatcher d1)",
    ]
    waiting = run(
        "WAITING_TO_CONTINUE",
        task("nap", "WAITING", started_at=at(1)),
        executions=[execution(1, "RESUME_WITH_TASK")],
    )
    assert progress.changes(waiting) == [
        "task 'nap' WAITING",
        "execution 1 ends: RESUME_WITH_TASK after 120 ms",
        "run WAITING_TO_CONTINUE",
    ]
    assert progress.changes(waiting) == []
    lost = execution(2, None, verdict="LEASE_EXPIRED", ended_at=at(9), claimed_at=at(6), message="no answer")
    done = run(
        "SUCCESS",
        task("nap", completed_at=at(5)),
        executions=[execution(1, "RESUME_WITH_TASK"), lost],
        output="bye",
        completed_at=at(10),
    )
    assert progress.changes(done) == [
        "task 'nap' COMPLETED",
        "execution 2 begins (dispatcher d1)",
        "execution 2 ends: LEASE_EXPIRED after 120 ms: no answer",
        'run SUCCESS, output "bye"',
    ]


def test_the_development_key_is_made_once_and_is_for_its_owner_only(tmp_path: Path) -> None:
    files = DevFiles(tmp_path / "data")
    key = files.ensure_key()
    assert key.startswith("tr_dev_")
    assert DevFiles(tmp_path / "data").ensure_key() == key
    assert stat.S_IMODE(files.key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.folder.stat().st_mode) == 0o700
    assert (files.folder / ".gitignore").read_text() == "*\n"


def test_so_is_the_key_of_stored_secrets(tmp_path: Path) -> None:
    files = DevFiles(tmp_path / "data")
    key = files.ensure_secret_key()
    assert SecretBox([key]).open(SecretBox([key]).seal("token")) == "token"
    assert DevFiles(tmp_path / "data").ensure_secret_key() == key
    assert [stat.S_IMODE(path.stat().st_mode) for path in files.folder.glob("*.key")] == [0o600]


def test_a_time_in_a_column_says_as_much_as_is_needed() -> None:
    now = datetime.now().astimezone()
    assert short_time(now) == f"{now:%H:%M:%S}"
    assert short_time(now.replace(year=2020, month=2, day=3)) == "2020-02-03"
    assert short_time(None) == ""


def test_rows_that_come_later_stand_under_those_before(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(("name", "n"))
    table.add([("a long one", 1)])
    table.add([("b", 2)])
    assert capsys.readouterr().out.splitlines() == ["name        n", "a long one  1", "b           2"]


@pytest.mark.parametrize(
    ("variable", "value", "coloured"),
    [("NO_COLOR", "", True), ("NO_COLOR", "1", False), ("TERM", "dumb", False)],
)
def test_colour_is_for_terminals_and_who_wants_it(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, coloured: bool
) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(variable, value)
    assert ("\x1b[" in styled("all", Terminal(), bold=True)) is coloured
    assert styled("all", StringIO(), bold=True) == "all"


@pytest.mark.parametrize(
    ("spec", "command"),
    [
        (
            {
                "name": "user.signed-up",
                "schema": {"properties": {"email": {"type": "string"}}, "required": ["email"]},
            },
            """perdure trigger user.signed-up --payload '{"email": "ada@example.com"}'""",
        ),
        (
            {"name": ["a b", "c"], "examples": [{"id": "1", "name": "one", "payload": {"it's": 1}}]},
            """perdure trigger 'a b' --payload '{"it'"'"'s": 1}'""",
        ),
        (
            {
                "name": "order",
                "schema": {
                    "$defs": {"Line": {"properties": {"count": {"type": "integer"}}, "required": ["count"]}},
                    "properties": {
                        "line": {"$ref": "#/$defs/Line"},
                        "kind": {"enum": ["new", "old"]},
                        "at": {"type": "string", "format": "date"},
                        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                        "left": {"type": "string"},
                    },
                    "required": ["line", "kind", "at", "note"],
                },
            },
            'perdure trigger order --payload \'{"line": {"count": 1}, "kind": "new", "at": "2026-01-01", '
            '"note": "text"}\'',
        ),
        ({"name": "ping"}, "perdure trigger ping --payload '{}'"),
        ({}, None),
    ],
)
def test_the_command_that_starts_a_job_fits_its_payload(spec: dict[str, Any], command: str | None) -> None:
    assert first_event(spec) == command


def test_the_screen_of_dev_fits_a_terminal() -> None:
    screen = Screen(
        link=f"http://127.0.0.1:8030/dashboard/enter?link={'0' * 32}",
        app="app:app is connected (shop: 1 job)",
        server="http://127.0.0.1:8030",
        webhooks="http://127.0.0.1:8030/api/v1/sources/…",
        key="tr_dev_0123… (in .perdure/dev.key)",
        postgres="psql -h /var/lib/perdure/server-01234567/socket -U postgres",
        event="""perdure trigger user.signed-up --payload '{"email": "ada@example.com"}'""",
    )
    assert max(map(len, screen.lines())) <= 80
    assert "Press Ctrl-C" in "\n".join(screen.lines())


def test_a_step_tells_how_long_it_took_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with step("starting"):
        assert capsys.readouterr().err == "starting …\n"
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with step("starting"):
        assert capsys.readouterr().err == "starting … "
    assert re.fullmatch(r"[\d.]+ m?s\n", capsys.readouterr().err)
    with step("starting"):
        say("hello from the app")
    assert capsys.readouterr().err == "starting … \nhello from the app\n"
