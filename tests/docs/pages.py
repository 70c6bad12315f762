"""The pages of the documentation, and the blocks of code in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("docs", "integrations", "examples", "py/sdk")
GENERATED = ("docs/reference/sql.md", "docs/reference/http-api.md", "docs/reference/sdk")
"""Made by ``make docs``; what they show stands in code that has tests of its own."""

_FILE_NAME = re.compile(r"# ([\w/]+\.py)\n")
_COMMENT = re.compile(r"<!--\s*(?P<kind>test sql|test|run|no test)\b:?[ \t]*(?P<rest>.*?)-->", re.DOTALL)


class BadPage(AssertionError):
    """A page is not written as the tests of pages expect it; the text names the line."""


@dataclass(frozen=True)
class Block:
    """A block of code of a page, or a hidden one in a comment."""

    language: str
    code: str
    line: int
    """Where its first line of code is in the page; from 1."""
    hidden: bool = False
    runs: bool = False
    """A console block whose commands are run, not only looked at."""
    reason: str | None = None
    """Why it must not run."""

    @property
    def file_name(self) -> str | None:
        """The file as which the page shows it: a comment in its first line says so."""
        found = _FILE_NAME.match(self.code) if self.language == "python" else None
        return found[1] if found else None


@dataclass(frozen=True)
class Page:
    """A page and what is in it, in order."""

    path: Path
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        """Return its path in the repository."""
        return page_name(self.path)

    def where(self, block: Block) -> str:
        """Return how a failure names a block."""
        return f"{self.name}:{block.line}"


@cache
def page_files() -> tuple[Path, ...]:
    """Return the files of all pages that people write."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    for folder in FOLDERS:
        found += sorted((ROOT / folder).rglob("*.md"))
    return tuple(path for path in found if not page_name(path).startswith(GENERATED))


def page_name(path: Path) -> str:
    """Return the path of a page in the repository."""
    return path.relative_to(ROOT).as_posix()


def left_out() -> list[str]:
    """Return the blocks that no test runs, each with its reason."""
    marked = []
    for path in page_files():
        try:
            page = read_page(path)
        except BadPage:
            continue  # the test of this page says it
        marked += [f"{page.where(one)}: {one.reason}" for one in page.blocks if one.reason is not None]
    return marked


def read_page(path: Path) -> Page:
    """Read the blocks of a page.

    Raises:
        BadPage: a block has no language or is marked by its indentation only, or a mark stands above none.
    """
    page = Page(path, tuple(_blocks(path, MarkdownIt("commonmark").parse(path.read_text("utf-8")))))
    for block in page.blocks:
        if not block.language:
            raise BadPage(f"{page.where(block)}: name the block's language")
    return page


def _blocks(path: Path, tokens: list[Token]) -> Iterator[Block]:
    mark: tuple[str, str] | None = None
    for token in tokens:
        line = (token.map or [0])[0] + 1
        if token.type == "fence":
            kind, rest = mark or ("", "")
            yield Block(
                language=token.info.strip(),
                code=token.content,
                line=line + 1,
                runs=kind == "run",
                reason=rest if kind == "no test" else None,
            )
            mark = None
            continue
        if mark and token.type == "html_block":
            raise BadPage(f"{page_name(path)}:{line}: a block must follow the mark above")
        if token.type == "code_block":
            raise BadPage(f"{page_name(path)}:{line}: put the block between ``` and name its language")
        if token.type == "html_block" and (comment := _COMMENT.match(token.content)):
            kind, rest = comment["kind"], comment["rest"].strip()
            if kind in ("test", "test sql"):
                above = token.content[: comment.start("rest")].count("\n")
                code = comment["rest"].lstrip("\n")
                above += comment["rest"][: len(comment["rest"]) - len(code)].count("\n")
                yield Block("sql" if kind == "test sql" else "python", code, line + above, hidden=True)
            else:
                mark = (kind, rest)
    if mark:
        raise BadPage(f"{page_name(path)}: a mark at the end stands above no block")
