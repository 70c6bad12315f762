"""What a real app refuses: the run ends with a reason that says what is wrong, and nothing is left behind."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from perdure import IO, Perdure, event_trigger
from perdure.wire.http import HttpClient
from perdure_dispatcher.endpoint_request import execute_job
from tests.dispatcher.running import running_dispatcher, wait_for_status
from tests.support.builders import Builders, Endpoint, job
from tests.support.http_server import serve


def make_app(key: str, greeted: list[str]) -> Perdure:
    """An app with one job; it never calls the API, so that address does not matter."""
    app = Perdure("shop", api_url="http://127.0.0.1:1", api_key=key)

    @app.job(id="greet", version="1.0.0", on=event_trigger("greet"))
    async def greet(payload: dict[str, str], io: IO) -> None:
        greeted.append(payload["name"])

    return app


@pytest.fixture
def greeted() -> list[str]:
    """Whom the job has greeted."""
    return []


@pytest.fixture
def endpoint(builders: Builders, greeted: list[str]) -> Iterator[Endpoint]:
    """The app in production, indexed with a job more than it has."""
    environment = builders.environment("prod")
    with serve(make_app(environment.key, greeted).asgi()) as url:
        yield builders.endpoint(job("greet"), job("gone", event="gone"), environment=environment, url=url)


def failure_of(builders: Builders, endpoint: Endpoint, event: str) -> str:
    """Start a run, let a dispatcher execute it, and return why it failed."""
    run = builders.run(endpoint, event=event, payload={"name": "Ada"})
    with running_dispatcher(builders.db.url):
        assert wait_for_status(run, "FAILURE", "SUCCESS") == "FAILURE"
    assert builders.db.call("doctor") == []
    message: str = run.read()["output"]["message"]
    return message


def test_a_job_that_the_app_does_not_have(builders: Builders, endpoint: Endpoint) -> None:
    assert "Job not found" in failure_of(builders, endpoint, "gone")


def test_an_app_with_another_key(builders: Builders, endpoint: Endpoint, greeted: list[str]) -> None:
    with serve(make_app("tr_prod_" + "0" * 40, greeted).asgi()) as elsewhere:
        builders.db.call("register_endpoint", endpoint.environment.id, endpoint.slug, elsewhere)
        assert "signature" in failure_of(builders, endpoint, "greet")
    assert greeted == []


async def test_a_replayed_request_is_executed_once(
    builders: Builders, endpoint: Endpoint, greeted: list[str]
) -> None:
    claim = builders.claim(builders.run(endpoint, payload={"name": "Ada"}))
    body = json.dumps(claim.body).encode()
    request = execute_job(body, secrets=claim.signing_secrets, now=time.time())
    client = HttpClient()
    first, second = [
        await client.request(
            "POST", endpoint.url, request.headers, request.body, timeout_s=10, max_response_bytes=100_000
        )
        for _ in range(2)
    ]
    await client.close()
    assert (first.status, second.status) == (200, 401)
    assert "webhook-id" in json.loads(second.body)["message"]
    assert greeted == ["Ada"]
