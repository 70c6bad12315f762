import logging
from collections.abc import AsyncIterator

import httpx

from perdure_engine import runs
from tests.server.conftest import error_of


async def test_an_unknown_path(server):
    text = error_of(await server.client.get("/api/v1/nothing"), 404, "NOT_FOUND")
    assert "/api/v1/nothing" in text


async def test_a_trailing_slash_is_another_path(server):
    error_of(await server.client.get("/api/v1/runs/"), 404, "NOT_FOUND")


async def test_a_wrong_method_is_told_the_right_ones(server):
    response = await server.client.delete("/api/v1/runs/x/tasks")
    assert "DELETE is not possible" in error_of(response, 405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "PUT, POST"


async def test_malformed_json_is_told_its_place(server):
    response = await server.client.post("/api/v1/events", content=b'{"event":\n {"name": oops}}')
    assert "line 2 column 11" in error_of(response, 400, "MALFORMED_JSON")


async def test_a_body_must_be_an_object(server):
    for body in (b"[]", b'"text"', b"null", b"1"):
        error_of(await server.client.post("/api/v1/events", content=body), 400, "INVALID_BODY")


async def test_wrong_fields_are_named(server):
    response = await server.client.post("/api/v1/events/bulk", json={"events": [{"name": "a"}, {"id": 5}]})
    text = error_of(response, 400, "INVALID_BODY")
    assert "events.1.name: Field required" in text
    assert "events.1.id: Input should be a valid string" in text


async def test_wrong_query_parameters_are_named(server):
    response = await server.client.get("/api/v1/runs", params={"take": "few", "status": "DONE"})
    text = error_of(response, 400, "INVALID_QUERY")
    assert "take: Input should be a valid integer" in text
    assert "status: Input should be 'PENDING'" in text


class Body:
    """Chunks of 1 MiB, counted."""

    def __init__(self, chunks: int) -> None:
        self.chunks = chunks
        self.read = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.read < self.chunks:
            self.read += 1
            yield b" " * 1024 * 1024


async def test_a_body_that_is_too_large_is_refused(server):
    cases = [
        (4, 4, 4),  # read to its end, so that the client is ready for the answer
        (None, 4, 4),
        (1000, 1000, 0),
        (None, 1000, 36),
    ]
    for announced_mib, sent_mib, read_mib in cases:
        body = Body(sent_mib)
        headers = {"content-length": str(announced_mib * 1024 * 1024)} if announced_mib else {}
        response = await server.client.post("/api/v1/events", content=body, headers=headers)
        assert "larger than 3145728 bytes" in error_of(response, 413, "BODY_TOO_LARGE")
        assert response.headers["connection"] == "close"
        assert body.read == read_mib


async def test_a_query_with_a_nul_is_refused(server):
    response = await server.client.get("/api/v1/runs", params={"job": "a\0"})
    assert "job: leave out the NUL" in error_of(response, 400, "INVALID_QUERY")


async def test_a_path_that_is_no_text_is_refused(server):
    for segment in ("%ff", "a%00b"):
        response = await server.client.get(f"/api/v2/events/{segment}")
        assert "eventId" in error_of(response, 400, "INVALID_PATH")


async def test_a_failure_of_the_server_is_hidden_and_logged_with_its_id(server, monkeypatch, caplog):
    async def fail(*args: object, **kwargs: object) -> bytes:
        raise RuntimeError("the secret plan")

    monkeypatch.setattr(runs, "list_runs", fail)
    with caplog.at_level(logging.ERROR, "perdure.server"):
        response = await server.client.get("/api/v1/runs", headers={"x-request-id": "req-42"})
    text = error_of(response, 500, "INTERNAL")
    assert "req-42" in text
    assert "secret plan" not in response.text
    assert response.headers["x-request-id"] == "req-42"
    (record,) = caplog.records
    assert "req-42" in record.getMessage()
    assert "the secret plan" in caplog.text


async def test_every_answer_has_a_request_id_and_a_line_in_the_log(server, caplog):
    with caplog.at_level(logging.INFO, "perdure.server.access"):
        response = await server.client.get("/healthz", headers={"x-request-id": "not a word\x20"})
    request_id = response.headers["x-request-id"]
    assert request_id != "not a word"
    (record,) = caplog.records
    assert record.getMessage().startswith("method=GET path=/healthz status=200 ms=")
    assert record.getMessage().endswith(f" request_id={request_id}")


async def test_head_answers_as_get(server):
    response = await server.client.head("/healthz")
    assert isinstance(response, httpx.Response)
    assert response.status_code == 200


async def test_a_body_nested_too_deeply_is_refused_whatever_is_in_it(server):
    payload = '{"text":"\\u0000","deep":' + "[" * 700 + "]" * 700 + "}"
    response = await server.client.post(
        "/api/v1/events", content='{"event":{"name":"a","payload":' + payload + "}}"
    )
    error_of(response, 400, "INVALID_BODY")
