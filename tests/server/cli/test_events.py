"""``perdure events``, in a real database and with a real server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from queue import Queue
from threading import Thread

import pytest

from tests.support.builders import Builders, Environment, job
from tests.support.database import Database

from .conftest import Command


@pytest.fixture
def place(builders: Builders, environment: Environment, db: Database) -> tuple[str, ...]:
    """The options that name the environment; its job ``greet`` listens to ``greet``."""
    builders.endpoint(job("greet"), environment=environment)
    return ("--project", environment.project, "--database-url", db.url)


def test_events_are_listed_newest_first_and_filtered(connected: Command, place: tuple[str, ...]) -> None:
    assert "There are no such events" in connected.ok("events", "list", *place).words
    connected.ok("events", "send", "greet", "--id", "first", "--payload", '{"name": "Ada"}')
    connected.ok("events", "send", "other", "--id", "second")
    connected.ok("events", "send", "other", "--id", "third", "--deliver-after-s", "60")
    titles, *lines = connected.ok("events", "list", *place).lines()
    assert titles.split() == ["event", "state", "name", "sent", "runs"]
    assert [(line.split()[0], line.split()[1], line.split()[-1]) for line in lines] == [
        ("third", "PENDING", "0"),
        ("second", "DELIVERED", "0"),
        ("first", "DELIVERED", "1"),
    ]
    for option, found in (
        (("--name", "gre*"), ["first"]),
        (("--state", "pending"), ["third"]),
        (("--text", "ada"), ["first"]),
        (("--take", "1"), ["third"]),
    ):
        page = connected.ok("events", "list", *option, *place, "--json").json
        assert [event["id"] for event in page["events"]] == found
    cursor = connected.ok("events", "list", "--take", "2", *place).words.split("--cursor ")[1].strip()
    assert connected.ok("events", "list", "--cursor", cursor, *place).lines()[1].startswith("first")


def test_an_event_tells_what_it_started_and_why_other_jobs_did_not_want_it(
    connected: Command, place: tuple[str, ...]
) -> None:
    (run_id,) = connected.ok("events", "send", "greet", "--id", "first", "--payload", '{"n": 1}').lines()
    shown = connected.ok("events", "get", "first", *place)
    facts = dict(line.split(maxsplit=1) for line in shown.lines() if not line.startswith(" "))
    assert (facts["event"], facts["payload"], facts["state"]) == ("first", '{"n": 1}', "DELIVERED")
    assert shown.lines()[-1].split() == ["greet", "QUEUED", run_id]
    connected.ok("events", "send", "other", "--id", "second")
    assert connected.ok("events", "get", "second", *place).lines()[-1].split()[-1] == "OTHER_NAME"
    assert "perdure events list" in connected.refused("events", "get", "unknown", *place)


def test_an_event_is_replayed(connected: Command, place: tuple[str, ...]) -> None:
    (run_id,) = connected.ok("events", "send", "greet", "--id", "first").lines()
    (new_id,) = connected.ok("events", "replay", "first", *place).lines()
    assert new_id != run_id
    assert len(connected.ok("runs", "list", "--json").json["runs"]) == 2
    assert "perdure events list" in connected.refused("events", "replay", "unknown", *place)


def test_an_event_that_is_to_come_is_taken_back(connected: Command, place: tuple[str, ...]) -> None:
    connected.ok("events", "send", "greet", "--id", "later", "--deliver-after-s", "60")
    assert "will not be delivered" in connected.ok("events", "cancel", "later").words
    (event,) = connected.ok("events", "list", "--state", "canceled", *place, "--json").json["events"]
    assert event["id"] == "later"


class Follower:
    """A command with --follow --json, as somebody reads along."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "perdure_server.cli", *arguments, "--follow", "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        self._lines: Queue[str] = Queue()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def next(self) -> dict[str, object]:
        """The next thing that it tells."""
        told: dict[str, object] = json.loads(self._lines.get(timeout=30))
        return told

    def close(self) -> None:
        """Press Ctrl-C, and wait."""
        self.process.send_signal(signal.SIGINT)
        with self.process:
            self._reader.join(timeout=10)
        assert self.process.returncode == 0

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)


@pytest.fixture
def followers() -> Iterator[list[Follower]]:
    started: list[Follower] = []
    yield started
    for follower in started:
        follower.close()


def test_events_and_runs_are_followed(
    connected: Command, place: tuple[str, ...], followers: list[Follower]
) -> None:
    connected.ok("events", "send", "greet", "--id", "first")
    events, runs = Follower("events", "list", *place), Follower("runs", "list")
    followers += [events, runs]
    first, run = events.next(), runs.next()
    assert (first["id"], run["status"]) == ("first", "QUEUED")
    connected.ok("events", "send", "other", "--id", "second")
    assert events.next()["id"] == "second"
    connected.ok("runs", "cancel", str(run["id"]))
    assert (runs.next() | {"completedAt": None})["status"] == "CANCELED"
