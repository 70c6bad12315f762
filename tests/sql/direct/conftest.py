"""A table owner and a writer, who are nobody to Perdure but what they are granted, and tables of theirs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from tests.support.builders import Builders, Environment
from tests.support.database import Database


@dataclass(frozen=True, slots=True)
class Shop:
    """An app's part of a database."""

    owner: Database
    """Acts as the tables' owner, a member of perdure_app."""
    writer: Database
    """Acts as a role without any right of ours."""
    owner_role: str
    environment: Environment

    def table(self, columns: str, *, suffix: str = "") -> str:
        """A new table that the writer may change; its full name."""
        name = f"shop.t_{uuid4().hex[:12]}"
        self.owner.execute(f"create table {name} ({columns}) {suffix}")
        self.owner.execute(f"grant all on {name} to public")
        return name

    def watch(self, table: str, **options: Any) -> Any:
        """Watch it, as its owner."""
        return self.owner.call("watch_table", self.environment.id, table, **options)

    def events(self, table: str) -> list[Any]:
        """The events of a table: name and payload, oldest first."""
        return self.owner.rows(
            "select name, payload, event_id from perdure_views.events "
            "where strpos(payload::text, %s) > 0 order by id",  # ->> fails where a payload has \\u0000
            f'"table" : "{table.split(".")[1]}"',
        )

    def changes(self, table: str) -> list[tuple[str, Any, Any]]:
        """The events of a table: operation, old, new."""
        return [
            (row.payload["operation"], row.payload["old"], row.payload["new"]) for row in self.events(table)
        ]


@pytest.fixture(scope="module")
def shop(pure_db: Database) -> Iterator[Shop]:
    """A schema ``shop``, its owner and a writer."""
    environment = Builders(pure_db).environment()
    mark = uuid4().hex[:12]
    owner_role, writer_role = f"shop_owner_{mark}", f"shop_writer_{mark}"
    with pure_db.as_role("none") as admin:
        for role in (owner_role, writer_role):
            admin.execute(f"create role {role}")
        admin.execute(f"grant perdure_app to {owner_role}")
        admin.execute(f"create schema shop authorization {owner_role}")
        admin.execute("grant usage on schema shop to public")
        with pure_db.as_role(owner_role) as owner, pure_db.as_role(writer_role) as writer:
            yield Shop(owner, writer, owner_role, environment)
        for role in (owner_role, writer_role):
            admin.execute(f"drop owned by {role} cascade")
            admin.execute(f"drop role {role}")
