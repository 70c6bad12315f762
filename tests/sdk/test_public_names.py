"""What `import perdure` offers, and what it costs."""

import subprocess
import sys

import perdure


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
