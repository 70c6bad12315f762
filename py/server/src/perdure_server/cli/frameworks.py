"""The web framework of a folder with Python code, found by what its files import and ask for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DEPTH = 3  # folders below which nobody keeps the module that makes the app
_MOST_FILES = 500
_PASSED_OVER = frozenset({"node_modules", "venv", "env", "build", "dist", "tests"})


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework that jobs can live in.

    Args:
        name: for people; in lower case the module, the distribution, and the starter that is a whole app.
        jobs: the starter that has jobs only, to be mounted.
        app: the name of its class that an app is.
        mount: the lines that mount ``perdure`` in an ``{app}`` that is there.
        is_asgi: ``perdure dev`` can serve it.
    """

    name: str
    jobs: str
    app: str
    mount: tuple[str, ...]
    is_asgi: bool

    @property
    def module(self) -> str:
        """What is imported."""
        return self.name.lower()


_ASGI_MOUNT = ('{app}.mount("/api/perdure", perdure.asgi())',)
FRAMEWORKS = {
    framework.module: framework
    for framework in (  # an app of an earlier one may import a later one, too
        Framework("FastAPI", "plain", "FastAPI", _ASGI_MOUNT, is_asgi=True),
        Framework(
            "Django",
            "sync",
            "",  # made by django-admin, not by a call
            ('urlpatterns += [path("api/perdure", perdure.django_view())]',),
            is_asgi=True,
        ),
        Framework(
            "Flask",
            "sync",
            "Flask",
            (
                "from werkzeug.middleware.dispatcher import DispatcherMiddleware",
                '{app}.wsgi_app = DispatcherMiddleware({app}.wsgi_app, {{"/api/perdure": perdure.wsgi()}})',
            ),
            is_asgi=False,
        ),
        Framework("Starlette", "plain", "Starlette", _ASGI_MOUNT, is_asgi=True),
    )
}


@dataclass(frozen=True, slots=True)
class App:
    """An app that a folder has.

    Args:
        file: the module that makes it; of Django the one with the URLs.
        target: how ``perdure dev`` is told of it, ``MODULE:APP``.
    """

    file: Path
    target: str


def find_framework(folder: Path) -> Framework | None:
    """The framework of a folder; None: none is seen."""
    if (folder / "manage.py").is_file():
        return FRAMEWORKS["django"]
    imports = re.compile(rf"^\s*(?:from|import)\s+({'|'.join(FRAMEWORKS)})\b", re.MULTILINE)
    seen = {found[1] for path in _modules(folder) for found in imports.finditer(_text(path))}
    seen = seen or {name.lower() for name in _requirements(folder)}
    return next((framework for module, framework in FRAMEWORKS.items() if module in seen), None)


def find_app(folder: Path, framework: Framework) -> App | None:
    """The app that a folder has; None: there is none, or it is made in a way that is not recognised."""
    if framework.module == "django":
        settings = re.search(r"DJANGO_SETTINGS_MODULE\W+([\w.]+)\.settings", _text(folder / "manage.py"))
        package = settings[1] if settings else folder.name
        return App(Path(package.replace(".", "/")) / "urls.py", f"{package}.asgi:application")
    return find_made(folder, framework.app)


def find_made(folder: Path, class_name: str) -> App | None:
    """Where a module of a folder has an instance of a class, ``app = FastAPI(...)``; None: nowhere."""
    made = re.compile(rf"^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?{class_name}\(", re.MULTILINE)
    for path in _modules(folder):
        if found := made.search(_text(path)):
            file = path.relative_to(folder)
            parts = file.with_suffix("").parts[1 if file.parts[0] == "src" else 0 :]
            return App(file, f"{'.'.join(parts).removesuffix('.__init__')}:{found[1]}")
    return None


def _modules(folder: Path) -> Iterator[Path]:
    """Modules of a folder, those at its top first; some hundred at most."""
    count = 0
    level = [folder]
    for _ in range(_DEPTH):
        below = []
        for path in sorted(entry for parent in level for entry in _entries(parent)):
            if path.is_dir():
                below.append(path)
            elif path.suffix == ".py" and count < _MOST_FILES:
                count += 1
                yield path
        level = below


def _entries(folder: Path) -> Iterator[Path]:
    try:
        for path in folder.iterdir():
            if path.stem.isidentifier() and path.name not in _PASSED_OVER:  # what can be imported
                yield path
    except OSError:
        return  # a folder that may not be read is not the app's


def _requirements(folder: Path) -> Iterator[str]:
    """The distributions that a folder's files ask for."""
    for path in sorted(folder.glob("requirements*")):
        files = sorted(path.glob("*.txt")) if path.is_dir() else [path]
        for file in files:
            yield from map(_name, _text(file).splitlines())
    try:
        project = tomllib.loads(_text(folder / "pyproject.toml"))
    except tomllib.TOMLDecodeError:
        return
    yield from _project_requirements(project)


def _project_requirements(project: dict[str, Any]) -> Iterator[str]:
    table = project.get("project", {})
    lists = [table.get("dependencies", []), *table.get("optional-dependencies", {}).values()]
    lists += project.get("dependency-groups", {}).values()
    for entry in (entry for entries in lists for entry in entries if isinstance(entry, str)):
        yield _name(entry)
    yield from project.get("tool", {}).get("poetry", {}).get("dependencies", {})


def _name(requirement: str) -> str:
    found = re.match(r"\s*([A-Za-z0-9][\w.-]*)", requirement)
    return found[1] if found else ""


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
