"""An app with sources, and the internal job that registers them."""

from dataclasses import dataclass
from typing import Any

from tests.support.builders import SDK, Endpoint, job, manifest
from tests.support.database import Database

PUBLIC_URL = "https://perdure.example"
REGISTER = "dev.trigger.source.register.v2"


def source(key: str = "hook", *events: str, **members: Any) -> dict[str, Any]:
    """A source as INDEX_ENDPOINT describes it, wanting these events."""
    return {
        "version": "2",
        "channel": "HTTP",
        "integration": {
            "id": "github",
            "metadata": {"id": "github", "name": "GitHub"},
            "authSource": "LOCAL",
        },
        "key": key,
        "params": {"repo": "site"},
        "options": {"event": list(events)},
        **members,
    }


@dataclass
class SourceApp:
    """An endpoint with sources."""

    db: Database
    endpoint: Endpoint

    @property
    def environment_id(self) -> str:
        return self.endpoint.environment.id

    def index(self, *sources: dict[str, Any]) -> list[dict[str, Any]]:
        """Index with these sources; returns the payloads of the registration events that this sent."""
        before = self.db.value("select count(*) from perdure.events")
        jobs = (job("greet"), job("register", event=REGISTER, internal=True))
        self.db.call("index_endpoint", self.endpoint.id, manifest(*jobs, sources=list(sources)), SDK)
        rows = self.db.rows(f"select payload from perdure.events order by id offset {before}")
        return [row.payload for row in rows]

    def update(self, key: str = "hook", **update: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.db.call("update_source", self.environment_id, key, update)
        return found

    def row(self, key: str = "hook") -> Any:
        (row,) = self.db.rows("select * from perdure.sources where key = %s", key)
        return row

    def options(self, key: str = "hook") -> dict[tuple[str, str], tuple[bool, bool]]:
        """(name, value) -> (wanted, registered)."""
        rows = self.db.rows(
            "select o.* from perdure.source_options as o where o.source_id = %s", self.row(key).id
        )
        return {(row.name, row.value): (row.wanted, row.registered) for row in rows}

    def receive(self, key: str = "hook", body: bytes = b"{}") -> dict[str, Any]:
        found: dict[str, Any] = self.db.call(
            "receive_source_request",
            self.row(key).id,
            f"{PUBLIC_URL}/hook",
            "POST",
            {"x-event": "issues"},
            body,
        )
        return found
