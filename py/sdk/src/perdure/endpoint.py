"""The app's one HTTP endpoint, without any framework: what the platform asks, and what is answered."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perdure import wire
from perdure.codec import Codec, return_annotation
from perdure.errors import MissingSetting
from perdure.hooks import run_hooks, wanted_of
from perdure.job import AnyJob, InvalidPayloadError
from perdure.options import to_display_properties
from perdure.threads import run_blocking, run_in_thread
from perdure.version import VERSION
from perdure.wire import headers as names
from perdure.wire.base import MalformedMessage, WireModel
from perdure.wire.execution import ExecuteJob
from perdure.wire.headers import Action
from perdure.wire.signing import ReplayGuard, SignatureError, derive_signing_secret, verify

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

    async def handle(
        self, method: str, headers: Mapping[str, str], body: bytes, *, time_left_ms: float | None = None
    ) -> EndpointAnswer:
        """Answer one request; ``HEAD`` is a health check. Never raises for anything a request contains.

        Args:
            headers: names in any case.
            body: as it came in, byte for byte: it is signed.
            time_left_ms: what the host still allows, if it says so.
        """
        if method == "HEAD":
            return EndpointAnswer(200, {}, b"")
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
        return await self.act(action, headers, body, time_left_ms=time_left_ms)

    async def act(
        self, action: Action, headers: Mapping[str, str], body: bytes, *, time_left_ms: float | None = None
    ) -> EndpointAnswer:
        """Answer a request that is known to be the platform's. Never raises for anything it contains.

        Args:
            headers: names in lower case.
            body: as for ``handle``; so is ``time_left_ms``.
        """
        try:
            return await self._act(action, headers, body, time_left_ms)
        except MalformedMessage as error:
            return _refuse(400, f"Invalid request: {error}")
        except Exception as error:
            _log.exception("the endpoint of app %r failed on %s", self._app.id, action)
            return _refuse(500, f"{type(error).__name__}: {error}")

    def handle_blocking(
        self, method: str, headers: Mapping[str, str], body: bytes, *, time_left_ms: float | None = None
    ) -> EndpointAnswer:
        """The same for hosts without an event loop: plain jobs run in the thread of the request."""
        return run_blocking(lambda: self.handle(method, headers, body, time_left_ms=time_left_ms))

    def too_large(self) -> EndpointAnswer:
        """The answer to a body beyond the limit."""
        return _refuse(
            413, f"Body too large: at most {self.max_body_bytes} bytes; see max_body_bytes of Perdure()"
        )

    def _check_signature(self, headers: Mapping[str, str], body: bytes) -> str:
        secrets = [derive_signing_secret(key) for key in self._app.settings.api_keys]
        return verify(secrets, headers, body, now=time.time(), seen=self._seen)

    async def _act(
        self, action: Action, headers: Mapping[str, str], body: bytes, time_left_ms: float | None
    ) -> EndpointAnswer:
        match action:
            case Action.PING:
                return _answer(self._ping(headers.get(names.ENDPOINT_ID)))
            case Action.VALIDATE:
                return _answer(wire.manifest.ValidateAnswer(ok=True, endpoint_id=self._app.id))
            case Action.INDEX_ENDPOINT:
                return _answer(self._app.manifest())
            case Action.EXECUTE_JOB:
                return await self._execute(headers, body, time_left_ms)
            case Action.PREPROCESS_RUN:
                return await self._preprocess(wire.notifications.PreprocessRun.parse(body))
            case Action.RUN_NOTIFICATION:
                return await self._notify(wire.notifications.RunNotification[Any].parse(body))
            case Action.PROBE_EXECUTION_TIMEOUT:
                await asyncio.sleep(
                    wire.notifications.ProbeExecutionTimeout.parse(body or b"{}").timeout / 1000
                )
                return _answer(wire.notifications.NotificationAnswer())
            case _:  # what other services send
                status, answer = await self._app.registry.services.act(self._app, action, headers, body)
                return _answer(answer, status)

    def _ping(self, endpoint_id: str | None) -> wire.manifest.PingAnswer:
        if endpoint_id is None:
            return wire.manifest.PingAnswer(ok=False, error=f"header {names.ENDPOINT_ID} is missing")
        if endpoint_id != self._app.id:
            return wire.manifest.PingAnswer(
                ok=False, error=f"endpoint id mismatch: expected {self._app.id!r}, received {endpoint_id!r}"
            )
        return wire.manifest.PingAnswer(ok=True)

    async def _execute(
        self, headers: Mapping[str, str], body: bytes, time_left_ms: float | None
    ) -> EndpointAnswer:
        request = ExecuteJob.parse(body)
        job = self._app.find_job(request.job.id)
        if job is None:
            return self._no_job(request.job.id)
        from perdure.execution import Execution  # half of the SDK, which programs that only send events spare

        version = headers.get(names.PERDURE_VERSION, "1")
        reply = await Execution(
            self._app,
            job,
            request,
            extension_version=int(version) if version.isdigit() else 1,
            time_left_ms=time_left_ms,
        ).run()
        answer = _answer(reply)
        hooks = () if job.internal else (job.hooks, self._app.hooks)
        answer.headers[names.RUN_METADATA] = wanted_of(*hooks)
        return answer

    async def _preprocess(self, request: wire.notifications.PreprocessRun) -> EndpointAnswer:
        job = self._app.find_job(request.job.id)
        if job is None:
            return self._no_job(request.job.id)
        properties_of = job.on.run_properties
        if properties_of is None:
            return _answer(wire.notifications.PreprocessAnswer())
        try:
            payload = job.decode_payload(request.event.payload)
        except InvalidPayloadError:  # the run itself will say so
            return _answer(wire.notifications.PreprocessAnswer())
        properties = to_display_properties(await run_in_thread(lambda: properties_of(payload)))
        return _answer(wire.notifications.PreprocessAnswer(properties=properties or []))

    async def _notify(self, notification: wire.notifications.RunNotification[Any]) -> EndpointAnswer:
        """A job that is gone has no hooks any more; those of the app are called."""
        job = self._app.find_job(notification.job.id)
        if job is not None and notification.has_output:
            output = _output_of(job, notification.output)
            notification = notification.model_copy(update={"output": output})
        hooks = [self._app.hooks] if job is None else [job.hooks, self._app.hooks]
        await run_hooks(notification, *hooks)
        return _answer(wire.notifications.NotificationAnswer())

    def _no_job(self, job_id: str) -> EndpointAnswer:
        known = ", ".join(sorted(one.id for one in self._app.jobs)) or "none"
        return _refuse(404, f"Job not found: {job_id!r}; this app has {known}")


def _output_of(job: AnyJob, output: Any) -> Any:
    codec = Codec[Any](return_annotation(job.fn), f"the output of job {job.id!r}", read_back=False)
    return codec.decode(output)


def _answer(message: WireModel, status: int = 200) -> EndpointAnswer:
    return EndpointAnswer(status, _headers(), message.to_wire_bytes())


def _refuse(status: int, message: str) -> EndpointAnswer:
    return _answer(wire.manifest.MessageAnswer(message=message), status)


def _headers() -> dict[str, str]:
    return {
        "content-type": names.JSON_TYPE,
        names.SDK_PROTOCOL_VERSION: names.PROTOCOL_VERSION,
        names.PYTHON_SDK_VERSION: VERSION,
    }
