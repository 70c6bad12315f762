"""The server under uvicorn: what an in-process client cannot show."""

import logging
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from perdure_server.app import create_app
from perdure_server.settings import Settings
from tests.server.conftest import error_of
from tests.support.builders import Builders
from tests.support.http_server import serve
from tests.support.waiting import eventually


@pytest.fixture
def client(db_url: str, builders: Builders) -> Iterator[httpx.Client]:
    key = builders.endpoint().environment.key
    headers = {"authorization": f"Bearer {key}"}
    with (
        serve(create_app(Settings(db_url))) as url,
        httpx.Client(base_url=url, headers=headers, trust_env=False) as client,
    ):
        yield client


def test_an_encoded_slash_stays_inside_its_segment(client):
    assert client.post("/api/v1/events", json={"event": {"name": "greet", "id": "a/b c"}}).status_code == 200
    assert client.get("/api/v2/events/a%2Fb%20c").json()["id"] == "a/b c"
    error_of(client.get("/api/v2/events/a/b%20c"), 404, "NOT_FOUND")


def test_a_body_that_is_too_large_is_refused_while_it_comes(client):
    error_of(client.post("/api/v1/events", content=b" " * 8 * 1024 * 1024), 413, "BODY_TOO_LARGE")
    assert client.get("/healthz").status_code == 200


def test_an_endless_body_ends_the_connection(client):
    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 64 * 1024

    try:
        response = client.post("/api/v1/events", content=endless())
    except httpx.TransportError:
        return  # it was still sending when the connection was closed
    error_of(response, 413, "BODY_TOO_LARGE")


def test_head_has_no_body(client):
    response = client.head("/healthz")
    assert (response.status_code, response.content) == (200, b"")


def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_failure_of_the_server(client, caplog):
    host, port = urlsplit(str(client.base_url)).netloc.split(":")
    request = (
        f"POST /api/v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\nx-request-id: left\r\n"
        f"authorization: {client.headers['authorization']}\r\n\r\n{{"
    )
    with caplog.at_level(logging.INFO, "perdure.server"):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(request.encode())
        eventually(lambda: any("request_id=left" in record.getMessage() for record in caplog.records))
    assert [record.levelname for record in caplog.records if "left" in record.getMessage()] == ["INFO"]
