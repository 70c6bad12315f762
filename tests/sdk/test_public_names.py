"""What `import perdure` offers, and what it costs."""

import ast
import subprocess
import sys
from pathlib import Path

import perdure


def test_all_lists_exactly_what_is_imported() -> None:
    tree = ast.parse(Path(perdure.__file__).read_text())
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }
    assert sorted(perdure.__all__) == sorted(imported)


def test_every_public_name_has_a_docstring() -> None:
    for name in perdure.__all__:
        assert name == "__version__" or getattr(perdure, name).__doc__, name


def test_importing_loads_no_other_http_client_and_no_web_framework() -> None:
    code = "import sys, perdure; print(*sorted(sys.modules))"
    loaded = set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )
    assert not loaded & {"httpx", "aiohttp", "pyreqwest", "starlette", "uvicorn", "psycopg", "perdure_engine"}
