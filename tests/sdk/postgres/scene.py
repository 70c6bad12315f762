"""An app of its own for a test, served beside others, and what its transactions write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import sqlalchemy
from pydantic import BaseModel

from perdure import Perdure
from tests.sdk.real_platform import RealPlatform
from tests.support.builders import SDK
from tests.support.database import Database
from tests.support.waiting import eventually_async


class Receipt(BaseModel):
    note: str
    at: datetime


RECEIPT_AT = datetime(2024, 2, 29, tzinfo=UTC)


class Host:
    """One server for the apps of all tests: a path each."""

    def __init__(self) -> None:
        self.url = ""
        self.apps: dict[str, Perdure] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand a request to the app that its path names; close them in the end, in their own loop."""
        if scope["type"] == "http":
            await self.apps[scope["path"]].asgi()(scope, receive, send)
            return
        while (message := await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        assert message["type"] == "lifespan.shutdown"
        for app in self.apps.values():
            await app.close()
        await send({"type": "lifespan.shutdown.complete"})


@dataclass
class Scene:
    """An app of its own for a test."""

    platform: RealPlatform
    host: Host
    app: Perdure
    id: str

    async def run(self, payload: Any = None) -> Any:
        """Start the job ``self.id``, wait for the run's end, and return the row of the run."""
        run_id = self.start(payload)
        return await eventually_async(lambda: self.ended(run_id), what="the end of the run")

    def start(self, payload: Any = None) -> str:
        """Register the app and start its job; returns the run's id."""
        db, environment_id = self.platform.db, self.platform.environment.id
        self.host.apps[f"/{self.id}"] = self.app
        row = db.call("register_endpoint", environment_id, self.id, f"{self.host.url}/{self.id}")
        db.call("index_endpoint", row["id"], self.app.manifest().to_wire(), SDK)
        started: dict[str, str] = db.call("invoke_job", environment_id, self.id, payload or {})
        return started["id"]

    def ended(self, run_id: str) -> Any:
        """The row of the run once it has ended."""
        rows = self.platform.db.rows(
            "select * from perdure_views.runs where id = %s and completed_at is not null", run_id
        )
        return rows[0] if rows else None

    def notes(self) -> list[str]:
        """What is in the app's table."""
        rows = self.platform.db.rows("select note from public.orders where run_id = %s order by 1", self.id)
        return [row.note for row in rows]

    def tasks(self, run_id: str) -> dict[str, str]:
        """Status of each task of a run by its name."""
        rows = self.platform.db.rows(
            "select name, status from perdure_views.tasks where run_id = %s order by id", run_id
        )
        return {row.name: row.status for row in rows}


async def write(connection: psycopg.AsyncConnection[Any], run_id: str, note: str) -> Receipt:
    await connection.execute("insert into public.orders values (%s, %s)", [run_id, note])
    return Receipt(note=note, at=RECEIPT_AT)


def write_plainly(connection: Any, run_id: str, note: str) -> Receipt:
    """The same over whatever is not async."""
    if hasattr(connection, "scalar"):  # SQLAlchemy
        connection.execute(
            sqlalchemy.text("insert into public.orders values (:run_id, :note)"),
            {"run_id": run_id, "note": note},
        )
    else:
        with connection.cursor() as cursor:
            cursor.execute("insert into public.orders values (%s, %s)", [run_id, note])
    return Receipt(note=note, at=RECEIPT_AT)


async def write_by_sqlalchemy(connection: Any, run_id: str, note: str) -> Receipt:
    await connection.execute(
        sqlalchemy.text("insert into public.orders values (:run_id, :note)"), {"run_id": run_id, "note": note}
    )
    return Receipt(note=note, at=RECEIPT_AT)


def lose_lease(platform: RealPlatform, run_id: str) -> None:
    with Database(platform.db.url) as db:
        result = {"runId": run_id, "leaseNumber": 1, "verdict": "LEASE_EXPIRED", "durationMs": 5}
        assert db.call("apply_results", [result])[0].outcome not in ("DROPPED", "LEASE_LOST")


def promoted(scene: Scene, run_id: str) -> bool:
    """Let the pause after a lost execution pass; True when the run has ended."""
    if scene.ended(run_id):
        return True
    scene.platform.clock.advance(timedelta(seconds=10))
    return False
