"""The ``perdure`` command in the test process, and a real server for it to talk to."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from perdure import IO, Perdure, event_trigger
from perdure_server.app import create_app
from perdure_server.cli.command import run
from perdure_server.settings import Settings
from tests.support.builders import Builders, Environment
from tests.support.database import Database
from tests.support.http_server import serve


@dataclass(frozen=True, slots=True)
class Result:
    """What a command did."""

    status: int
    data: str
    words: str

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    def lines(self) -> list[str]:
        return self.data.splitlines()


class Command:
    """Runs ``perdure`` with arguments, in this process; the environment is the test's (``monkeypatch``)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Result:
        self._monkeypatch.setattr(sys, "argv", ["perdure", *arguments])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run()
        printed = self._capsys.readouterr()
        assert "Traceback" not in printed.err
        status = ended.value.code
        assert isinstance(status, int)
        return Result(status, printed.out, printed.err)

    def ok(self, *arguments: str) -> Result:
        """Run a command that does its work."""
        result = self(*arguments)
        assert result.status == 0, result.words
        return result

    def refused(self, *arguments: str) -> str:
        """Run a command that is refused, and return what it says."""
        result = self(*arguments)
        assert result.status == 1, (result.data, result.words)
        assert result.words.startswith("perdure: ")
        return result.words


@pytest.fixture
def perdure(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Command:
    """The command, in an empty folder and without any variable of Perdure."""
    for name in list(os.environ):
        if name == "DATABASE_URL" or name.startswith("PERDURE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path_factory.mktemp("folder"))
    return Command(monkeypatch, capsys)


@pytest.fixture
def environment(builders: Builders) -> Environment:
    """Where the key of ``connected`` belongs."""
    return builders.environment()


@pytest.fixture
def connected(
    perdure: Command, db: Database, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Command]:
    """The command, with a real server and a secret key in its environment."""
    with serve(create_app(Settings(db.url, access_log=False))) as url:
        monkeypatch.setenv("PERDURE_API_URL", url)
        monkeypatch.setenv("PERDURE_API_KEY", environment.key)
        yield perdure


@pytest.fixture
def shop(environment: Environment) -> Iterator[str]:
    """The URL of a real app ``shop`` with a job ``greet`` for the event ``greet``."""
    app = Perdure("shop", api_url="http://127.0.0.1:9", api_key=environment.key)

    @app.job(id="greet", version="1.0.0", on=event_trigger("greet"))
    async def greet(payload: dict[str, Any], io: IO) -> str:
        return "hello"

    with serve(app.asgi()) as url:
        yield f"{url}/api/trigger"
