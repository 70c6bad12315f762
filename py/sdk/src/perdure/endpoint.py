"""The app's one HTTP endpoint, without any framework: what the platform asks, and what is answered."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perdure.errors import MissingSetting
from perdure.execution import Execution
from perdure.version import VERSION
from perdure.wire import headers as names
from perdure.wire.base import MalformedMessage, WireModel
from perdure.wire.execution import ExecuteJob
from perdure.wire.headers import Action
from perdure.wire.manifest import MessageAnswer, PingAnswer, ValidateAnswer
from perdure.wire.signing import ReplayGuard, SignatureError, derive_signing_secret, verify
from perdure.wire.sources import DeliverAnswer, read_source_headers

if TYPE_CHECKING:
    from perdure.app import Perdure

_log = logging.getLogger("perdure.endpoint")


@dataclass(frozen=True, slots=True)
class EndpointAnswer:
    """What an adapter sends back."""

    status: int
    headers: dict[str, str]
    body: bytes


class Endpoint:
    """Answers the platform's requests for one app. Adapters translate to and from it.

    Only signed requests are answered; each once (within one process).
    """

    def __init__(self, app: Perdure) -> None:
        self._app = app
        self._seen = ReplayGuard()

    @property
    def max_body_bytes(self) -> int:
        """Longest body that an adapter should read; beyond it, answer ``too_large()``."""
        return self._app.max_body_bytes

    async def handle(self, method: str, headers: Mapping[str, str], body: bytes) -> EndpointAnswer:
        """Answer one request. Never raises for anything a request contains.

        Args:
            headers: names in any case.
            body: as it came in, byte for byte: it is signed.
        """
        headers = {name.lower(): value for name, value in headers.items()}
        if len(body) > self.max_body_bytes:
            return self.too_large()
        try:
            message_id = self._check_signature(headers, body)
        except (SignatureError, MissingSetting) as error:
            return _refuse(401, f"Unauthorized: {error}")
        if method != "POST":
            return _refuse(405, f"Method not allowed: {method}; the platform sends POST")
        if names.ACTION not in headers:
            return _refuse(400, f"Missing {names.ACTION} header")
        try:
            action = Action(headers[names.ACTION])
        except ValueError:
            return _refuse(405, f"Method not allowed: unknown action {headers[names.ACTION][:80]!r}")
        if not message_id.startswith(f"{action.value}_"):
            return _refuse(
                401, f"Unauthorized: {names.WEBHOOK_ID} was not made for the action {action.value}"
            )
        try:
            return await self._act(action, headers, body)
        except MalformedMessage as error:
            return _refuse(400, f"Invalid request: {error}")
        except Exception as error:
            _log.exception("the endpoint of app %r failed on %s", self._app.id, action)
            return _refuse(500, f"{type(error).__name__}: {error}")

    def too_large(self) -> EndpointAnswer:
        """The answer to a body beyond the limit."""
        return _refuse(
            413, f"Body too large: at most {self.max_body_bytes} bytes; see max_body_bytes of Perdure()"
        )

    def _check_signature(self, headers: Mapping[str, str], body: bytes) -> str:
        secret = derive_signing_secret(self._app.settings.api_key)
        return verify(secret, headers, body, now=time.time(), seen=self._seen)

    async def _act(self, action: Action, headers: Mapping[str, str], body: bytes) -> EndpointAnswer:
        match action:
            case Action.PING:
                return _answer(self._ping(headers.get(names.ENDPOINT_ID)))
            case Action.VALIDATE:
                return _answer(ValidateAnswer(ok=True, endpoint_id=self._app.id))
            case Action.INDEX_ENDPOINT:
                return _answer(self._app.manifest())
            case Action.EXECUTE_JOB:
                return await self._execute(body)
            case Action.DELIVER_HTTP_SOURCE_REQUEST:
                return await self._deliver(headers, body)

    def _ping(self, endpoint_id: str | None) -> PingAnswer:
        if endpoint_id is None:
            return PingAnswer(ok=False, error=f"header {names.ENDPOINT_ID} is missing")
        if endpoint_id != self._app.id:
            return PingAnswer(
                ok=False, error=f"endpoint id mismatch: expected {self._app.id!r}, received {endpoint_id!r}"
            )
        return PingAnswer(ok=True)

    async def _execute(self, body: bytes) -> EndpointAnswer:
        request = ExecuteJob.parse(body)
        job = self._app.find_job(request.job.id)
        if job is None:
            known = ", ".join(sorted(one.id for one in self._app.jobs)) or "none"
            return _refuse(404, f"Job not found: {request.job.id!r}; this app has {known}")
        reply = await Execution(job, request, self._app.api, client_id=self._app.id).run()
        answer = _answer(reply)
        answer.headers[names.RUN_METADATA] = "{}"
        return answer

    async def _deliver(self, headers: Mapping[str, str], body: bytes) -> EndpointAnswer:
        request = read_source_headers(headers, body)
        source = self._app.find_source(request.key)
        return _answer(DeliverAnswer() if source is None else await source.handle(request))


def _answer(message: WireModel) -> EndpointAnswer:
    return EndpointAnswer(200, _headers(), message.to_wire_bytes())


def _refuse(status: int, message: str) -> EndpointAnswer:
    return EndpointAnswer(status, _headers(), MessageAnswer(message=message).to_wire_bytes())


def _headers() -> dict[str, str]:
    return {
        "content-type": names.JSON_TYPE,
        names.SDK_PROTOCOL_VERSION: names.PROTOCOL_VERSION,
        names.PYTHON_SDK_VERSION: VERSION,
    }
