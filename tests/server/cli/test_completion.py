"""What shells complete: commands, options, and ids where they can be had at once."""

from __future__ import annotations

import pytest

from tests.support.builders import Builders, Environment, job
from tests.support.database import Database
from tests.support.waiting import DEADLINE_S

from .conftest import Command

SHELLS = ("bash", "zsh", "fish")


class Shell:
    """A shell in which somebody presses the key for completion."""

    def __init__(self, perdure: Command, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self._perdure = perdure
        self._monkeypatch = monkeypatch
        self._name = name

    def completes(self, line: str) -> str:
        """What is offered for a line."""
        self._monkeypatch.setenv("_PERDURE_COMPLETE", f"complete_{self._name}")
        self._monkeypatch.setenv("COMP_WORDS", line)
        self._monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        self._monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        self._monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        return self._perdure.ok().data

    def script(self) -> str:
        """What is installed in the shell."""
        self._monkeypatch.setenv("_PERDURE_COMPLETE", f"source_{self._name}")
        return self._perdure.ok().data


@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_completes_commands_and_options(
    perdure: Command, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shell = Shell(perdure, monkeypatch, name)
    assert "perdure" in shell.script()
    assert "schedules" in shell.completes("perdure sched")
    assert "--follow" in shell.completes("perdure runs list --fol")
    assert "canceled" in shell.completes("perdure events list --state can")


def test_ids_are_completed_where_they_can_be_had(
    connected: Command,
    builders: Builders,
    environment: Environment,
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = builders.run(builders.endpoint(job("greet"), environment=environment))
    monkeypatch.setenv("PERDURE_DATABASE_URL", db.url)
    monkeypatch.setenv("PERDURE_PROJECT", environment.project)
    monkeypatch.setattr("perdure_server.cli.completion._TIMEOUT_S", DEADLINE_S)  # on a busy machine, too
    shell = Shell(connected, monkeypatch, "bash")
    assert shell.completes("perdure jobs pause gr").split() == ["greet"]
    assert shell.completes("perdure runs watch ").split() == [run.id]
    monkeypatch.setenv("PERDURE_DATABASE_URL", "postgresql://127.0.0.1:1/none")
    assert shell.completes("perdure jobs pause gr").strip() == ""
