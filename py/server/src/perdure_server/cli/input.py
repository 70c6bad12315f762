"""What commands read besides their options: JSON that is given, in a file, or on standard input."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from perdure_server.cli.failures import CommandFailed


def read_json(option: str, given: str) -> Any:
    """The value of an option: JSON, ``@file``, or ``-`` for standard input.

    Raises:
        CommandFailed: it is no JSON, or the file cannot be read.
    """
    text, origin = given, "what was given"
    try:
        if given == "-":
            text, origin = sys.stdin.read(), "standard input"
        elif given.startswith("@"):
            text, origin = Path(given[1:]).read_text(encoding="utf-8"), given[1:]
        return json.loads(text)
    except OSError as error:
        raise CommandFailed(f"{option}: cannot read {given[1:]}: {error.strerror}") from error
    except ValueError as error:
        raise CommandFailed(
            f"{option}: {origin} is not JSON: {error}\n"
            "Give JSON such as '{\"n\": 1}', @file, or - for standard input."
        ) from error
