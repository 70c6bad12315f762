"""A server over a database of its own, with an environment, its keys, and an app with one job."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from perdure_server.app import ServerApp, create_app
from perdure_server.openapi import build_document
from perdure_server.operations import OPERATIONS
from perdure_server.routing import build_resources
from perdure_server.settings import Settings
from tests.support.builders import Builders, Endpoint


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    """A run under way, as its execution knows it."""

    id: str
    lease_number: int
    event_id: str

    @property
    def path(self) -> str:
        """Where its tasks are."""
        return f"/api/v1/runs/{self.id}/tasks"


@dataclass(frozen=True, slots=True)
class Server:
    """The started app, a client that holds the secret key, and the app's other keys."""

    client: httpx.AsyncClient
    builders: Builders
    endpoint: Endpoint
    secret_key: str
    public_key: str
    foreign_key: str

    @property
    def environment_id(self) -> str:
        """Of the secret and the public key; the foreign one is another environment's."""
        return self.endpoint.environment.id

    @property
    def as_public(self) -> dict[str, str]:
        """Headers with the public key."""
        return {"authorization": f"Bearer {self.public_key}"}

    @property
    def as_foreigner(self) -> dict[str, str]:
        """Headers with another environment's key."""
        return {"authorization": f"Bearer {self.foreign_key}"}

    async def send(self, **event: Any) -> dict[str, Any]:
        """Send an event that starts the job."""
        response = await self.client.post("/api/v1/events", json={"event": {"name": "greet", **event}})
        assert response.status_code == 200, response.text
        sent: dict[str, Any] = response.json()
        return sent

    async def start_run(self, **event: Any) -> ClaimedRun:
        """Send an event, and claim the run that it starts."""
        sent = await self.send(**event)
        (claim,) = self.builders.claims()
        return ClaimedRun(claim.run_id, claim.lease_number, sent["id"])


_DOCUMENT = build_document(OPERATIONS, version="test")
_RESOURCES = build_resources(OPERATIONS)


async def check_against_document(response: httpx.Response) -> None:
    """An answer must be as the OpenAPI document says: its status, and the message of a 200."""
    request = response.request
    path = request.url.raw_path.split(b"?", 1)[0].decode("ascii")
    for resource in _RESOURCES:
        operation = resource.operations.get(request.method)
        if operation is None or request.method == "HEAD" or resource.match(path) is None:
            continue
        documented = _DOCUMENT["paths"][resource.path][request.method.lower()]["responses"]
        known = str(response.status_code) in documented or "default" in documented
        assert known, (request.method, resource.path, response.status_code)
        if response.status_code == 200 and operation.answer is not None:
            adapter = (
                operation.answer
                if isinstance(operation.answer, TypeAdapter)
                else TypeAdapter(operation.answer)
            )
            body = await response.aread()
            for document in body.split(b"\n")[:-1] if operation.is_lines else [body]:
                adapter.validate_python(json.loads(document))
        return


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[ServerApp, httpx.AsyncClient]]:
    """The app between start and stop, and a client of it without a key."""
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://server.test",
            event_hooks={"response": [check_against_document]},
        ) as client,
    ):
        yield app, client


@pytest.fixture
async def server(db_url: str, builders: Builders) -> AsyncIterator[Server]:
    endpoint = builders.endpoint()
    public_key = builders.db.call("create_api_key", endpoint.environment.id, "PUBLIC")
    foreign_key = builders.environment().key
    async with serving(Settings(db_url, database_timeout_s=10)) as (_, client):
        secret_key = endpoint.environment.key
        client.headers["authorization"] = f"Bearer {secret_key}"
        yield Server(client, builders, endpoint, secret_key, public_key, foreign_key)


def error_of(response: httpx.Response, status: int, code: str) -> str:
    """The text of an error, after checking that it has the one shape."""
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) == {"error", "code"}
    assert body["code"] == code
    assert response.headers["content-type"] == "application/json"
    text: str = body["error"]
    return text
