"""Every option can come from the environment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from perdure_engine.sealing import SecretBox
from perdure_server.cli.command import app

from .conftest import Command

WITHOUT_VARIABLE = {
    "--help",
    "--version",
    "--install-completion",
    "--show-completion",
}  # they do something else than the command


def parameters() -> Iterator[tuple[str, Any]]:
    def walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
        for parameter in command.params:
            yield f"{name} {parameter.opts[0]}", parameter
        for child, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, f"{name} {child}")

    return walk(typer.main.get_command(app), "perdure")


@pytest.mark.parametrize(("name", "parameter"), list(parameters()), ids=lambda value: str(value))
def test_every_option_and_argument_has_a_variable(name: str, parameter: Any) -> None:
    if not WITHOUT_VARIABLE & set(parameter.opts):
        names = [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar
        assert names, f"{name} has no variable"
        assert names[0].startswith("PERDURE_")
        assert set(names[1:]) <= {"DATABASE_URL"}


def test_there_are_options() -> None:
    names = {name for name, _ in parameters()}
    assert {"perdure migrate --database-url", "perdure runs list --follow", "perdure dev --port"} <= names


def test_an_unknown_command_is_wrong_usage(perdure: Command) -> None:
    result = perdure("migrat")
    assert result.status == 2
    assert "migrat" in result.words


def test_the_version_is_that_of_the_package(perdure: Command) -> None:
    assert perdure.ok("--version").data == "0.1.0\n"


def test_a_new_secret_key_is_one(perdure: Command) -> None:
    result = perdure.ok("secret-key")
    (key,) = result.lines()
    assert SecretBox([key]).open(SecretBox([key]).seal("token")) == "token"
    assert "PERDURE_SECRET_KEYS" in result.words
    assert key != perdure.ok("secret-key").lines()[0]


def test_dev_wants_an_app_in_a_module(perdure: Command) -> None:
    result = perdure("dev", "shop")
    assert result.status == 2
    assert "MODULE:APP" in result.words


def test_dev_wants_a_development_key(perdure: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_API_KEY", "tr_prod_0123456789abcdef")
    assert "PERDURE_API_KEY" in perdure.refused("dev", "shop:app")
    assert not Path(".perdure").exists()
