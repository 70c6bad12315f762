"""``perdure keys``: list, make, rotate and revoke API keys; for administrators, in the database."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer

from perdure_engine import environments
from perdure_engine.pool import Connection
from perdure_server.cli.commands import Place, with_place
from perdure_server.cli.database import OWNER, run_in_database
from perdure_server.cli.failures import CommandFailed
from perdure_server.cli.listing import Item, Listing
from perdure_server.cli.options import AsJson
from perdure_server.cli.output import duration, print_data, print_json, say, short_time

_SEE = "perdure keys list"
keys = typer.Typer(no_args_is_help=True, help="List, make, rotate and revoke API keys, in the database.")

_KEYS = """
select id, kind, hint, created_at, created_by, expires_at, revoked_at
from perdure_views.api_keys where environment_id = %s and (revoked_at is null or %s) order by id desc
"""


@keys.command("list")
@with_place
def list_keys(
    place: Place,
    everything: Annotated[
        bool, typer.Option("--all", envvar="PERDURE_ALL", help="Those that were revoked, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the keys of an environment by how they begin, the newest first; the keys are shown nowhere."""
    rows = place.read(_KEYS, everything)
    if as_json:
        print_json(rows)
    else:
        _LISTING.show(rows)


@keys.command()
@with_place
def create(
    place: Place,
    public: Annotated[
        bool,
        typer.Option("--public", envvar="PERDURE_PUBLIC", help="A key for browsers, which may only read."),
    ] = False,
    organization: Annotated[
        str | None,
        typer.Option(
            envvar="PERDURE_ORGANIZATION",
            help="Make the project in this organization, if it is not there yet.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key of an environment and print it. It is shown this once only."""

    async def make_project(conn: Connection) -> None:
        if organization is not None:
            await environments.create_project(conn, organization, place.project)

    async def make(conn: Connection, environment_id: str) -> tuple[str, str]:
        kind = "PUBLIC" if public else "SECRET"
        return environment_id, await environments.create_api_key(conn, environment_id, kind)

    if organization is not None:
        run_in_database(place.url, OWNER, make_project)
    environment_id, key = place.run(make, see=_SEE)
    if as_json:
        print_json({"key": key, "environmentId": environment_id})
    else:
        print_data(key)
    say(f"A {'public' if public else 'secret'} key of {place}. Keep it now: it is not shown again.")


@keys.command()
@with_place
def rotate(
    place: Place,
    key_id: Annotated[str, typer.Argument(envvar="PERDURE_KEY_ID", help="The key's id: perdure keys list.")],
    overlap_h: Annotated[
        float,
        typer.Option(
            envvar="PERDURE_OVERLAP_H", min=0, max=90 * 24, help="Hours for which the old key works on."
        ),
    ] = 24,
    as_json: AsJson = False,
) -> None:
    """Make a key in the place of another, and print it. It is shown this once only."""

    async def replace(conn: Connection, environment_id: str) -> str:
        overlap = timedelta(hours=overlap_h)
        return await environments.rotate_api_key(
            conn, environment_id, key_id, overlap=overlap, created_by="perdure keys rotate"
        )

    key = place.run(replace, see=_SEE)
    if as_json:
        print_json({"key": key})
    else:
        print_data(key)
    say(f"Keep it now: it is not shown again. The old key works for another {duration(overlap_h * 3600)}.")


@keys.command()
@with_place
def revoke(
    place: Place,
    key: Annotated[
        str,
        typer.Argument(
            envvar="PERDURE_REVOKED_KEY",
            help="The key, or its id; - reads it from standard input.",
            show_default=False,
        ),
    ] = "-",
    as_json: AsJson = False,
) -> None:
    """Refuse a key from now on."""
    if key == "-" and sys.stdin.isatty():
        say("The key to revoke:")
    given = sys.stdin.readline().strip() if key == "-" else key

    async def end(conn: Connection, environment_id: str) -> bool:
        return await environments.end_api_key(conn, environment_id, given)

    async def refuse(conn: Connection) -> bool:  # the key itself says where it belongs
        return await environments.revoke_api_key(conn, given)

    revoked = place.run(end, see=_SEE) if _is_id(given) else run_in_database(place.url, OWNER, refuse)
    if as_json:
        print_json({"revoked": revoked})
    if not revoked:
        raise CommandFailed("there is no such key in force, so nothing was changed. Is it the whole key?")
    say("The key is refused from now on.")


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _cells(row: Item) -> tuple[object, ...]:
    state = "in force"
    if row["revoked_at"]:
        state = f"revoked {short_time(row['revoked_at'])}"
    elif row["expires_at"]:
        state = f"until {short_time(row['expires_at'])}"
    return row["id"], state, f"{row['hint']}…", row["kind"].lower(), short_time(row["created_at"])


_LISTING = Listing(
    ("id", "state", "begins", "kind", "made"), _cells, "The environment has no key: perdure keys create"
)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.add_typer(keys, name="keys")
