"""Lists: shown once as a table or as JSON, or followed until Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from perdure_engine.errors import DatabaseUnavailable
from perdure_server.cli.api_client import NoAnswer
from perdure_server.cli.failures import describe
from perdure_server.cli.output import Table, print_json, print_json_line, say

Item = Mapping[str, Any]

Follow = Annotated[
    bool,
    typer.Option(
        "--follow",
        envvar="PERDURE_FOLLOW",
        help="Go on with what is new and what changes among the newest, until Ctrl-C; as JSON a line each.",
    ),
]
_POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Listing:
    """How things of one kind are listed.

    Args:
        titles: of the columns.
        cells: what of an item is in them.
        nothing: what to say when there is none.
    """

    titles: Sequence[str]
    cells: Callable[[Item], Sequence[object]]
    nothing: str

    def show(self, items: Sequence[Item]) -> None:
        """Print the items in their order."""
        if items:
            Table(self.titles).add([self.cells(item) for item in items])
        else:
            say(self.nothing)

    def follow(self, newest: Callable[[], Sequence[Item]], *, as_json: bool) -> None:
        """Print the items, the newest last, and each again when it has changed; ends by Ctrl-C only.

        Where the server or the database is gone for a while, it says so and goes on when that is back.

        Args:
            newest: reads the newest items, the newest first; each has an ``id``.
            as_json: a line for each instead of a table.
        """
        table, known = Table(self.titles), dict[str, Item]()
        is_lost = False
        say("Following; Ctrl-C ends it.")
        try:
            while True:
                try:
                    items = newest()
                except (NoAnswer, DatabaseUnavailable) as error:
                    if not is_lost:
                        say(f"{describe(error)}\nTrying again …")
                    is_lost = True
                else:
                    is_lost = False
                    changed = [item for item in reversed(items) if known.get(item["id"]) != item]
                    known.update((item["id"], item) for item in changed)
                    for item in changed:
                        if as_json:
                            print_json_line(item)
                    if changed and not as_json:
                        table.add([self.cells(item) for item in changed])
                time.sleep(_POLL_S)
        except KeyboardInterrupt:
            return


def show_page(
    listing: Listing,
    read: Callable[[], dict[str, Any]],
    member: str,
    *,
    follow: bool,
    as_json: bool,
) -> None:
    """Show a page of a longer list, which says by ``nextCursor`` how to go on; or follow it.

    Args:
        listing: of the items.
        read: the page.
        member: of the page that has the items.
        follow: go on with what is new.
        as_json: the page as one document; followed, a line for each item.
    """
    if follow:
        listing.follow(lambda: read()[member], as_json=as_json)
        return
    page = read()
    if as_json:
        print_json(page)
        return
    listing.show(page[member])
    if page.get("nextCursor"):
        say(f"More: --cursor {page['nextCursor']}")
