"""Make what tests need in a database, in the way that production makes it: through the engine's functions."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.database import Database

SDK = {"name": "perdure", "version": "0.1.0"}
PUBLIC_URL = "https://perdure.test"


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment with its secret key in clear."""

    id: str
    project: str
    slug: str
    key: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A registered endpoint."""

    id: str
    slug: str
    url: str
    environment: Environment


@dataclass(frozen=True, slots=True)
class Claim:
    """One run in a dispatcher's hands."""

    db: Database
    run_id: str
    lease_number: int
    url: str
    timeout_ms: int
    signing_secrets: list[bytes]
    body: dict[str, Any]

    def apply(self, verdict: str, **result: Any) -> str:
        """Hand in a result of any kind; returns the outcome."""
        call = {
            "runId": self.run_id,
            "leaseNumber": self.lease_number,
            "verdict": verdict,
            "durationMs": 5,
            **result,
        }
        outcome: str = self.db.call("apply_results", [call])[0].outcome
        return outcome

    def reply(self, status: str, **reply: Any) -> str:
        """Answer EXECUTE_JOB with this status and these members; returns the outcome."""
        return self.apply("REPLY", httpStatus=200, reply={"status": status, **reply})

    def store(self, *tasks: dict[str, Any], minimal: bool = False) -> list[Any]:
        """Store task records as the API does; returns a row for each: error_code, error_message, response."""
        identity = {
            "environmentId": self.body["environment"]["id"],
            "runId": self.run_id,
            "leaseNumber": self.lease_number,
        }
        rows: list[Any] = self.db.call(
            "upsert_tasks", [{**identity, "task": task} for task in tasks], minimal
        )
        return rows

    def stored(self, *tasks: dict[str, Any]) -> list[dict[str, Any]]:
        """Store task records, which must all be taken; returns the answers."""
        rows = self.store(*tasks)
        assert [row.error_code for row in rows] == [None] * len(tasks), rows
        return [row.response for row in rows]


@dataclass(frozen=True, slots=True)
class Run:
    """A run that an event has started."""

    db: Database
    id: str
    event_id: str
    environment: Environment

    @property
    def status(self) -> str:
        """Its present status."""
        status: str = self.read()["status"]
        return status

    def read(self, **options: Any) -> dict[str, Any]:
        """The run as the API shows it; options of ``get_run``."""
        run: dict[str, Any] = self.db.call("get_run", self.environment.id, self.id, **options)
        return run


def job(id: str = "greet", *, event: str | list[str] = "greet", **overrides: Any) -> dict[str, Any]:
    """A job as INDEX_ENDPOINT describes it, started by ``event``; ``overrides`` replace or add members."""
    rule = {"event": event, "source": "trigger.dev", **overrides.pop("rule", {})}
    return {
        "id": id,
        "name": id.title(),
        "version": "1.0.0",
        "event": {"name": event, "title": "Event", "source": "trigger.dev", "icon": "custom-event"},
        "trigger": {"type": "static", "title": "Event", "rule": rule},
        "integrations": {},
        "internal": False,
        "enabled": True,
        "preprocessRuns": False,
        **overrides,
    }


def manifest(*jobs: dict[str, Any], **members: Any) -> dict[str, Any]:
    """An answer to INDEX_ENDPOINT with these jobs; ``members`` replace or add others, such as ``sources``."""
    return {"jobs": list(jobs), "sources": [], "dynamicTriggers": [], "dynamicSchedules": [], **members}


def task(key: str, *, name: str = "Task", noop: bool = False, **members: Any) -> dict[str, Any]:
    """A task record; ``key`` makes its 64 hexadecimal digits."""
    digest = key.encode().hex().ljust(64, "0")[:64]
    return {"idempotencyKey": digest, "displayKey": key, "name": name, "noop": noop, **members}


@dataclass
class Builders:
    """All builders over one database; the fixtures below are its methods."""

    db: Database
    _count: int = field(default=0)

    def environment(self, slug: str = "dev", *, project: str | None = None) -> Environment:
        """An environment of a new project, or of ``project``."""
        self._count += 1
        project = project or f"project-{self._count}"
        self.db.call("create_project", "acme", project)
        environment_id = self.db.call("get_environment", project, slug)
        key = self.db.call("create_api_key", environment_id)
        return Environment(environment_id, project, slug, key)

    def endpoint(
        self,
        *jobs: dict[str, Any],
        environment: Environment | None = None,
        slug: str = "app",
        url: str = "http://127.0.0.1:9/api/trigger",
        timeout_ms: int | None = None,
        sdk: dict[str, str] = SDK,
        **members: Any,
    ) -> Endpoint:
        """An endpoint that is registered and indexed, with these jobs or one that the event ``greet`` starts.

        ``members`` go into the manifest.
        """
        environment = environment or self.environment()
        if members.get("sources"):  # whose providers must be told where to send
            self.db.call("set_setting", "public_url", PUBLIC_URL)
        row = self.db.call("register_endpoint", environment.id, slug, url, timeout_ms)
        self.db.call("index_endpoint", row["id"], manifest(*(jobs or [job()]), **members), sdk)
        return Endpoint(row["id"], slug, url, environment)

    def runs(
        self, count: int, endpoint: Endpoint | None = None, *, event: str = "greet", payload: Any = None
    ) -> list[Run]:
        """Runs, each started by an event of its own; of a new endpoint unless one is given."""
        environment = (endpoint or self.endpoint()).environment
        raw = [{"name": event, "payload": {} if payload is None else payload} for _ in range(count)]
        sent = self.db.call("send_events", environment.id, raw)
        found = []
        for stored in sent:
            for run in self.db.call("get_event", environment.id, stored["id"])["runs"]:
                found.append(Run(self.db, run["id"], stored["id"], environment))
        return found

    def run(self, endpoint: Endpoint | None = None, *, event: str = "greet", payload: Any = None) -> Run:
        """One run; fails when the event starts none or several."""
        (run,) = self.runs(1, endpoint, event=event, payload=payload)
        return run

    def claims(self, limit: int = 10, *, dispatcher: str = "test") -> list[Claim]:
        """Claim what is ready."""
        return [
            Claim(
                self.db,
                row.run_id,
                row.lease_number,
                row.url,
                row.timeout_ms,
                row.signing_secrets,
                json.loads(row.body),
            )
            for row in self.db.call("claim_runs", dispatcher, limit)
        ]

    def claim(self, run: Run | None = None) -> Claim:
        """Claim one run, the only one that is ready; of a new run unless one is given."""
        wanted = run or self.run()
        (claim,) = self.claims()
        assert claim.run_id == wanted.id
        return claim


@pytest.fixture
def builders(db: Database) -> Builders:
    """Builders over ``db``."""
    return Builders(db)


@pytest.fixture
def make_environment(builders: Builders) -> Callable[..., Environment]:
    """``Builders.environment``."""
    return builders.environment


@pytest.fixture
def make_endpoint(builders: Builders) -> Callable[..., Endpoint]:
    """``Builders.endpoint``."""
    return builders.endpoint


@pytest.fixture
def make_run(builders: Builders) -> Callable[..., Run]:
    """``Builders.run``."""
    return builders.run


@pytest.fixture
def make_runs(builders: Builders) -> Callable[..., list[Run]]:
    """``Builders.runs``."""
    return builders.runs


@pytest.fixture
def claim_run(builders: Builders) -> Callable[..., Claim]:
    """``Builders.claim``."""
    return builders.claim
