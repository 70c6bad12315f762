"""What a distribution imports it declares; what it declares we install, exact and hashed."""

import ast
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.repo.tree import ROOT, Member, files, members

each_member = pytest.mark.parametrize("member", members(), ids=lambda member: member.name)
each_lock = pytest.mark.parametrize("name", ["runtime", "dev"])


@cache
def providers() -> dict[str, list[str]]:
    """Return import package -> the distributions that it may come from."""
    installed = packages_distributions()  # ours are missing: an editable install lists no files
    others = {
        package: [str(canonicalize_name(name)) for name in names] for package, names in installed.items()
    }
    return others | {member.package: [str(canonicalize_name(member.name))] for member in members()}


def imported_packages(member: Member) -> set[str]:
    found: set[str] = set()
    for path in files(member.source):
        if path.suffix != ".py" or path.parent.name == "starters":  # those are written into an app
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {member.package}


def declared(member: Member, *, with_extras: bool) -> dict[str, Requirement]:
    texts = list(member.project["dependencies"])
    if with_extras:
        texts += [
            text for extra in member.project.get("optional-dependencies", {}).values() for text in extra
        ]
    return {canonicalize_name(requirement.name): requirement for requirement in map(Requirement, texts)}


def input_names(name: str) -> set[str]:
    """Return the names in ``requirements/<name>.in``, without comments and options."""
    lines = (ROOT / "requirements" / f"{name}.in").read_text("utf-8").splitlines()
    texts = (line.partition("  #")[0].strip() for line in lines)
    return {canonicalize_name(Requirement(text).name) for text in texts if text and text[0] not in "#-"}


@cache
def pins(name: str) -> dict[str, str]:
    """Return name -> version of ``requirements/<name>.txt``; refuse a line that is not exact."""
    found: dict[str, str] = {}
    for entry in entries(name):
        pinned = re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)", entry)
        assert pinned, f"not an exact version: {entry[:80]}"
        found[canonicalize_name(pinned[1])] = pinned[2]
    return found


def entries(name: str) -> list[str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


@each_member
def test_it_declares_what_it_imports(member: Member) -> None:
    requirements = declared(member, with_extras=True)
    # psycopg[pool] brings psycopg-pool, and so by convention do the extras of others; pydantic shows its core
    # and has its users write their types with typing_extensions
    if "pydantic" in requirements:
        requirements |= dict.fromkeys(("pydantic-core", "typing-extensions"), requirements["pydantic"])
    known = {
        *requirements,
        *(f"{name}-{extra}" for name, asked in requirements.items() for extra in asked.extras),
    }
    missing = {
        package
        for package in imported_packages(member)
        if not any(distribution in known for distribution in providers().get(package, []))
    }
    assert missing == set(), f"add to the dependencies in {member.name}'s pyproject.toml"


@each_member
def test_each_dependency_of_others_has_a_lower_bound_and_the_pin_is_within(member: Member) -> None:
    ours = {canonicalize_name(other.name) for other in members()}
    for name, requirement in declared(member, with_extras=True).items():
        assert any(clause.operator in (">=", "~=") for clause in requirement.specifier), (
            f"{requirement}: how old?"
        )
        if name not in ours:
            assert name in input_names("runtime"), f"add {name} to requirements/runtime.in"
            assert requirement.specifier.contains(pins("runtime")[name]), f"{requirement}: pinned elsewhere"


def test_the_sdk_needs_pydantic_and_an_http_parser_no_more() -> None:
    sdk = next(member for member in members() if member.name == "perdure")
    assert set(declared(sdk, with_extras=False)) == {"pydantic", "httptools"}


def test_nothing_is_installed_that_nobody_declares() -> None:
    wanted = {name for member in members() for name in declared(member, with_extras=True)}
    assert input_names("runtime") - wanted == set()


@each_lock
def test_every_requirement_is_exact_and_hashed(name: str) -> None:
    assert pins(name)
    unhashed = [
        entry.split()[0] for entry in entries(name) if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry)
    ]
    assert unhashed == []


@each_lock
def test_the_compiled_file_has_every_name_of_its_input(name: str) -> None:
    assert input_names(name) - set(pins(name)) == set(), "run make requirements"


def test_development_runs_on_the_versions_that_are_shipped() -> None:
    assert {name: pins("dev").get(name) for name in pins("runtime")} == pins("runtime")


def test_what_is_installed_fits_together() -> None:
    check = [sys.executable, "-m", "pip", "check", "--disable-pip-version-check"]
    result = subprocess.run(check, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
