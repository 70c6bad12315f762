"""Running a page: its Python in one namespace, its SQL in one database, its commands in one folder."""

from __future__ import annotations

import ast
import inspect
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
from psycopg.rows import dict_row

from perdure import Perdure
from perdure.testing import Platform
from perdure_engine.embedded.binaries import bundled_bin_dir
from tests.docs.console import check_commands, commands, run_commands
from tests.docs.pages import Block, Page

_CALLED = "__called__"


class PageRun:
    """One page under way.

    Args:
        page: the page.
        folder: its own, and the working directory.
        new_platform: makes the platform of the page when it is needed first.
    """

    def __init__(self, page: Page, folder: Path, new_platform: Callable[[], Platform]) -> None:
        self._page = page
        self._folder = folder
        self._new_platform = new_platform
        self._platform: Platform | None = None
        self._module = ModuleType(f"page_{page.path.stem.replace('-', '_')}")
        self._modules = {self._module.__name__: self._module}
        self._functions: dict[str, int] = {}
        self._called: set[str] = set()

    async def run(self) -> None:
        """Run or check every block, in order.

        Raises:
            AssertionError: a block does not do what it should, or a function that it shows was never called.
        """
        sys.modules[self._module.__name__] = self._module
        self._module.__dict__.update(
            {_CALLED: self._called.add, "folder": self._folder, "sql": self._rows, "psql": self._psql}
        )
        try:
            for block in self._page.blocks:
                if block.reason is None:
                    await self._run_block(block)
        finally:
            for name in self._modules:
                sys.modules.pop(name, None)
            self._clean_database()
        never = sorted(set(self._functions) - self._called, key=self._functions.__getitem__)
        assert not never, f"{self._page.name} shows functions that are never called: {', '.join(never)}"

    @property
    def platform(self) -> Platform:
        """The platform of the page."""
        if self._platform is None:
            self._platform = self._new_platform()
            os.environ["PERDURE_API_URL"] = self._platform.api_url
            os.environ["PERDURE_API_KEY"] = self._platform.api_key
            self._module.__dict__["platform"] = self._platform
        return self._platform

    async def _run_block(self, block: Block) -> None:
        where = self._page.where(block)
        match block.language:
            case "python":
                await self._run_python(block)
            case "sql":
                self._psql(block.code, where=where)
            case "console" if block.runs:
                run_commands(where, block.code, self._folder)
            case "console" | "sh":
                check_commands(where, commands(where, block.code))
            case "json":
                json.loads(block.code)
            case "jsonl":
                assert all(isinstance(json.loads(line), dict) for line in block.code.splitlines()), where
            case "toml":
                tomllib.loads(block.code)
            case "text":
                pass
            case language:
                raise AssertionError(f"{where}: nobody tests blocks of {language!r}")

    # Python

    async def _run_python(self, block: Block) -> None:
        module = self._module
        if name := block.file_name:
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code, "utf-8")
            if path.name.startswith(("test_", "conftest")):
                return
            module = ModuleType(name.removesuffix(".py").replace("/", "."))
            module.__dict__[_CALLED] = self._called.add
            module.__file__ = str(path)
            sys.modules[module.__name__] = self._modules[module.__name__] = module
        if block.hidden:
            await self._attach_apps()
        tree = ast.parse(block.code, str(self._page.path))
        ast.increment_lineno(tree, block.line - 1)
        if not block.hidden:
            tree = _Counted(self._functions).visit(tree)
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile(tree, str(self._page.path), "exec", flags=flags, dont_inherit=True)
        names = module.__dict__
        result = eval(code, names)  # noqa: S307 - the repository's own pages
        if inspect.iscoroutine(result):
            await result
        if module is not self._module:
            self._module.__dict__.update(
                {name: value for name, value in names.items() if not name.startswith("__")}
            )

    async def _attach_apps(self) -> None:
        platform = self.platform
        for value in list(self._module.__dict__.values()):
            if isinstance(value, Perdure):
                await platform.attach(value)

    # SQL

    def _psql(self, script: str, *, where: str = "psql") -> list[str]:
        """Run a script with psql, as the owner of the database; the lines that it printed."""
        command = [bundled_bin_dir() / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        done = subprocess.run(
            [*command, self.platform.database_url],
            input=script,
            env={**os.environ, "PGCONNECT_TIMEOUT": "10"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{where}: {done.stderr}"
        return done.stdout.splitlines()

    def _rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        """Read the database of the page, as its owner."""
        with psycopg.connect(self.platform.database_url, autocommit=True, row_factory=dict_row) as conn:
            return conn.execute(query.encode(), parameters or None).fetchall()

    def _clean_database(self) -> None:
        """Take away what the page made beside Perdure: the next one gets the same database."""
        if self._platform is not None:
            with psycopg.connect(self._platform.database_url, autocommit=True) as conn:
                conn.execute("drop schema public cascade")
                conn.execute("create schema public authorization pg_database_owner")
                conn.execute("grant usage on schema public to public")


class _Counted(ast.NodeTransformer):
    """Has every function of a page say that it was called.

    Args:
        functions: gets the name and the line of each.
    """

    def __init__(self, functions: dict[str, int]) -> None:
        self._functions = functions
        self._outer: list[str] = []

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Look into it."""
        return self._within(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Count it."""
        return self._count(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        """Count it."""
        return self._count(node)

    def _count(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self._within(node)
        name = ".".join([*self._outer, node.name])
        start = 1 if ast.get_docstring(node) is not None else 0
        if _is_stub(node.body[start:]):
            return node
        self._functions[name] = node.lineno
        call = ast.parse(f"{_CALLED}({name!r})").body[0]
        for part in ast.walk(call):
            ast.copy_location(part, node.body[-1])
        node.body.insert(start, call)
        return node

    def _within(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self._outer.append(node.name)
        self.generic_visit(node)
        self._outer.pop()
        return node


def _is_stub(body: list[ast.stmt]) -> bool:
    return all(isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) for one in body)
