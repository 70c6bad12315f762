"""``perdure secret-key``: make a key for ``PERDURE_SECRET_KEYS``."""

from __future__ import annotations

import typer

from perdure_engine.sealing import SETTING, new_secret_key
from perdure_server.cli.output import print_data, say


def secret_key() -> None:
    """Print a new key for PERDURE_SECRET_KEYS, with which server and dispatcher encrypt what they must keep.

    It is stored nowhere. To change keys put the new one in front: NEW,OLD.
    """
    print_data(new_secret_key())
    say(f"Keep it outside of the database, and give it to server and dispatcher as {SETTING}.")


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("secret-key")(secret_key)
