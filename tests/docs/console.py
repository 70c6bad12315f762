"""The commands that pages show: looked at, or really run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import typer.main

from perdure_connect import worker
from perdure_server.cli.command import app as perdure_cli
from tests.docs.pages import ROOT

PROGRAMS = frozenset(
    {
        *("apt-get", "cd", "cp", "curl", "export", "flask", "git", "gunicorn", "mkdir", "node", "npm", "npx"),
        *("pip", "psql", "pytest", "python", "source", "uvicorn"),
    }
)
"""What pages may call besides our own commands; only that there is such a program is known of them."""

_TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)
_ASSIGNMENT = re.compile(r"[A-Z_]+=")
_TIMEOUT_S = 120


def commands(where: str, code: str) -> list[str]:
    """Return the commands of a block: lines that begin with ``$``, with what continues them."""
    found = [text for text, is_command in _entries(code) if is_command]
    assert found, f"{where}: a command begins with `$ `"
    return found


def check_commands(where: str, lines: list[str]) -> None:
    """Refuse a command that does not exist, or an option or target that it does not have."""
    for line in lines:
        for part in re.split(r"\s(?:\||&&|&|;)\s", line):
            words = shlex.split(part, comments=True)
            while words and _ASSIGNMENT.match(words[0]):
                words.pop(0)
            if words:
                _check(f"{where}: {line}", words)


def run_commands(where: str, code: str, folder: Path) -> None:
    """Run the commands of a block, and look for the output that it shows."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    output = ""
    for text, is_command in _entries(code):
        if is_command:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", text],
                cwd=folder,
                env={**os.environ, "PATH": path, "PYTHONPATH": str(folder)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
            output = done.stdout
            assert done.returncode == 0, f"{where}: {text}\n{output}"
        elif text.strip():
            pattern = ".*".join(map(re.escape, text.strip().split("…")))
            found = re.search(pattern, output)
            assert found, f"{where}: no {text!r} in the output:\n{output}"
            output = output[found.end() :]


def _entries(code: str) -> list[tuple[str, bool]]:
    """Return each command and each line of output, and whether it is a command."""
    entries = []
    lines = iter(code.splitlines())
    for line in lines:
        if not line.startswith("$ "):
            entries.append((line, False))
            continue
        text = line.removeprefix("$ ")
        while text.endswith("\\"):
            text = text.removesuffix("\\") + next(lines).strip()
        entries.append((text, True))
    return entries


def _check(where: str, words: list[str]) -> None:
    program, *arguments = words
    if program == "perdure":
        _check_perdure(where, arguments)
    elif program == "make":
        targets = {word for word in arguments if not _ASSIGNMENT.match(word)}
        unknown = targets - set(_TARGET.findall((ROOT / "Makefile").read_text("utf-8")))
        assert not unknown, f"{where}: there is no make {' '.join(unknown)}"
    elif program == "perdure-connect":
        worker.make_parser().parse_args(arguments)
    else:
        assert program in PROGRAMS or (ROOT / program).is_file(), f"{where}: what is {program}?"


def _check_perdure(where: str, arguments: list[str]) -> None:
    command: Any = typer.main.get_command(perdure_cli)
    name, parent = "perdure", None
    try:
        while True:
            parent = command.make_context(name, list(arguments), parent=parent)
            if not hasattr(command, "resolve_command"):
                return
            rest = [*parent._protected_args, *parent.args]
            name, command, arguments = command.resolve_command(parent, rest)
    except Exception as error:  # typer has a click of its own, whose exceptions it does not show
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        raise AssertionError(f"{where}: {message}") from error
