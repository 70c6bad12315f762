"""The founding example, end to end, told as it happens: ``make demo``.

Every part is real and a process of its own; only GitHub and Slack are fakes, which speak the real wire
format. Exit status 0 when all went as it should.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from examples.github_reminder.demo_story import Story
from examples.github_reminder.demo_system import ReminderSystem
from perdure_engine.embedded import FAST_SETTINGS, EmbeddedPostgres
from perdure_server.cli.failures import CommandFailed, describe
from perdure_server.cli.local.processes import Family
from perdure_server.cli.local.stop_signals import StopRequested, StopSignals
from perdure_server.cli.run_progress import RunProgress
from perdure_server.cli.run_view import RunView

DELAY_S = 3.0
RUN_TIMEOUT_S = 60.0


def main() -> int:
    """Run the demo."""
    arguments = _parser().parse_args()
    story = Story()
    story.heading("Everything starts")
    with StopSignals() as signals, _folder(keep=arguments.keep) as folder:
        log_path = folder / "processes.log"
        try:
            with (
                log_path.open("w", encoding="utf-8") as log,
                _database(arguments.database_url, folder, story, keep=arguments.keep) as url,
                Family(
                    on_line=lambda name, line: print(f"{name}: {line}", file=log, flush=True),
                    hurry=signals.hurry,
                ) as family,
            ):
                _play(family, url, story, kill=arguments.kill_dispatcher)
        except StopRequested:
            story.end("stopped", good=False)
            return 1
        except Exception as error:
            text = describe(error)
            if text is None:
                raise
            story.show_log(log_path)
            story.end(f"FAILED: {text}", good=False)
            return 1
    story.end("SUCCESS", good=True)
    return 0


def _play(family: Family, database_url: str, story: Story, *, kill: bool) -> None:
    with ReminderSystem(family, database_url, delay_s=DELAY_S, tell=story.line) as system:
        story.heading("An issue is opened, and nobody does anything about it")
        quiet = _quiet_issue(system, story, kill=kill)
        story.heading("An issue is opened, and somebody answers")
        active = _active_issue(system, story)
        story.heading("What GitHub and Slack received from the app")
        _check_calls(system, story, quiet, active)


def _quiet_issue(system: ReminderSystem, story: Story, *, kill: bool) -> int:
    if kill:
        system.slack.hold_next("chat.postMessage")
    number, delivery = system.open_issue("The front page is blank")
    run_id = _tell_delivery(system, story, number, delivery)
    progress = RunProgress()
    if kill:
        _watch(system, story, progress, run_id, lambda run: run.status == "WAITING_TO_CONTINUE")
        _kill_dispatcher(system, story, "during the wait")
        _watch(system, story, progress, run_id, lambda run: len(system.slack.calls()) > 0)
        story.line("Slack was called, and is slow to answer")
        _kill_dispatcher(system, story, "while the task runs")
        system.slack.release()
        story.line("Slack answers; the app stores the task; the lost dispatcher's lease must end first")
    run = _watch(system, story, progress, run_id, lambda run: run.is_final)
    _check_ending(run, "reminded")
    return number


def _active_issue(system: ReminderSystem, story: Story) -> int:
    number, delivery = system.open_issue("The footer is crooked")
    run_id = _tell_delivery(system, story, number, delivery)
    system.github.comment(number, "I am on it.")
    story.line(f"somebody comments on issue {number}")
    _check_ending(_watch(system, story, RunProgress(), run_id, lambda run: run.is_final), "active")
    return number


def _tell_delivery(system: ReminderSystem, story: Story, number: int, delivery: dict[str, object]) -> str:
    story.line(
        f"issue {number} is opened; GitHub sends issues.opened, signed, delivery {delivery['guid']}: "
        f"answered {delivery['status_code']}"
    )
    run_id = system.wait_for_run(str(delivery["guid"]))
    story.line(f"run {run_id}")
    return run_id


def _watch(
    system: ReminderSystem,
    story: Story,
    progress: RunProgress,
    run_id: str,
    until: Callable[[RunView], bool],
) -> RunView:
    """Tell every change of a run until something is so."""

    def look_and_tell(run: RunView) -> bool:
        for line in progress.changes(run):
            story.line(f"  {line}")
        return until(run)

    return system.wait_for_run_to_be(run_id, look_and_tell, timeout_s=RUN_TIMEOUT_S, what="the progress")


def _kill_dispatcher(system: ReminderSystem, story: Story, when: str) -> None:
    killed = system.kill_dispatcher()
    story.line(
        f"kill -9 {killed.pid}: {killed.name} dies {when}; "
        f"{system.dispatcher.name} is started, process {system.dispatcher.pid}"
    )


def _check_ending(run: RunView, output: str) -> None:
    if (run.status, run.output) != ("SUCCESS", output):
        raise CommandFailed(
            f"run {run.id} ended {run.status} with {run.output!r}, not SUCCESS with {output!r}"
        )


def _check_calls(system: ReminderSystem, story: Story, quiet: int, active: int) -> None:
    """Each completed task was called once: one call of each kind, and none for the issue with activity."""
    github, slack = system.github.calls(), system.slack.calls()
    for fake, calls in (("GitHub", github), ("Slack", slack)):
        for call in calls:
            story.line(f"{fake:<6} {call.name}  {call.status}{_shown_text(call.body)}")
    issues = "/repos/acme/site/issues"
    expected = {
        f"GET {issues}/{quiet}": 1,
        f"POST {issues}/{quiet}/assignees": 1,
        f"GET {issues}/{active}": 1,
        f"POST {issues}/{active}/assignees": 0,
        "POST /api/chat.postMessage": 1,
    }
    names = [call.name for call in (*github, *slack)]
    for name, count in expected.items():
        if names.count(name) != count:
            raise CommandFailed(f"{name} was called {names.count(name)} times, not {count}")
    if system.github.issue(quiet)["assignees"] == []:
        raise CommandFailed(f"nobody is assigned to issue {quiet}")


def _shown_text(body: object) -> str:
    if not isinstance(body, dict):
        return ""
    shown = {name: body[name] for name in ("channel", "text", "assignees", "events") if name in body}
    return "".join(f"  {name}={value}" for name, value in shown.items())


@contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="perdure-demo-"))
    try:
        yield folder
    finally:
        if keep:
            print(f"\nkept: {folder} (processes.log; postgres, if it was an embedded one)")
        else:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _database(url: str | None, folder: Path, story: Story, *, keep: bool) -> Iterator[str]:
    if url is not None:
        story.line("using the database that was given; what the demo writes there stays")
        yield url
        return
    postgres = EmbeddedPostgres(folder / "postgres", settings=FAST_SETTINGS)
    try:
        postgres.start()
        story.line("PostgreSQL    embedded, in a temporary folder")
        yield postgres.url()
    finally:
        if keep:
            postgres.stop()
        else:
            postgres.delete()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="demo", description="The founding example, end to end.")
    parser.add_argument(
        "--kill-dispatcher",
        action="store_true",
        help="kill the dispatcher with -9 during the wait, and again while the Slack task runs",
    )
    parser.add_argument(
        "--database-url", help="a Postgres to use instead of an embedded one; it is migrated first"
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the temporary folder, with the processes' log"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
