"""What commands of one kind have in common: the API that they call, or the environment that they work in."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from perdure_engine import environments
from perdure_engine.errors import NotFound
from perdure_engine.pool import Connection
from perdure_server.cli.api_client import ApiClient, connect
from perdure_server.cli.database import OWNER, database_of, run_in_database
from perdure_server.cli.failures import CommandFailed
from perdure_server.cli.options import (
    DEFAULT_DATA_DIR,
    DEFAULT_PROJECT,
    ApiKey,
    ApiUrl,
    DataDir,
    EnvironmentSlug,
    OptionalDatabaseUrl,
    ProjectSlug,
)
from perdure_server.cli.views import Views

_ENVIRONMENT = "select id from perdure_views.environments where project = %s and slug = %s"

P = ParamSpec("P")
Value = TypeVar("Value")

_OF_THE_API: Mapping[str, tuple[Any, Any]] = {
    "api_url": (ApiUrl, None),
    "api_key": (ApiKey, None),
    "data_dir": (DataDir, DEFAULT_DATA_DIR),
}
_OF_A_PLACE: Mapping[str, tuple[Any, Any]] = {
    "project": (ProjectSlug, DEFAULT_PROJECT),
    "environment": (EnvironmentSlug, "dev"),
    "database_url": (OptionalDatabaseUrl, None),
    "data_dir": (DataDir, DEFAULT_DATA_DIR),
}


@dataclass(frozen=True, slots=True)
class Place:
    """An environment in a database, where an administrator works.

    Args:
        url: of the database.
        project: slug of the environment's project.
        environment: its own slug.
    """

    url: str
    project: str
    environment: str

    def __str__(self) -> str:
        return f"{self.project}/{self.environment}"

    def run(self, work: Callable[[Connection, str], Awaitable[Value]], *, see: str) -> Value:
        """Do some work as an administrator; it gets the environment's id.

        Args:
            work: what is done.
            see: the command that lists what there is, for who named what there is not.

        Raises:
            CommandFailed: there is no such environment, or nothing of that name in it.
            PerdureError: the database cannot be reached, or refuses it.
        """

        async def find_and_work(conn: Connection) -> Value:
            try:
                environment_id = await environments.get_environment(conn, self.project, self.environment)
            except NotFound as error:
                raise self._is_unknown() from error
            try:
                return await work(conn, environment_id)
            except NotFound as error:
                raise CommandFailed(f"{error.message}. To see what there is: {see}") from error

        return run_in_database(self.url, OWNER, find_and_work)

    def read(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        """The rows of a query of the views, whose first parameter is the environment's id.

        Raises:
            CommandFailed: there is no such environment.
            DatabaseUnavailable: the database cannot be reached.
            psycopg.Error: the login may not read the views.
        """
        with Views(self.url) as views:
            found = views.rows(_ENVIRONMENT, self.project, self.environment)
            if not found:
                raise self._is_unknown()
            return views.rows(query, found[0]["id"], *parameters)

    def _is_unknown(self) -> CommandFailed:
        return CommandFailed(
            f"there is no environment {self.environment!r} in a project {self.project!r}.\n"
            "Give a project that exists (--project) and dev, stg, prod or prev (--environment); "
            "`perdure keys create --organization NAME` makes a project."
        )


def with_api(command: Callable[Concatenate[ApiClient, P], None]) -> Callable[..., None]:
    """A command whose first parameter is the API: it has the options that say which, and with which key."""

    def call(api_url: str | None, api_key: str | None, data_dir: Path, **given: Any) -> None:
        with connect(api_url, api_key, data_dir) as api:
            command(api, **given)  # type: ignore[call-arg]  # what typer has read by the signature below

    return _with_options(command, call, _OF_THE_API)


def with_place(command: Callable[Concatenate[Place, P], None]) -> Callable[..., None]:
    """A command whose first parameter is a Place: it has the options that say which."""

    def call(project: str, environment: str, database_url: str | None, data_dir: Path, **given: Any) -> None:
        place = Place(database_of(database_url, data_dir), project, environment)
        command(place, **given)  # type: ignore[call-arg]  # likewise

    return _with_options(command, call, _OF_A_PLACE)


def _with_options(
    command: Callable[..., None], call: Callable[..., None], options: Mapping[str, tuple[Any, Any]]
) -> Callable[..., None]:
    """Let ``call`` look to typer as ``command`` does, its first parameter replaced by options."""
    _, *own = inspect.signature(command, eval_str=True).parameters.values()
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in options.items()
    ]
    parameters = [*(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own), *more]
    call.__name__, call.__doc__ = command.__name__, command.__doc__
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {one.name: one.annotation for one in parameters}
    return call
