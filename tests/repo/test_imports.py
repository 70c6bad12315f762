"""Who may import whom: the contracts in pyproject.toml, and two that import-linter cannot express."""

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from tests.repo.tree import ROOT, members


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*(member.package for member in members()), cache_dir=None)


def test_the_import_linter_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_package_is_under_the_contracts() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    roots = text.split("root_packages = [")[1].split("]")[0]
    assert {member.package for member in members()} == {line.strip(' ",') for line in roots.split()}


def test_the_wire_imports_nothing_else_of_ours(graph: grimp.ImportGraph) -> None:
    ours = {member.package for member in members()}
    bad = {
        f"{module} -> {imported}"
        for module in wire_modules(graph)
        for imported in graph.find_modules_directly_imported_by(module)
        if imported.split(".")[0] in ours and not is_wire(imported)
    }
    assert wire_modules(graph)
    assert bad == set()


@pytest.mark.parametrize("package", ["perdure_dispatcher", "perdure_server"])
def test_the_platform_takes_only_the_wire_from_the_sdk(graph: grimp.ImportGraph, package: str) -> None:
    bad = {
        f"{module} -> {imported}"
        for module in {package, *graph.find_descendants(package)}
        for imported in graph.find_modules_directly_imported_by(module)
        if imported.split(".")[0] == "perdure" and not is_wire(imported)
    }
    assert bad == set()


def wire_modules(graph: grimp.ImportGraph) -> set[str]:
    return {module for module in graph.modules if is_wire(module)}


def is_wire(module: str) -> bool:
    return module == "perdure.wire" or module.startswith("perdure.wire.")
