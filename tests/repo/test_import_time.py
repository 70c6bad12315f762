"""What ``import perdure`` costs: an app that only sends events pays it as well, and every cold start does."""

import os
import subprocess
import sys

import pytest

NEEDED = "import asyncio, httptools, pydantic, ssl; pydantic.BaseModel, pydantic.TypeAdapter"
"""What the SDK stands on."""
APP = "from perdure import IO, Context, Perdure, event_trigger; Perdure('shop').asgi()"
"""The first lines of an app."""
LIMIT_S = 0.150
ROUNDS = 4


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Lets Python keep its bytecode, as it does where it is installed."""
    rest = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**rest, "PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("bytecode"))}


def test_importing_takes_little_more_than_importing_what_it_stands_on(environment: dict[str, str]) -> None:
    """Least CPU time of several, in turn, since other programs run too. A slower machine gets more of it."""
    without, extra = [], []
    for _ in range(1 + ROUNDS):
        without.append(cpu_s(NEEDED, environment))
        extra.append(cpu_s(f"{NEEDED}; {APP}", environment))
    least = min(without[1:])  # the first ones compiled
    assert min(extra[1:]) - least < max(LIMIT_S, least)


def test_importing_loads_what_an_app_needs_at_once_and_no_more(environment: dict[str, str]) -> None:
    loaded = set(run(f"{APP}; import sys; print(*sys.modules)", environment).split())
    assert {"perdure.app", "perdure.io.async_io"} <= loaded
    late = {"perdure.execution", "perdure.wire.manifest", "perdure.wire.replies", "perdure.wire.sources"}
    never = {
        "django",
        "httpx",
        "perdure_engine",
        "perdure_server",
        "psycopg",
        "sqlalchemy",
        "starlette",
        "websockets",
    }
    slow = {"email", "importlib.metadata"}
    assert not loaded & (late | never | slow)


def cpu_s(code: str, environment: dict[str, str]) -> float:
    return float(run(f"{code}; import time; print(time.process_time())", environment))


def run(code: str, environment: dict[str, str]) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return result.stdout
