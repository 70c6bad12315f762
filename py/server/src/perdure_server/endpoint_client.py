"""Calls from the server to an app's endpoint whose answer is needed at once, each failure explained.

They are signed. ``api_key`` sends the key itself besides, to an app whose SDK wants that: see ``KeyWanted``.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from perdure.wire import headers
from perdure.wire.base import MalformedMessage, WireModel
from perdure.wire.manifest import PingAnswer, ValidateAnswer
from perdure.wire.sources import ImmediateResponse, TriggerRegistration
from perdure_dispatcher import endpoint_request
from perdure_dispatcher.endpoint_request import EndpointRequest
from perdure_server.json_text import JsonText, MalformedJson, decode_json

Message = TypeVar("Message", bound=WireModel)

MAX_REDIRECTS = 5
_HINT_LENGTH = 200  # characters of a strange answer that are quoted
_KEY_MISSING = "Unauthorized: missing x-trigger-api-key header"


class EndpointFailure(Exception):
    """An endpoint cannot be used as it is.

    Args:
        code: machine-readable, ``ENDPOINT_…``.
        text: what happened and what to do, for the developer of the app.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class KeyWanted(EndpointFailure):
    """The app verifies no signatures and asks for the key itself: the v2 JavaScript SDK."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which app answers, and the URL that did: another one than was asked when it redirected."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class EndpointAnswer:
    """An endpoint's answer, and the URL that gave it: another one than was asked when it redirected."""

    document: JsonText
    headers: Mapping[str, str]
    url: str

    @property
    def sdk(self) -> dict[str, str]:
        """Which SDK answered: ``{"name": "perdure" | "trigger", "version": …}``; empty when unknown."""
        for name, header in (("perdure", headers.PYTHON_SDK_VERSION), ("trigger", headers.JS_SDK_VERSION)):
            if header in self.headers:
                return {"name": name, "version": self.headers[header]}
        return {}


class EndpointClient:
    """Asks endpoints who they are and what they have.

    Args:
        client: shared; not closed here; must not follow redirects.
        timeout_s: seconds for one call, redirects not included.
        answer_limit: most bytes of an answer.
    """

    def __init__(self, client: httpx.AsyncClient, *, timeout_s: float, answer_limit: int) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._answer_limit = answer_limit

    async def ping(
        self, url: str, endpoint_id: str, secrets: Sequence[bytes], api_key: str | None = None
    ) -> Identity:
        """Make sure that the app with this id answers at ``url``.

        Raises:
            EndpointFailure: it does not answer, not in time, not as an endpoint, or is another app's.
            KeyWanted: it asks for the key, and ``api_key`` is None.
        Source: action PING of the trigger.dev v2 endpoint protocol.
        """
        answer = await self._call(
            url,
            secrets,
            lambda: endpoint_request.ping(endpoint_id, secrets=secrets, now=time.time(), api_key=api_key),
        )
        pong = _parse(PingAnswer, answer, "PING")
        if not pong.ok:
            reason = pong.error or "no reason given"
            raise EndpointFailure(
                "ENDPOINT_ID", f"{answer.url} is not the endpoint {endpoint_id!r}: {reason}"
            )
        return Identity(endpoint_id, answer.url)

    async def validate(self, url: str, secrets: Sequence[bytes], api_key: str | None = None) -> Identity:
        """Ask the app at ``url`` for its id.

        Raises:
            EndpointFailure: as for ``ping``.
        Source: action VALIDATE of the trigger.dev v2 endpoint protocol.
        """
        answer = await self._call(
            url, secrets, lambda: endpoint_request.validate(secrets=secrets, now=time.time(), api_key=api_key)
        )
        return Identity(_parse(ValidateAnswer, answer, "VALIDATE").endpoint_id, answer.url)

    async def index(self, url: str, secrets: Sequence[bytes], api_key: str | None = None) -> EndpointAnswer:
        """Read an endpoint's manifest: its jobs, sources and so on.

        Raises:
            EndpointFailure: as for ``ping``.
        Source: action INDEX_ENDPOINT of the trigger.dev v2 endpoint protocol.
        """
        return await self._call(
            url,
            secrets,
            lambda: endpoint_request.index_endpoint(secrets=secrets, now=time.time(), api_key=api_key),
        )

    async def respond(
        self,
        url: str,
        described: Mapping[str, str],
        body: bytes,
        secrets: Sequence[bytes],
        api_key: str | None = None,
    ) -> ImmediateResponse:
        """Ask an endpoint how a request to one of its HTTP endpoints is to be answered.

        Args:
            described: the ``x-ts-*`` headers that tell of the request.
            body: of the request, as it came.
        Raises:
            EndpointFailure: as for ``ping``.
        Source: action DELIVER_HTTP_ENDPOINT_REQUEST_FOR_RESPONSE of the trigger.dev v2 endpoint protocol.
        """
        action = "DELIVER_HTTP_ENDPOINT_REQUEST_FOR_RESPONSE"
        extra = {**described, "content-type": headers.BYTES_TYPE}
        answer = await self._call(
            url,
            secrets,
            lambda: endpoint_request.deliver(
                action, extra, body, secrets=secrets, now=time.time(), api_key=api_key
            ),
        )
        return _parse(ImmediateResponse, answer, action)

    async def initialize_trigger(
        self, url: str, body: bytes, secrets: Sequence[bytes], api_key: str | None = None
    ) -> JsonText:
        """Ask an endpoint what a dynamic trigger wants registered for some parameters.

        Args:
            body: ``{id, params, accountId?, metadata?}``.
        Returns: a ``TriggerRegistration`` as it was written.
        Raises:
            EndpointFailure: as for ``ping``; also when the app has no such trigger.
        Source: action INITIALIZE_TRIGGER of the trigger.dev v2 endpoint protocol.
        """
        action = "INITIALIZE_TRIGGER"
        extra = {"content-type": headers.JSON_TYPE}
        answer = await self._call(
            url,
            secrets,
            lambda: endpoint_request.deliver(
                action, extra, body, secrets=secrets, now=time.time(), api_key=api_key
            ),
        )
        _parse(TriggerRegistration, answer, action)
        return answer.document

    async def _call(
        self, url: str, secrets: Sequence[bytes], build: Callable[[], EndpointRequest]
    ) -> EndpointAnswer:
        """POST, and again where a redirect points; newly signed, since an endpoint refuses a replay."""
        if not secrets:
            raise EndpointFailure(
                "ENDPOINT_NO_KEY",
                "The environment has no active API key to sign the request to the app with: create one",
            )
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._post(url, build())
            if not response.has_redirect_location:
                return EndpointAnswer(_read_answer(url, response), response.headers, url)
            url = str(response.url.join(response.headers["location"]))
        raise EndpointFailure(
            "ENDPOINT_REDIRECTS", f"the endpoint redirected more than {MAX_REDIRECTS} times, last to {url}"
        )

    async def _post(self, url: str, request: EndpointRequest) -> httpx.Response:
        try:
            async with (
                asyncio.timeout(self._timeout_s),  # httpx's own timeouts start anew with every byte
                self._client.stream("POST", url, headers=request.headers, content=request.body) as response,
            ):
                return await self._read(url, response)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise EndpointFailure(
                "ENDPOINT_TIMEOUT",
                f"Could not connect to endpoint {url}: no answer within {self._timeout_s:g} s",
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise EndpointFailure(
                "ENDPOINT_UNREACHABLE",
                f"Could not connect to endpoint {url}: {str(error) or type(error).__name__}. "
                "Is the app running, and can the Perdure server reach this URL?",
            ) from error

    async def _read(self, url: str, response: httpx.Response) -> httpx.Response:
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > self._answer_limit:
                raise EndpointFailure(
                    "ENDPOINT_ANSWER", f"{url} answered more than {self._answer_limit} bytes"
                )
            chunks.append(chunk)
        return httpx.Response(
            response.status_code,
            headers=[(name, value) for name, value in response.headers.items() if name not in _BODY_HEADERS],
            content=b"".join(chunks),
            request=response.request,
        )


_BODY_HEADERS = (
    "content-encoding",
    "content-length",
    "transfer-encoding",
)  # they describe the body as it travelled


def _read_answer(url: str, response: httpx.Response) -> JsonText:
    if response.status_code == 401:
        hint = _hint(response)
        raise (KeyWanted if hint == _KEY_MISSING else EndpointFailure)(
            "ENDPOINT_UNAUTHORIZED",
            f"{url} refused the request (401): {hint}. Give the app the secret API key of the environment "
            "that it is registered in (PERDURE_API_KEY; the JavaScript SDK reads TRIGGER_API_KEY)",
        )
    if response.status_code != 200:
        raise EndpointFailure("ENDPOINT_STATUS", f"{url} answered {response.status_code}: {_hint(response)}")
    try:
        document = decode_json(response.content)
    except MalformedJson as error:
        kind = response.headers.get("content-type", "something without a content-type").split(";")[0]
        raise EndpointFailure(
            "ENDPOINT_ANSWER",
            f"{url} answered {kind} instead of JSON. Is this the URL where the app serves Perdure? "
            f"It begins: {_hint(response)}",
        ) from error
    if not isinstance(document.value, dict):
        raise EndpointFailure("ENDPOINT_ANSWER", f"{url} answered JSON that is no object: {_hint(response)}")
    return document


def _parse(message: type[Message], answer: EndpointAnswer, action: str) -> Message:
    try:
        return message.parse(answer.document.text)
    except MalformedMessage as error:
        raise EndpointFailure(
            "ENDPOINT_ANSWER", f"{answer.url} did not answer {action} as an endpoint: {error}"
        ) from error


def _hint(response: httpx.Response) -> str:
    """What the answer says, short: the message of a JSON answer, else how the text begins."""
    try:
        document: Any = json.loads(response.content)
        text = document["message"] if isinstance(document["message"], str) else response.text
    except (ValueError, KeyError, TypeError, RecursionError):
        text = response.text
    text = " ".join(text.split())
    return text if len(text) <= _HINT_LENGTH else text[:_HINT_LENGTH] + "…"
