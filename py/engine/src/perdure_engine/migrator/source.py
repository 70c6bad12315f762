"""The SQL files: where they are, their order, and their checksums."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from perdure_engine.errors import MigrationRefused

from .load_order import SqlFile, in_load_order

_MIGRATION_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_NO_TRANSACTION = re.compile(r"^-- transaction: none\s*$", re.MULTILINE)
_CREATES_SCHEMA = re.compile(r"^\s*create schema\b", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file of ``sql/migrations/``."""

    number: int
    name: str
    file: SqlFile

    @property
    def label(self) -> str:
        """The file's name without its ending."""
        return f"{self.number:04d}_{self.name}"

    @property
    def in_transaction(self) -> bool:
        """Whether it runs in a transaction: yes, unless the file says ``-- transaction: none``."""
        return not _NO_TRANSACTION.search(self.file.text)

    @property
    def creates_schema(self) -> bool:
        """Whether it needs the right to create schemas."""
        return bool(_CREATES_SCHEMA.search(self.file.text))


class SqlSource:
    """A folder laid out like the repository's ``sql/``.

    Args:
        folder: has ``migrations/`` and ``functions/``.
    Raises:
        MigrationRefused: a file in ``migrations/`` is misnamed, or two have one number.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.migrations = self._read_migrations()

    @cached_property
    def functions(self) -> list[SqlFile]:
        """All of ``functions/``, in the order in which they can be loaded; see ``load_order.py``."""
        return in_load_order(map(self._read, (self.folder / "functions").rglob("*.sql")))

    @cached_property
    def functions_checksum(self) -> str:
        """The joint checksum of all of ``functions/``; a file that is renamed changes it, too."""
        joined = "".join(f"{file.checksum}  {file.path}\n" for file in self.functions)
        return hashlib.sha256(joined.encode()).hexdigest()

    def _read(self, path: Path) -> SqlFile:
        return SqlFile(path.relative_to(self.folder).as_posix(), path.read_text(encoding="utf-8"))

    def _read_migrations(self) -> list[Migration]:
        migrations: dict[int, Migration] = {}
        for path in sorted((self.folder / "migrations").glob("*.sql")):
            match = _MIGRATION_NAME.fullmatch(path.name)
            if match is None:
                raise MigrationRefused(f"{path.name} is not named like a migration: call it NNNN_words.sql")
            number = int(match[1])
            if number in migrations:
                raise MigrationRefused(
                    f"{path.name} has the number of {migrations[number].label}: renumber it"
                )
            migrations[number] = Migration(number, match[2], self._read(path))
        return list(migrations.values())


def default_source() -> SqlSource:
    """The SQL of this release: inside the package in a wheel, the repository's in an editable install.

    Raises:
        MigrationRefused: there is none in either place.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "sql", *(parent / "sql" for parent in package.parents[3:4])):
        if (folder / "migrations").is_dir():
            return SqlSource(folder)
    raise MigrationRefused(
        f"this installation has no SQL files: {package / 'sql'} is missing; install it anew"
    )
