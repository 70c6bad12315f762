"""``perdure init``: which app it writes where, what it leaves alone, and that what it writes works."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from perdure import Perdure
from perdure.testing import SyncPlatform
from perdure_server.cli import command

from .conftest import Command

STARTERS = ("fastapi", "flask", "plain", "starlette", "sync")


@pytest.mark.parametrize("starter", STARTERS)
def test_what_is_written_works(perdure_platform_sync: SyncPlatform, starter: str) -> None:
    module = import_module(f"perdure_server.cli.starters.{starter}")
    (app,) = (value for value in vars(module).values() if isinstance(value, Perdure))
    perdure_platform_sync.attach(app)
    run = perdure_platform_sync.start(module.welcome, module.SignedUp(email="ada@example.com"))
    assert run.status == "WAITING_TO_CONTINUE"
    run.advance(seconds=5)
    assert run.output == "'Three tips' sent"
    assert [task.key for task in run.tasks if task.name != "log"] == [
        "first mail",
        "let some time pass",
        "second mail",
    ]


def test_it_is_clean_to_a_linter_that_knows_nothing_of_this_repository(perdure: Command) -> None:
    folder = Path(command.__file__).with_name("starters")
    assert {path.stem for path in folder.glob("*.py")} == {*STARTERS}
    for what in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *what, "--isolated", "--no-cache", str(folder)]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_an_empty_folder_gets_an_app_of_its_name(perdure: Command) -> None:
    result = perdure.ok("init", "My Shop")
    assert result.lines() == ["My Shop/app.py"]
    assert 'app = Perdure("my-shop")' in Path("My Shop/app.py").read_text()
    words = [line.strip() for line in result.words.splitlines()]
    assert words[words.index("cd 'My Shop'") + 1] == "perdure dev app:app"
    assert """perdure trigger user.signed-up --payload '{"email": "ada@example.com"}'""" in words
    assert perdure.ok("init", "--json").json == {"framework": None, "files": ["app.py"], "target": "app:app"}


@pytest.mark.parametrize(
    ("file", "text", "framework"),
    [
        ("requirements.txt", "# web\nfastapi[standard]>=0.110 # the newest\n", "fastapi"),
        ("requirements/base.txt", "flask==3.1.3 \\\n    --hash=sha256:00\n", "flask"),
        ("pyproject.toml", '[project]\nname = "x"\ndependencies = ["starlette~=1.0"]\n', "starlette"),
        ("pyproject.toml", '[dependency-groups]\ndev = ["fastapi", {include-group = "x"}]\n', "fastapi"),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.11"\nFlask = "^3"\n', "flask"),
        ("src/shop/routes.py", "from starlette.routing import Route\n", "starlette"),
        (".venv/lib/other.py", "import flask\n", None),
        ("pyproject.toml", "[half of a table", None),
    ],
)
def test_the_framework_is_found(perdure: Command, file: str, text: str, framework: str | None) -> None:
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    result = perdure.ok("init", "--json").json
    assert result == {"framework": framework, "files": ["app.py"], "target": "app:app"}
    source = Path("app.py").read_text()
    assert framework is None or f"from {framework}" in source


@pytest.mark.parametrize(
    ("file", "text", "mount", "target"),
    [
        (
            "main.py",
            "from fastapi import FastAPI\n\napi = FastAPI()\n",
            'api.mount("/api/perdure", perdure.asgi())',
            "main:api",
        ),
        (
            "src/shop/__init__.py",
            "import starlette.applications as web\n\napp: Any = web.Starlette(routes=[])\n",
            'app.mount("/api/perdure", perdure.asgi())',
            "shop:app",
        ),
        (
            "app.py",
            "import flask\n\nserver = flask.Flask(__name__)\n",
            'server.wsgi_app = DispatcherMiddleware(server.wsgi_app, {"/api/perdure": perdure.wsgi()})',
            None,
        ),
        (
            "manage.py",
            'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site.settings")\n',
            'urlpatterns += [path("api/perdure", perdure.django_view())]',
            "site.asgi:application",
        ),
    ],
)
def test_beside_an_app_it_writes_the_job_and_says_how_to_mount_it(
    perdure: Command, file: str, text: str, mount: str, target: str | None
) -> None:
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    result = perdure.ok("init")
    assert result.lines() == ["jobs.py"]
    assert path.read_text() == text
    words = [line.strip() for line in result.words.splitlines()]
    assert {"perdure dev jobs:app", "from jobs import app as perdure", mount} <= set(words)
    assert (f"and run `perdure dev {target}` instead." in words) is (target is not None)


def test_nothing_is_overwritten_unasked(perdure: Command) -> None:
    perdure.ok("init")
    before = Path("app.py").read_text()
    assert "perdure dev app:app" in perdure.refused("init")
    assert "--force" in perdure.refused("init", "--module", "app")
    assert list(Path().iterdir()) == [Path("app.py")]
    assert perdure.ok("init", "--module", "more").lines() == ["more.py"]
    Path("app.py").write_text("changed")
    perdure.ok("init", "--module", "app", "--force")
    assert Path("app.py").read_text() == before


def test_what_cannot_be_is_refused(perdure: Command) -> None:
    Path("requirements.txt").write_text("Django>=5\n")
    words = perdure.refused("init")
    assert "no manage.py" in words
    assert "--framework none" in words
    assert perdure.ok("init", "--framework", "none").lines() == ["app.py"]
    assert "is a file" in perdure.refused("init", "requirements.txt")
    for name in ("os", "perdure", "a-b"):
        assert perdure("init", "elsewhere", "--module", name).status == 2
    assert not Path("elsewhere").exists()
