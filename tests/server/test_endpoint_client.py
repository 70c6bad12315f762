import asyncio
import json
from collections.abc import Callable

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from perdure.wire.signing import derive_signing_secret, verify
from perdure_server.endpoint_client import EndpointClient, EndpointFailure, Identity, KeyWanted

URL = "http://app.test/api/trigger"
SECRET = derive_signing_secret("tr_dev_0123456789abcdef")


class App:
    """An endpoint whose answer each test chooses; keeps the requests."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        routes = [Route("/{path:path}", self.serve, methods=["POST"])]
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(Starlette(routes=routes)))
        self.endpoints = EndpointClient(self.client, timeout_s=5, answer_limit=1000)

    async def serve(self, request: Request) -> Response:
        await request.body()
        self.requests.append(request)
        return self.answer(request)


async def failure_of(app: App) -> EndpointFailure:
    with pytest.raises(EndpointFailure) as caught:
        await app.endpoints.ping(URL, "acme", [SECRET])
    return caught.value


async def test_ping_is_signed_and_names_the_endpoint():
    app = App(lambda request: JSONResponse({"ok": True}))
    assert await app.endpoints.ping(URL, "acme", [SECRET]) == Identity("acme", URL)
    (request,) = app.requests
    assert request.headers["x-trigger-action"] == "PING"
    assert request.headers["x-trigger-endpoint-id"] == "acme"
    assert request.headers["x-trigger-version"] == "2023-09-29"
    assert "x-trigger-api-key" not in request.headers
    verify(SECRET, request.headers, b"", now=int(request.headers["webhook-timestamp"]))


async def test_without_a_key_nothing_is_sent():
    app = App(lambda request: JSONResponse({"ok": True}))
    with pytest.raises(EndpointFailure, match="no active API key"):
        await app.endpoints.ping(URL, "acme", [])
    assert app.requests == []


async def test_an_app_tells_its_id():
    app = App(lambda request: JSONResponse({"ok": True, "endpointId": "acme"}))
    assert await app.endpoints.validate(URL, [SECRET]) == Identity("acme", URL)
    assert app.requests[0].headers["x-trigger-action"] == "VALIDATE"


async def test_an_app_that_wants_the_key_itself_gets_it_beside_the_signature():
    def answer(request: Request) -> Response:
        if "x-trigger-api-key" not in request.headers:
            message = "Unauthorized: missing x-trigger-api-key header"
            return JSONResponse({"message": message}, status_code=401)
        return JSONResponse({"ok": True, "endpointId": "acme", "jobs": []})

    app = App(answer)
    calls = [
        lambda *key: app.endpoints.ping(URL, "acme", [SECRET], *key),
        lambda *key: app.endpoints.validate(URL, [SECRET], *key),
        lambda *key: app.endpoints.index(URL, [SECRET], *key),
    ]
    for call in calls:
        with pytest.raises(KeyWanted):
            await call()
        await call("tr_dev_0123456789abcdef")
    for request in app.requests[1::2]:
        assert request.headers["x-trigger-api-key"] == "tr_dev_0123456789abcdef"
        verify(SECRET, request.headers, b"", now=int(request.headers["webhook-timestamp"]))


async def test_index_answers_the_manifest_and_the_sdk():
    manifest = {"jobs": [], "sources": []}
    app = App(lambda request: JSONResponse(manifest, headers={"perdure-sdk-version": "0.1.0"}))
    answer = await app.endpoints.index(URL, [SECRET])
    assert json.loads(answer.document.text) == manifest
    assert answer.sdk == {"name": "perdure", "version": "0.1.0"}
    assert app.requests[0].headers["x-trigger-action"] == "INDEX_ENDPOINT"


async def test_the_javascript_sdk_is_recognised():
    app = App(lambda request: JSONResponse({"jobs": []}, headers={"trigger-sdk-version": "2.3.19"}))
    assert (await app.endpoints.index(URL, [SECRET])).sdk == {"name": "trigger", "version": "2.3.19"}


async def test_redirects_are_followed_with_new_signatures_and_the_last_url_is_told():
    def answer(request: Request) -> Response:
        if request.url.path == "/moved":
            return JSONResponse({"ok": True})
        return RedirectResponse("/moved", status_code=301)

    app = App(answer)
    assert (await app.endpoints.ping(URL, "acme", [SECRET])).url == "http://app.test/moved"
    assert len({request.headers["webhook-id"] for request in app.requests}) == 2
    assert [request.method for request in app.requests] == ["POST", "POST"]


async def test_endless_redirects_end():
    app = App(lambda request: RedirectResponse("/again"))
    failure = await failure_of(app)
    assert failure.code == "ENDPOINT_REDIRECTS"
    assert len(app.requests) == 6


async def test_another_apps_endpoint_is_told_apart():
    app = App(lambda request: JSONResponse({"ok": False, "error": "expected other, got acme"}))
    failure = await failure_of(app)
    assert failure.code == "ENDPOINT_ID"
    assert "expected other, got acme" in failure.text


async def test_a_refused_signature_names_the_key():
    app = App(lambda request: JSONResponse({"message": "webhook-signature does not match"}, status_code=401))
    failure = await failure_of(app)
    assert (failure.code, type(failure)) == ("ENDPOINT_UNAUTHORIZED", EndpointFailure)
    assert "webhook-signature does not match" in failure.text
    assert "PERDURE_API_KEY" in failure.text


async def test_html_is_quoted():
    page = PlainTextResponse(
        "<html>\n<title>Welcome</title>", headers={"content-type": "text/html; charset=utf-8"}
    )
    failure = await failure_of(App(lambda request: page))
    assert failure.code == "ENDPOINT_ANSWER"
    assert "answered text/html instead of JSON" in failure.text
    assert "<html> <title>Welcome</title>" in failure.text


@pytest.mark.parametrize(
    ("response", "code", "text"),
    [
        (PlainTextResponse("gone", status_code=404), "ENDPOINT_STATUS", "answered 404: gone"),
        (JSONResponse({"message": "broken"}, status_code=500), "ENDPOINT_STATUS", "answered 500: broken"),
        (JSONResponse({"fine": 1}), "ENDPOINT_ANSWER", "ok: Field required"),
        (JSONResponse([1]), "ENDPOINT_ANSWER", "JSON that is no object"),
        (JSONResponse({"ok": True, "pad": "x" * 1000}), "ENDPOINT_ANSWER", "more than 1000 bytes"),
    ],
)
async def test_answers_that_are_none(response: Response, code: str, text: str):
    failure = await failure_of(App(lambda request: response))
    assert failure.code == code
    assert text in failure.text


async def test_nobody_listens():
    async with httpx.AsyncClient(trust_env=False) as client:
        endpoints = EndpointClient(client, timeout_s=5, answer_limit=1000)
        with pytest.raises(EndpointFailure) as caught:
            await endpoints.ping("http://127.0.0.1:1/api/trigger", "acme", [SECRET])
    assert caught.value.code == "ENDPOINT_UNREACHABLE"
    assert caught.value.text.startswith("Could not connect to endpoint http://127.0.0.1:1/api/trigger: ")


async def test_an_endpoint_that_hangs_is_given_up():
    asked = asyncio.Event()

    async def hang(scope: object, receive: object, send: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    async with httpx.AsyncClient(transport=httpx.ASGITransport(hang)) as client:
        endpoints = EndpointClient(client, timeout_s=0.05, answer_limit=1000)
        with pytest.raises(EndpointFailure) as caught:
            await endpoints.ping(URL, "acme", [SECRET])
    assert asked.is_set()
    assert caught.value.code == "ENDPOINT_TIMEOUT"
    assert "no answer within 0.05 s" in caught.value.text


async def test_a_refusal_nested_without_end_is_quoted_all_the_same():
    app = App(lambda request: PlainTextResponse("[" * 200_000, status_code=500))
    app.endpoints = EndpointClient(app.client, timeout_s=5, answer_limit=1_000_000)
    assert "answered 500" in (await failure_of(app)).text
