"""Loads the cases: as they are written, in async jobs, and once more in plain ones.

A plain twin is made of the module's source: ``async`` and ``await`` are dropped, ``IO`` becomes ``SyncIO``.
So both flavours do the same, line by line. What cannot be said in both says so by ``only=``.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import ModuleType

from .define import Case, Flavour, collection

CASES = Path(__file__).with_name("cases")
FLAVOURS: tuple[Flavour, ...] = ("async", "sync")


def load_cases() -> list[Case]:
    """Every case of every module in ``cases/``, in both flavours."""
    collection.cases.clear()
    for path in sorted(CASES.glob("*.py")):
        for flavour in FLAVOURS:
            collection.flavour = flavour
            _run_module(path, flavour)
    return list(collection.cases)


def _run_module(path: Path, flavour: Flavour) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    if flavour == "sync":
        tree = ast.fix_missing_locations(_Plain().visit(tree))
    module = ModuleType(f"{__package__}.cases.{path.stem}_{flavour}")
    module.__file__ = str(path)
    module.__package__ = f"{__package__}.cases"
    sys.modules[module.__name__] = module  # where annotations are looked up
    exec(compile(tree, str(path), "exec"), module.__dict__)  # noqa: S102 - our own source


class _Plain(ast.NodeTransformer):
    """Drops what makes code async."""

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        self.generic_visit(node)
        return ast.FunctionDef(**{name: getattr(node, name) for name in node._fields if hasattr(node, name)})

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        self.generic_visit(node)
        return ast.With(**{name: getattr(node, name) for name in node._fields if hasattr(node, name)})

    def visit_Await(self, node: ast.Await) -> ast.AST:
        self.generic_visit(node)
        return node.value

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        twins = {"perdure": ("IO", "SyncIO"), "pauses": ("pause", "pause_thread")}
        name, twin = twins.get((node.module or "").rpartition(".")[2], ("", ""))
        for alias in node.names:
            if alias.name == name:
                alias.name, alias.asname = twin, name
        return node
