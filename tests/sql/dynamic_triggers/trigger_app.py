"""An app with dynamic triggers, and what is attached to them."""

from dataclasses import dataclass
from typing import Any

from tests.support.builders import SDK, Endpoint, job, manifest
from tests.support.database import Database

PUBLIC_URL = "https://perdure.example"
REGISTER = "dev.trigger.source.register.v2"


def dynamic_job(id: str = "greet", trigger: str = "repo") -> dict[str, Any]:
    """A job that a dynamic trigger starts."""
    return job(id, trigger={"type": "dynamic", "id": trigger})


def dynamic(id: str = "repo", *jobs: str) -> dict[str, Any]:
    """A dynamic trigger or schedule as INDEX_ENDPOINT describes it."""
    return {"id": id, "jobs": [{"id": each, "version": "1.0.0"} for each in jobs]}


def source(key: str = "acme-site", *events: str, **members: Any) -> dict[str, Any]:
    """A source that can be attached."""
    return {
        "version": "2",
        "channel": "HTTP",
        "integration": {
            "id": "github",
            "metadata": {"id": "github", "name": "GitHub"},
            "authSource": "LOCAL",
        },
        "key": key,
        "params": {"repo": key},
        "options": {"event": list(events or ("push",))},
        **members,
    }


def registration(source: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A body of ``register_dynamic_trigger``; ``members`` replace or add others."""
    return {"rule": {"event": "push", "source": "github.com"}, "source": source, **members}


@dataclass
class TriggerApp:
    """An endpoint with the dynamic trigger ``repo`` and its job ``greet``."""

    db: Database
    endpoint: Endpoint

    @property
    def environment_id(self) -> str:
        return self.endpoint.environment.id

    def index(self, *jobs: dict[str, Any], **members: Any) -> None:
        self.db.call("index_endpoint", self.endpoint.id, manifest(*jobs, **members), SDK)

    def register(
        self, key: str = "one", body: Any = None, *, slug: str = "repo", event_id: str | None = None
    ) -> dict[str, Any]:
        body = registration(source()) if body is None else body
        found: dict[str, Any] = self.db.call(
            "register_dynamic_trigger", self.environment_id, slug, key, body, event_id
        )
        return found

    def activate(self, registered: dict[str, Any]) -> None:
        """What the app's internal job does in the end."""
        options = {name: option["desired"] for name, option in registered["options"].items()}
        self.db.call("update_source", self.environment_id, registered["source"]["key"], {"options": options})

    def send(self, source_key: str | None, **event: Any) -> None:
        """Send an event as a delivery of that source does."""
        raw = {"name": "push", "source": "github.com", "dynamicSourceKey": source_key, **event}
        self.db.call("send_events", self.environment_id, [raw])

    def asked(self) -> list[Any]:
        """The events that asked for registration at the provider."""
        query = """
            select e.payload, e.event_id, a.identifier as account from perdure.events as e
            left join perdure.external_accounts as a on a.id = e.external_account_id
            where e.name = %s order by e.id
        """
        return self.db.rows(query, REGISTER)

    def jobs(self) -> dict[str, list[str]]:
        """Trigger -> the jobs that it starts."""
        rows = self.db.rows("select slug, jobs from perdure_views.dynamic_triggers order by slug")
        return {row.slug: row.jobs for row in rows}

    def started(self) -> list[str]:
        """The jobs of all runs, in order, without internal ones."""
        rows = self.db.rows(
            """
            select k.slug from perdure.runs as r join perdure.jobs as k on k.id = r.job_id
            where not k.internal order by r.id
            """
        )
        return [row.slug for row in rows]
