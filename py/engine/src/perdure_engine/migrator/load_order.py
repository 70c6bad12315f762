"""The order in which function files can be loaded."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

_COMMENT = re.compile(r"--.*")
_REFERENCE = re.compile(r"\bperdure(?:_views)?\.\w+")


@dataclass(frozen=True, slots=True)
class SqlFile:
    """One file of ours, by its path inside ``sql/``."""

    path: str
    text: str

    @property
    def checksum(self) -> str:
        """sha256 of the text, hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def defines(self) -> str:
        """What the file makes: the function or view that it is named after."""
        folder, _, name = self.path.rpartition("/")
        schema = "perdure_views" if folder.endswith("views") else "perdure"
        return f"{schema}.{name.removesuffix('.sql')}"

    @property
    def needs(self) -> list[str]:
        """What must exist before the file is loaded.

        Only a view or a body in standard SQL is looked up at once; one between dollar quotes is text to
        Postgres, and ``check_function_bodies`` is off.
        """
        code = _COMMENT.sub("", self.text)
        return [] if "$$" in code else _REFERENCE.findall(code)


def in_load_order(files: Iterable[SqlFile]) -> list[SqlFile]:
    """The files in a fixed order, each after those that it needs.

    The clock comes first, then the other files at the top, the folders by name, the views, the triggers,
    and at the end the grants, which cover everything. What a file needs is brought forward.
    """
    ordered: dict[str, SqlFile] = {}
    begun: set[str] = set()
    in_rank = sorted(files, key=_rank)
    by_name = {file.defines: file for file in in_rank}

    def load(file: SqlFile) -> None:
        if file.path in begun:
            return
        begun.add(file.path)
        for name in file.needs:
            if name in by_name and file.path != _GRANTS:
                load(by_name[name])
        ordered[file.path] = file

    for file in in_rank:
        load(file)
    return list(ordered.values())


_GRANTS = "functions/grants.sql"


def _rank(file: SqlFile) -> tuple[int, str, str]:
    folder, _, name = file.path.removeprefix("functions/").rpartition("/")
    if name.startswith("tg_"):
        rank = 4
    elif folder:
        rank = 3 if folder == "views" else 2
    else:
        rank = {"clock.sql": 0, "grants.sql": 5}.get(name, 1)
    return rank, folder, name
