"""What ``perdure dev`` keeps in its folder, and what other commands find there: keys, address, Postgres."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from perdure_engine.embedded import EmbeddedPostgres, EmbeddedPostgresError
from perdure_engine.sealing import new_secret_key


class DevFiles:
    """The folder of ``perdure dev``; nothing in it belongs into version control, and it says so.

    Args:
        folder: made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key_file = folder / "dev.key"
        self._secret_key_file = folder / "secret.key"
        self._url_file = folder / "dev.url"
        self.postgres_folder = folder / "postgres"

    def read_key(self) -> str | None:
        """The development key, if there is one."""
        return _read(self.key_file)

    def ensure_key(self) -> str:
        """The development key; made at the first call, readable for its owner only."""
        return self._ensure(self.key_file, lambda: f"tr_dev_{secrets.token_hex(20)}")

    def ensure_secret_key(self) -> str:
        """The key that secrets in the database are sealed with; likewise."""
        return self._ensure(self._secret_key_file, new_secret_key)

    def read_url(self) -> str | None:
        """Where the server of the last ``perdure dev`` was."""
        return _read(self._url_file)

    def write_url(self, url: str) -> None:
        """Note where the server is."""
        self._make_folder()
        self._url_file.write_text(url + "\n")

    def running_database(self) -> str | None:
        """The URL of the embedded Postgres, if it runs."""
        if not self.postgres_folder.is_dir():
            return None
        try:
            return EmbeddedPostgres(self.postgres_folder).url()
        except (EmbeddedPostgresError, OSError):
            return None

    def _ensure(self, path: Path, make: Callable[[], str]) -> str:
        key = _read(path)
        if key is None:
            self._make_folder()
            key = make()
            partial = path.with_suffix(".partial")
            partial.unlink(missing_ok=True)
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(key + "\n")
            partial.rename(path)
        return key

    def _make_folder(self) -> None:
        if not self.folder.is_dir():
            self.folder.mkdir(mode=0o700, parents=True)
            (self.folder / ".gitignore").write_text("*\n")


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip() or None
    except OSError:
        return None
