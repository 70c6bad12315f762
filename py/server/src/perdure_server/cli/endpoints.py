"""``perdure endpoints``: register apps and read their jobs again."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from perdure_server.cli.api_client import ApiClient, segment
from perdure_server.cli.commands import with_api
from perdure_server.cli.failures import CommandFailed
from perdure_server.cli.listing import Item, Listing
from perdure_server.cli.options import AsJson
from perdure_server.cli.output import print_data, print_json, say

endpoints = typer.Typer(no_args_is_help=True, help="Register apps, list them, read their jobs again.")


@endpoints.command()
@with_api
def register(
    api: ApiClient,
    url: Annotated[
        str,
        typer.Argument(
            envvar="PERDURE_ENDPOINT_URL",
            help="Where the app serves Perdure: https://app.example.com/api/trigger.",
        ),
    ],
    endpoint_id: Annotated[
        str | None,
        typer.Option(
            "--id",
            envvar="PERDURE_ENDPOINT_ID",
            help="The app's id; without it the app is asked.",
            show_default=False,
        ),
    ] = None,
    timeout_ms: Annotated[
        int | None,
        typer.Option(
            envvar="PERDURE_ENDPOINT_TIMEOUT_MS",
            min=1000,
            help="How long one request to the app may take; without it as before, at first 60000.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Register an app, or its new URL, and read its jobs. Exit status 1 when they cannot be read."""
    endpoint = register_endpoint(api, endpoint_id, url, timeout_ms)
    if as_json:
        print_json(endpoint)
    else:
        print_data(f"{endpoint['slug']}  {endpoint['url']}")
    _report(endpoint["slug"], endpoint["endpointIndex"])


@endpoints.command("list")
@with_api
def list_endpoints(api: ApiClient, as_json: AsJson = False) -> None:
    """List the environment's apps."""
    found = api.get("/api/v1/endpoints")
    if as_json:
        print_json(found)
    else:
        _ENDPOINTS.show(found)


@endpoints.command()
@with_api
def index(
    api: ApiClient,
    slug: Annotated[str, typer.Argument(envvar="PERDURE_ENDPOINT_ID", help="The app's id.")],
    as_json: AsJson = False,
) -> None:
    """Read an app's jobs again, after a deployment. Exit status 1 when they cannot be read."""
    result = index_endpoint(api, slug)
    if as_json:
        print_json(result)
    _report(slug, result)


def _cells(endpoint: Item) -> tuple[object, ...]:
    last_index = endpoint.get("lastIndex") or {}
    return endpoint["slug"], endpoint["url"], endpoint.get("timeoutMs"), last_index.get("status")


_ENDPOINTS = Listing(
    ("id", "url", "timeout ms", "last index"),
    _cells,
    "No app is registered in this environment: perdure endpoints register URL",
)


def register_endpoint(
    api: ApiClient, slug: str | None, url: str, timeout_ms: int | None = None
) -> dict[str, Any]:
    """Register an app.

    Args:
        slug: None: the app is asked.
        timeout_ms: None: as before.
    Returns: the endpoint; ``endpointIndex`` is what came of reading its jobs.
    Raises:
        CommandFailed: it does not answer as it should; nothing was registered.
    """
    body = {"id": slug, "url": url, "timeoutMs": timeout_ms}
    given = {name: value for name, value in body.items() if value is not None}
    endpoint: dict[str, Any] = api.post("/api/v1/endpoints", given)
    result = api.get(f"/api/v1/endpointindex/{endpoint['endpointIndex']['id']}")
    return {**endpoint, "endpointIndex": {**endpoint["endpointIndex"], **result}}


def find_endpoint(api: ApiClient, slug: str) -> dict[str, Any]:
    """An app that is known to the environment."""
    endpoints: list[dict[str, Any]] = api.get("/api/v1/endpoints")
    return next(endpoint for endpoint in endpoints if endpoint["slug"] == slug)


def index_endpoint(api: ApiClient, slug: str) -> dict[str, Any]:
    """Read an app's jobs again; the result says in ``status`` whether that went well."""
    result: dict[str, Any] = api.post(f"/api/v1/endpoints/{segment(slug)}/index")
    return result


def describe_index(result: dict[str, Any]) -> str:
    """What came of reading an app's jobs, for people.

    Raises:
        CommandFailed: it failed; with the reason.
    """
    if result["status"] == "FAILURE":
        raise CommandFailed(f"its jobs could not be read: {(result.get('error') or {}).get('message')}")
    counts = [_count(name, count) for name, count in (result.get("stats") or {}).items() if count]
    return ", ".join(counts) or "no jobs"


def _count(name: str, count: int) -> str:
    """``sources``, 1: ``1 source``; ``dynamicTriggers``, 2: ``2 dynamic triggers``."""
    words = re.sub("([A-Z])", lambda capital: f" {capital[0].lower()}", name)
    return f"{count} {words.removesuffix('s') if count == 1 else words}"


def _report(slug: str, result: dict[str, Any]) -> None:
    say(f"{slug}: {describe_index(result)}")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.add_typer(endpoints, name="endpoints")
