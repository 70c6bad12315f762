"""One file a function, named like it; every error code documented and known to Python."""

import re
from pathlib import Path

import pytest

from perdure_engine.errors import BY_SQLSTATE
from tests.repo.tree import ROOT, files, relative

SQL = ROOT / "sql"
GRANTS = SQL / "functions" / "grants.sql"  # who may execute what; defines nothing
FUNCTIONS = [path for path in files(SQL / "functions") if path.suffix == ".sql" and path != GRANTS]
EVERY_FILE = [path for path in files(SQL) if path.suffix == ".sql"]
# The class JQ is ours: the standard owns 0-4 and A-H, Postgres uses P and X.
CODES = set(BY_SQLSTATE)
CREATED = re.compile(
    r"^create (?:or replace )?(?:function|procedure|view|aggregate) (perdure\w*)\.(\w+)", re.MULTILINE
)
ERRCODE = re.compile(r"errcode\s*=\s*'([^']*)'|raise\s+(?:exception\s+)?sqlstate\s+'([^']*)'", re.IGNORECASE)

each_function = pytest.mark.parametrize("path", FUNCTIONS, ids=relative)
each_file = pytest.mark.parametrize("path", EVERY_FILE, ids=relative)


def header(text: str) -> str:
    """Return the comment at the top of a file, which is the contract of what is in it."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line)
    return "\n".join(lines)


def raised(text: str) -> set[str]:
    """Return the codes that a function raises, or returns in a row when one call of many fails."""
    body = text.removeprefix(header(text))
    return {first or second for first, second in ERRCODE.findall(body)} | set(
        re.findall(r"(?<!sqlstate )'(JQ\d*)'", body)
    )


def test_there_are_functions() -> None:
    assert FUNCTIONS


@each_function
def test_a_file_holds_the_one_function_that_it_is_named_after(path: Path) -> None:
    assert [name for _, name in CREATED.findall(path.read_text("utf-8"))] == [path.stem]


@each_file
def test_a_file_opens_with_its_name_and_a_sentence(path: Path) -> None:
    name = re.sub(r"^\d+_", "", path.stem) if path.parent.name == "schema" else path.stem
    first = path.read_text("utf-8").partition("\n")[0]
    assert first.startswith("-- ")
    if path in FUNCTIONS:
        assert first.startswith(f"-- {name}: "), f"the header starts with `-- {name}: what it does`"


@each_function
def test_every_error_of_a_function_is_ours_and_in_its_header(path: Path) -> None:
    text = path.read_text("utf-8")
    assert raised(text) <= CODES
    undocumented = {code for code in raised(text) if code not in header(text)}
    assert undocumented == set(), "the header's Errors line names each code"


@each_file
def test_an_exception_always_carries_a_code(path: Path) -> None:
    """Without one Postgres says P0001, which callers could only tell apart by its text."""
    statements = re.findall(r"raise exception.*?;", path.read_text("utf-8"), re.IGNORECASE | re.DOTALL)
    assert [statement for statement in statements if "errcode" not in statement] == []


def test_no_function_is_defined_twice() -> None:
    names = [".".join(created) for path in FUNCTIONS for created in CREATED.findall(path.read_text("utf-8"))]
    assert sorted(names) == sorted(set(names))


def test_the_codes_have_the_form_of_a_sqlstate() -> None:
    assert CODES
    assert {code for code in CODES if not re.fullmatch(r"JQ\d{3}", code)} == set()


def test_every_code_is_raised_somewhere() -> None:
    assert {code for path in FUNCTIONS for code in raised(path.read_text("utf-8"))} == CODES
