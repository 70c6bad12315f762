"""Requests that sources received, as the platform describes them in headers."""

import pytest

from perdure.integrations import SourceRequest
from perdure.wire.base import MalformedMessage
from perdure_integrations.messages import read_source_headers
from tests.support.source_headers import write_source_headers


def test_source_headers_survive_the_way_there_and_back() -> None:
    request = SourceRequest(
        key="hub:é",
        secret="s",
        params={"a": None},
        data=[1],
        url="https://h/x",
        method="POST",
        headers={"x-name": "é"},
        body=b"\x00\xff",
        dynamic_id="d",
        auth={"type": "apiKey"},
        metadata={"m": 1},
    )
    assert read_source_headers(write_source_headers(request), request.body) == request
    assert request.header("X-NAME") == "é"


@pytest.mark.parametrize("header", ["x-ts-params", "x-ts-data", "x-ts-http-headers", "x-ts-metadata"])
def test_a_source_header_that_is_not_json_is_named(header: str) -> None:
    request = SourceRequest(
        key="k", secret="s", params=None, data=None, url="u", method="GET", headers={}, metadata={"m": 1}
    )
    with pytest.raises(MalformedMessage, match=f"header {header} is not JSON"):
        read_source_headers({**write_source_headers(request), header: "{"}, b"")


@pytest.mark.parametrize("text", ["[]", '{"a": 1}'])
def test_received_headers_must_be_texts(text: str) -> None:
    request = SourceRequest(key="k", secret="s", params=None, data=None, url="u", method="GET", headers={})
    with pytest.raises(MalformedMessage, match=r"x-ts-http-headers|headers"):
        read_source_headers({**write_source_headers(request), "x-ts-http-headers": text}, b"")
