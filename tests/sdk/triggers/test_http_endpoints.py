"""HTTP endpoints: requests of third parties start jobs, or are answered by the app."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from perdure import IO, ConfigurationError, HttpRequest, ImmediateResponse, Perdure, SyncIO
from perdure.testing import Platform
from perdure.triggers import HttpEndpoint, NotGenuine, shared_secret
from tests.sdk.fake_platform import FakePlatform, execute_request, post
from tests.sdk.real_platform import RealPlatform, real_platform
from tests.sdk.triggers.requests import respond
from tests.support.fix_database import TestServer
from tests.support.waiting import eventually

OPEN = shared_secret("open", header="x-password")


class Invoice(BaseModel):
    """What the body is read as."""

    number: int


# Declaring


async def test_an_endpoint_and_its_jobs_as_the_platform_is_told(app: Perdure) -> None:
    inbox = app.http_endpoint("inbox", source="mail.example", verify=OPEN, title="Mail")

    @app.job(
        id="job",
        version="1.0.0",
        on=inbox.on_request(filter={"method": ["POST"], "headers": {"X-Kind": ["a"]}, "body": {"n": [1]}}),
    )
    async def job(payload: HttpRequest, io: IO) -> None: ...

    manifest = app.manifest().to_wire()
    assert manifest["httpEndpoints"] == [
        {
            "id": "inbox",
            "version": "1",
            "enabled": True,
            "event": {
                "name": "httpendpoint.inbox",
                "title": "Mail",
                "source": "mail.example",
                "icon": "webhook",
            },
            "source": "mail.example",
            "skipTriggeringRuns": False,
        }
    ]
    (described,) = manifest["jobs"]
    assert described["trigger"]["rule"] == {
        "event": "httpendpoint.inbox",
        "source": "mail.example",
        "payload": {"method": ["POST"], "headers": {"x-kind": ["a"]}, "body": {"n": [1]}},
    }
    assert set(described["event"]["schema"]["properties"]) >= {"url", "method", "headers", "rawBody"}


@pytest.mark.parametrize(
    ("filter", "text"),
    [
        ({"method": ["FETCH"]}, "filter.method must be a list of GET"),
        ({"method": "GET"}, "filter.method must be a list of GET"),
        ({"path": ["/x"]}, "filter has no 'path'"),
        ({"query": {"page": "2"}}, r"filter.query.page must be a list"),
        ({"body": {"n": [{"$nope": 1}]}}, r"filter.body.n\[0\]: unknown operator"),
    ],
)
async def test_a_filter_that_could_never_match_is_refused(app: Perdure, filter: Any, text: str) -> None:
    inbox = app.http_endpoint("inbox", source="mail.example", verify=None)
    with pytest.raises(ConfigurationError, match=f"HTTP endpoint 'inbox': {text}"):
        inbox.on_request(filter=filter)
    with pytest.raises(ConfigurationError, match=text):
        inbox.respond(filter)


async def test_what_is_declared_wrongly_is_refused(app: Perdure) -> None:
    inbox = app.http_endpoint("inbox", source="mail.example", verify=None)
    inbox.respond()(lambda request: "yes")
    with pytest.raises(ConfigurationError, match="respond is given twice"):
        inbox.respond()
    with pytest.raises(ConfigurationError, match="taken already"):
        app.http_endpoint("inbox", source="mail.example", verify=None)
    with pytest.raises(ConfigurationError, match="1 to 200 characters"):
        app.http_endpoint("", source="mail.example", verify=None)
    with pytest.raises(ConfigurationError, match="source must not be empty"):
        app.http_endpoint("outbox", source="", verify=None)
    foreign = HttpEndpoint("inbox", source="mail.example", verify=None)
    with pytest.raises(ConfigurationError, match="made by another app"):
        app.job(id="job", version="1.0.0", on=foreign.on_request())(nothing)


async def nothing(payload: HttpRequest, io: IO) -> None:
    """A job."""


# Runs


def payload_of(body: str = "{}", **headers: str) -> dict[str, Any]:
    return {"url": "https://perdure.example/x", "method": "POST", "headers": headers, "rawBody": body}


@pytest.mark.parametrize("plain", [False, True], ids=["async", "plain"])
async def test_a_request_that_is_not_genuine_fails_the_run(
    app: Perdure, platform: FakePlatform, plain: bool
) -> None:
    def check(request: HttpRequest) -> bool:
        if request.header("x-password") != "open":
            raise NotGenuine("wrong password")
        return True

    async def check_later(request: HttpRequest) -> bool:
        return check(request)

    inbox = app.http_endpoint("inbox", source="mail.example", verify=check if plain else check_later)

    @app.job(id="job", version="1.0.0", on=inbox.on_request())
    async def job(payload: HttpRequest, io: IO) -> str:
        return payload.text

    forged = platform.start("job", payload_of(**{"x-password": "guess"}))
    assert await platform.execute(app, forged) == {
        "status": "ERROR",
        "error": {"message": "Payload verification failed. wrong password"},
    }
    genuine = platform.start("job", payload_of("hi", **{"x-password": "open"}))
    assert await platform.execute(app, genuine) == {"status": "SUCCESS", "output": "hi"}
    body = platform.body(forged)
    body["run"]["isTest"] = True
    assert (await post(app, execute_request(body))).json()["status"] == "SUCCESS"


async def test_a_secret_may_change_while_a_run_is_under_way(app: Perdure, platform: FakePlatform) -> None:
    passwords = ["open"]
    inbox = app.http_endpoint(
        "inbox", source="mail.example", verify=lambda request: request.header("x-password") in passwords
    )

    @app.job(id="job", version="1.0.0", on=inbox.on_request())
    async def job(payload: HttpRequest, io: IO) -> str:
        await io.wait("wait", 60)
        return "done"

    run = platform.start("job", payload_of(**{"x-password": "open"}))
    await platform.execute(app, run)
    passwords[:] = ["other"]
    assert (await platform.finish(app, run))["output"] == "done"


async def test_an_invocation_with_something_else_is_no_request(app: Perdure, platform: FakePlatform) -> None:
    inbox = app.http_endpoint("inbox", source="mail.example", verify=OPEN)

    @app.job(id="job", version="1.0.0", on=inbox.on_request())
    async def job(payload: dict[str, Any], io: IO) -> None: ...

    reply = await platform.execute(app, platform.start("job", {"a": 1}))
    assert reply["error"]["message"] == "Payload verification failed. the payload is no request"


async def test_a_failing_check_lets_the_run_be_tried_again(app: Perdure, platform: FakePlatform) -> None:
    def check(request: HttpRequest) -> bool:
        raise ConnectionError("no database")

    inbox = app.http_endpoint("inbox", source="mail.example", verify=check)
    app.job(id="job", version="1.0.0", on=inbox.on_request())(nothing)
    with pytest.raises(AssertionError, match="ConnectionError: no database"):
        await platform.execute(app, platform.start("job", payload_of()))


# Immediate answers


async def test_what_the_app_answers(app: Perdure) -> None:
    seen: list[HttpRequest] = []
    inbox = app.http_endpoint("inbox", source="mail.example", verify=None)

    @inbox.respond({"method": ["POST"]})
    async def answer(request: HttpRequest) -> ImmediateResponse:
        seen.append(request)
        return ImmediateResponse(status=202, headers={"x-answered": "yes"}, body=request.query["q"][0])

    given = HttpRequest(
        url="https://perdure.example/x?q=echo", method="POST", headers={"x-a": "1"}, body=b"\xff\x00raw"
    )
    assert (await respond(app, "inbox", given)).json() == {
        "status": 202,
        "headers": {"x-answered": "yes"},
        "body": "echo",
    }
    assert seen == [given]


@pytest.mark.parametrize(
    ("answered", "body"), [("text", "text"), ({"n": 1}, {"n": 1}), (Invoice(number=3), {"number": 3})]
)
async def test_plain_answers_of_plain_functions(app: Perdure, answered: Any, body: Any) -> None:
    inbox = app.http_endpoint("inbox", source="mail.example", verify=None)
    inbox.respond(start_runs=False)(lambda request: answered)
    answer = await respond(app, "inbox", HttpRequest(url="https://perdure.example/x", method="GET"))
    assert answer.json() == {"status": 200, "body": body}
    assert app.manifest().to_wire()["httpEndpoints"][0]["skipTriggeringRuns"] is True


async def test_an_unknown_endpoint_and_one_without_an_answer(app: Perdure) -> None:
    app.http_endpoint("inbox", source="mail.example", verify=None)
    request = HttpRequest(url="https://perdure.example/x", method="GET")
    for key in ("inbox", "other"):
        assert (await respond(app, key, request)).json() == {"status": 200, "body": {"ok": True}}


async def test_an_answer_that_fails_is_a_500(app: Perdure) -> None:
    inbox = app.http_endpoint("inbox", source="mail.example", verify=None)

    @inbox.respond()
    def answer(request: HttpRequest) -> str:
        raise RuntimeError("no idea")

    answered = await respond(app, "inbox", HttpRequest(url="https://perdure.example/x", method="GET"))
    assert (answered.status_code, answered.json()) == (500, {"message": "RuntimeError: no idea"})


# On the engine


async def url_of(platform: Platform, key: str) -> str:
    headers = {"authorization": f"Bearer {platform.api_key}"}
    listed = await platform.request("GET", "/api/v1/http-endpoints", headers=headers)
    (url,) = [one["url"] for one in json.loads(listed.body) if one["id"] == key]
    assert isinstance(url, str)
    return url


@pytest.mark.parametrize("plain", [False, True], ids=["async", "plain"])
async def test_requests_start_the_jobs_whose_filters_match(perdure_platform: Platform, plain: bool) -> None:
    app = Perdure("shop")
    inbox = app.http_endpoint("inbox", source="mail.example", verify=OPEN)
    on = inbox.on_request(filter={"method": ["POST"], "headers": {"X-Kind": ["invoice"]}})

    async def read(payload: HttpRequest, io: IO) -> list[Any]:
        return [payload.json_body(Invoice).number, payload.query, payload.header("x-kind")]

    def read_plain(payload: HttpRequest, io: SyncIO) -> list[Any]:
        return [payload.json_body(Invoice).number, payload.query, payload.header("x-kind")]

    app.job(id="read", version="1.0.0", on=on)(read_plain if plain else read)
    await perdure_platform.attach(app)
    url = await url_of(perdure_platform, "inbox")
    good = {"x-password": "open", "x-kind": "invoice"}
    answer = await perdure_platform.request("POST", f"{url}?page=2", headers=good, body=b'{"number": 7}')
    assert (answer.status, answer.body) == (200, b"")
    await perdure_platform.request("PUT", url, headers=good)
    await perdure_platform.request("POST", url, headers={**good, "x-kind": "letter"})
    await perdure_platform.request("POST", url, headers={"x-kind": "invoice"})
    read_it, forged = perdure_platform.runs
    assert read_it.output == [7, {"page": ["2"]}, "invoice"]
    assert (forged.status, forged.error) == (
        "FAILURE",
        "Payload verification failed. the request is not genuine",
    )


@pytest.fixture(scope="module")
def stack(postgres_server: TestServer, template_database: str) -> Iterator[RealPlatform]:
    with real_platform(postgres_server, template_database) as platform:
        platform.db.call("set_setting", "public_url", platform.url)
        yield platform


def test_an_app_answers_by_way_of_the_platform(stack: RealPlatform) -> None:
    app = stack.new_app()
    inbox = app.http_endpoint("inbox", source="mail.example", verify=None)

    @inbox.respond({"query": {"challenge": [{"$exists": True}]}})
    def answer(request: HttpRequest) -> ImmediateResponse:
        challenge = request.query["challenge"][0]
        return ImmediateResponse(status=200 if challenge == "right" else 403, body=challenge)

    @app.job(id="read", version="1.0.0", on=inbox.on_request())
    async def read(payload: HttpRequest, io: IO) -> str:
        return payload.text

    stack.register(app)
    with httpx.Client(
        trust_env=False, headers={"authorization": f"Bearer {stack.environment.key}"}
    ) as client:
        (listed,) = client.get(f"{stack.url}/api/v1/http-endpoints").json()
        url = listed["url"]
        refused = client.post(f"{url}?challenge=wrong", content="refused")
        answered = client.post(f"{url}?challenge=right", content="answered")
        other = client.post(url, content="other")
    assert (refused.status_code, refused.text) == (403, "wrong")
    assert (answered.status_code, answered.text) == (200, "right")
    assert (other.status_code, other.text) == (200, "")

    def outputs() -> list[Any]:
        found = stack.db.rows("select output from perdure.runs where status = 'SUCCESS'")
        return sorted(output for (output,) in found)

    assert eventually(lambda: outputs() == ["answered", "other"], what="two runs")
