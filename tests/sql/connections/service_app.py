"""An app whose jobs use services."""

from dataclasses import dataclass
from typing import Any

from tests.support.builders import SDK, Endpoint, job, manifest
from tests.support.database import Database

MISSING = "dev.trigger.notifications.missingConnection"
RESOLVED = "dev.trigger.notifications.missingConnectionResolved"


def integration(id: str = "slack", *, auth_source: str = "HOSTED", **metadata: Any) -> dict[str, Any]:
    """An integration as INDEX_ENDPOINT describes it."""
    return {
        "id": id,
        "metadata": {"id": id.split("-")[0], "name": id.title(), **metadata},
        "authSource": auth_source,
    }


def service_job(id: str = "post", *slugs: str, **members: Any) -> dict[str, Any]:
    """A job that the event of its own name starts and that uses these hosted services, as ``my_<slug>``."""
    integrations = {f"my_{slug}": integration(slug) for slug in slugs}
    return job(id, **{"event": id, "integrations": integrations, **members})


@dataclass
class ServiceApp:
    """An endpoint whose jobs use services."""

    db: Database
    endpoint: Endpoint

    @property
    def environment_id(self) -> str:
        return self.endpoint.environment.id

    def index(self, *jobs: dict[str, Any]) -> None:
        self.db.call("index_endpoint", self.endpoint.id, manifest(*jobs), SDK)

    def start(self, event: str = "post", *, account: str | None = None) -> str:
        """Send an event that starts one run; returns the run."""
        options = {"accountId": account} if account else {}
        (sent,) = self.db.call("send_events", self.environment_id, [{"name": event}], options)
        (run,) = self.db.call("get_event", self.environment_id, sent["id"])["runs"]
        found: str = run["id"]
        return found

    def connect(
        self,
        slug: str = "slack",
        *,
        account: str | None = None,
        token: str = "sealed",
        db: Database | None = None,
        **members: Any,
    ) -> dict[str, Any]:
        connection = {"type": "oauth2", "sealedToken": token, **members}
        found: dict[str, Any] = (db or self.db).call(
            "create_connection", self.environment_id, account, slug, connection
        )
        return found

    def disconnect(self, connection: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.db.call(
            "delete_connection", self.environment_id, connection["integration"], connection["id"]
        )
        return found

    def status(self, run_id: str) -> str:
        found: str = self.db.call("get_run", self.environment_id, run_id)["status"]
        return found

    def told(self, name: str = MISSING) -> list[dict[str, Any]]:
        """The payloads of the events of this name, oldest first."""
        rows = self.db.rows("select payload from perdure.events where name = %s order by id", name)
        return [row.payload for row in rows]
