"""``perdure init``: write a first job for the framework that a folder has."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from perdure_server.cli.api_client import DEFAULT_URL
from perdure_server.cli.failures import CommandFailed
from perdure_server.cli.frameworks import FRAMEWORKS, App, Framework, find_app, find_framework, find_made
from perdure_server.cli.options import DEFAULT_DATA_DIR, AsJson
from perdure_server.cli.output import print_data, print_json, say

_APP_ID = "my-app"  # in the starters
EVENT = 'perdure trigger user.signed-up --payload \'{"email": "ada@example.com"}\''


@dataclass(frozen=True, slots=True)
class Plan:
    """What is written, and how it is run.

    Args:
        starter: the module of ``starters``.
        module: the one to write.
        app: the name in it that ``perdure dev`` is given.
        web: where the jobs can be mounted; None: nowhere, or they are mounted already.
    """

    framework: Framework | None
    starter: str
    module: str
    app: str
    web: App | None

    @property
    def target(self) -> str:
        """What ``perdure dev`` is given."""
        return f"{self.module}:{self.app}"


def init(
    folder: Annotated[
        Path, typer.Argument(envvar="PERDURE_FOLDER", help="Where to write; made if it is not there.")
    ] = Path(),
    framework: Annotated[
        Literal["auto", "fastapi", "starlette", "flask", "django", "none"],
        typer.Option(
            envvar="PERDURE_FRAMEWORK",
            help="The web framework; auto looks at manage.py, at what the code imports, at the requirements.",
        ),
    ] = "auto",
    module: Annotated[
        str | None,
        typer.Option(
            envvar="PERDURE_MODULE",
            help="The module to write; without it app, and jobs beside an app that is there.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", envvar="PERDURE_FORCE", help="Overwrite a file that is there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a small app with a first job.

    `perdure dev` runs it. Nothing that is there is changed: to an app of FastAPI, Starlette, Flask or Django
    it adds a module with the job, and says how to mount it.
    """
    if folder.exists() and not folder.is_dir():
        raise CommandFailed(f"{folder} is a file: give the folder of your app, or a new one.")
    found = FRAMEWORKS.get(framework) if framework != "auto" else find_framework(folder)
    if module is None and not force and (app := find_made(folder, "Perdure")):
        raise CommandFailed(
            f"{folder / app.file} has a Perdure app already: run it with `perdure dev {app.target}`, or have "
            "another one written (--module NAME)."
        )
    plan = _plan(folder, found, module)
    path = folder / f"{plan.module}.py"
    _write(path, _starter(plan.starter, folder), force=force)
    if as_json:
        print_json({"framework": found and found.module, "files": [str(path)], "target": plan.target})
    else:
        print_data(str(path))
    for line in _words(plan, folder):
        say(line)


def _plan(folder: Path, framework: Framework | None, module: str | None) -> Plan:
    if framework is None:
        module = _module(folder, module, ("app", "jobs"))
        return Plan(None, "plain", module, "app", None)
    if framework.module == "django" and not (folder / "manage.py").is_file():
        raise CommandFailed(
            f"{_where(folder)} asks for Django, but has no manage.py: give the folder that has it, make a "
            "project with `django-admin startproject`, or write a job without it: --framework none"
        )
    web = find_app(folder, framework)
    if web is None and (module or _is_free(folder, "app")):
        return Plan(framework, framework.module, _module(folder, module, ("app",)), "app", None)
    return Plan(framework, framework.jobs, _module(folder, module, ("jobs", "perdure_jobs")), "app", web)


def _module(folder: Path, wanted: str | None, candidates: tuple[str, ...]) -> str:
    """The module to write: the wanted one, else the first that is free, else the last, which is refused."""
    if wanted is None:
        return next((name for name in candidates if _is_free(folder, name)), candidates[-1])
    if not wanted.isidentifier() or wanted in sys.stdlib_module_names or wanted in (*FRAMEWORKS, "perdure"):
        raise typer.BadParameter(
            f"{wanted!r} is no name for a module of yours: give one such as jobs", param_hint="--module"
        )
    return wanted


def _is_free(folder: Path, module: str) -> bool:
    return not (folder / f"{module}.py").exists() and not (folder / module).is_dir()


def _starter(name: str, folder: Path) -> str:
    source = resources.files("perdure_server.cli").joinpath("starters", f"{name}.py").read_text("utf-8")
    return source.replace(f'"{_APP_ID}"', f'"{_app_id(folder)}"')


def _app_id(folder: Path) -> str:
    """The folder's name as far as it can be an app's id."""
    return re.sub("[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")[:100] or _APP_ID


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise CommandFailed(
            f"{path} is there already, and was left as it is: give another name (--module), or overwrite it "
            "(--force)."
        ) from None
    except OSError as error:
        raise CommandFailed(f"cannot write {path}: {error.strerror}.") from error


def _words(plan: Plan, folder: Path) -> list[str]:
    """What to do next."""
    framework = plan.framework
    is_whole = framework is not None and plan.starter == framework.module
    what = f"a {framework.name} app with a job" if framework and is_whole else "a job"
    lines = [f"That is {what}. Run it, with a Postgres of its own:", ""]
    if folder.resolve() != Path.cwd():
        lines += [f"  cd {shlex.quote(str(folder))}"]
    lines += [f"  perdure dev {plan.target}", "", "and in a second terminal start it by an event:", ""]
    lines += [f"  {EVENT}"]
    if framework is None:
        return lines
    if plan.web is not None:
        lines += _mounting(framework, plan.module, plan.web)
    if is_whole and not framework.is_asgi:
        lines += ["", "Flask itself serves its requests:", "", *_own_server(f"{plan.module}:web")]
    if find_spec(framework.module) is None:
        lines += ["", f"{framework.name} is not installed here: pip install {framework.module}"]
    return lines


def _mounting(framework: Framework, module: str, web: App) -> list[str]:
    """How an app that is there serves the jobs."""
    app = web.target.rpartition(":")[2]
    lines = ["", f"To have your {framework.name} app serve it, add to {web.file}:", ""]
    lines += [f"  from {module} import app as perdure"]
    lines += [f"  {line.format(app=app)}" for line in framework.mount]
    if framework.is_asgi:
        lines += ["", f"and run `perdure dev {web.target}` instead."]
    return lines


def _own_server(target: str) -> list[str]:
    return [
        f"  export PERDURE_API_URL={DEFAULT_URL}",
        f'  export PERDURE_API_KEY="$(cat {DEFAULT_DATA_DIR / "dev.key"})"',
        f"  flask --app {target} run",
    ]


def _where(folder: Path) -> str:
    return "this folder" if folder.resolve() == Path.cwd() else str(folder)


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(init)
