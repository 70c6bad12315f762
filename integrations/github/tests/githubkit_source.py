"""Reads githubkit's generated models from their source: to build all of them would take 20 s."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@dataclass
class GeneratedModel:
    """A class of githubkit's: its fields, whether each is required, and the values of ``action``."""

    required: dict[str, bool] = field(default_factory=dict)
    actions: set[str] = field(default_factory=set)


def event_names() -> set[str]:
    """Every webhook event that githubkit knows."""
    return {path.stem for path in (_package() / "webhooks").glob("[a-z]*.py")}


def actions(event: str) -> set[str]:
    """Every action of an event."""
    types = _assigned(_parse(_package() / "webhooks" / f"{event}.py"), "action_types")
    if isinstance(types, ast.Dict):
        return {ast.literal_eval(key) for key in types.keys if key is not None}
    return {action for model in models_of(event) for action in model.actions}


def models_of(event: str) -> list[GeneratedModel]:
    """The models of an event: one, or one for each of its actions."""
    types = _assigned(_parse(_package() / "webhooks" / f"{event}.py"), "action_types")
    return [model for name in _names(types) for model in _resolve(name)]


def model(name: str) -> GeneratedModel:
    """One model by its class name."""
    (found,) = _resolve(name)
    return found


def _resolve(name: str) -> Iterator[GeneratedModel]:
    """A class, or the classes of a union."""
    tree = _parse(_package() / "models" / f"{_groups()[name]}.py")
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            yield _read(node)
            return
    for part in _names(_assigned(tree, name)):
        if part in _groups():
            yield from _resolve(part)


def _read(node: ast.ClassDef) -> GeneratedModel:
    found = GeneratedModel()
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            options = _keywords(statement.value)
            name = ast.literal_eval(options["alias"]) if "alias" in options else statement.target.id
            found.required[name] = "default" not in options and "default_factory" not in options
            if name == "action":
                parts = ast.walk(statement.annotation)
                literals = [part.value for part in parts if isinstance(part, ast.Constant)]
                found.actions |= {value for value in literals if isinstance(value, str)}
    return found


def _keywords(call: ast.expr | None) -> dict[str | None, ast.expr]:
    return {keyword.arg: keyword.value for keyword in call.keywords} if isinstance(call, ast.Call) else {}


def _names(node: ast.expr) -> list[str]:
    """The models that an expression names."""
    return [part.id for part in ast.walk(node) if isinstance(part, ast.Name) and part.id in _groups()]


def _assigned(tree: ast.Module, name: str) -> ast.expr:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if value is not None and any(
            isinstance(target, ast.Name) and target.id == name for target in targets
        ):
            assert isinstance(value, ast.expr)
            return value
    raise LookupError(f"githubkit assigns no {name}")


@cache
def _groups() -> dict[str, str]:
    """The module of every model."""
    tree = _parse(_package() / "models" / "__init__.py")
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 1]
    return {alias.name: node.module or "" for node in imports for alias in node.names}


@cache
def _package() -> Path:
    spec = find_spec("githubkit_schemas")
    assert spec is not None
    roots = [Path(root) for root in spec.submodule_search_locations or []]
    (versioned,) = [path for root in roots for path in root.glob("v*_*_*")]
    return versioned


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text())
