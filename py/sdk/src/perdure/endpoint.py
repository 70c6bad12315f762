"""The app's one HTTP endpoint, without any framework."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import to_json

from perdure import wire
from perdure.codec import Codec, return_annotation
from perdure.errors import MissingSetting
from perdure.hooks import run_hooks, wanted_of
from perdure.job import AnyJob, InvalidPayloadError
from perdure.options import to_display_properties
from perdure.threads import run_blocking, run_in_thread
from perdure.wire import headers as names
from perdure.wire.base import MalformedMessage, WireModel
from perdure.wire.execution import ExecuteJob
from perdure.wire.headers import Action
from perdure.wire.signing import ReplayGuard, SignatureError, derive_signing_secret, verify

if TYPE_CHECKING:
    from perdure.app import Perdure
    from perdure.execution import Execution

_log = logging.getLogger("perdure.endpoint")
_ACTIONS = {action.value: action for action in Action}


class EndpointAnswer(NamedTuple):
    """What an adapter sends back."""

    status: int
    headers: dict[str, str]
    body: bytes
    stream: Callable[[Callable[[bytes, bool], Awaitable[None]]], Awaitable[None]] | None = None
    """Writes the body, for adapters that stream: each piece, and whether there is more to come."""
    took_ms: int = 0
    """For how long a job was at work."""


class Endpoint:
    """Answers the platform's signed requests for one app, each once. Adapters translate to and from it."""

    def __init__(self, app: Perdure) -> None:
        self._app = app
        self._seen = ReplayGuard()

    @property
    def max_body_bytes(self) -> int:
        """Longest body that an adapter should read; beyond it, answer ``too_large()``."""
        return self._app.max_body_bytes

    async def handle(
        self,
        method: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        time_left_ms: float | None = None,
        streams: bool = False,
    ) -> EndpointAnswer:
        """Answer one request; ``HEAD`` is a health check. Never raises for anything a request contains.

        Args:
            headers: names in lower case.
            body: as it came in, byte for byte: it is signed.
            time_left_ms: what the host still allows, if it says so.
            streams: whether an answer can be sent piece by piece.
        """
        if method == "HEAD":
            return EndpointAnswer(200, {}, b"")
        if len(body) > self.max_body_bytes:
            return self.too_large()
        try:
            message_id = self._check_signature(headers, body)
        except (SignatureError, MissingSetting) as error:
            return _refuse(401, f"Unauthorized: {error}")
        if method != "POST":
            return _refuse(405, f"Method not allowed: {method}; the platform sends POST")
        named = headers.get(names.ACTION)
        if named is None:
            return _refuse(400, f"Missing {names.ACTION} header")
        action = _ACTIONS.get(named)
        if action is None:
            return _refuse(405, f"Method not allowed: unknown action {named[:80]!r}")
        if not message_id.startswith(f"{named}_"):
            return _refuse(401, f"Unauthorized: {names.WEBHOOK_ID} was not made for the action {named}")
        batches = streams and self._app.max_batch > 1
        if action is Action.EXECUTE_JOBS:
            return self._execute_many(headers, body) if batches else _refuse(405, "No EXECUTE_JOBS here")
        answer = await self.act(action, headers, body, time_left_ms=time_left_ms)
        if batches and action is Action.EXECUTE_JOB:
            answer.headers[names.MOST_IN_BATCH] = str(self._app.max_batch)
        return answer

    async def act(
        self, action: Action, headers: Mapping[str, str], body: bytes, *, time_left_ms: float | None = None
    ) -> EndpointAnswer:
        """Answer a request that is known to be the platform's. Never raises for anything it contains.

        Args:
            headers: names in lower case.
            body: as for ``handle``; so is ``time_left_ms``.
        """
        if action is Action.EXECUTE_JOB:
            answer = await self.execute(headers, body, time_left_ms=time_left_ms)
            if answer.status != 200:
                return answer
            told = {names.TOOK_MS: str(answer.took_ms), names.RUN_METADATA: "{}"}
            return answer._replace(headers=_headers() | told | answer.headers)
        try:
            return await self._act(action, headers, body)
        except Exception as error:
            return self.failed(action, error)

    async def execute(
        self, headers: Mapping[str, str], body: bytes, *, time_left_ms: float | None = None
    ) -> EndpointAnswer:
        """Answer EXECUTE_JOB, as ``act``, without the headers that all answers have."""
        execution = self.prepare(headers, body, time_left_ms=time_left_ms)
        if isinstance(execution, EndpointAnswer):
            return execution
        try:
            return self.answer(execution, await execution.run())
        except Exception as error:
            return self.failed(Action.EXECUTE_JOB, error)

    def prepare(
        self, headers: Mapping[str, str], body: bytes, *, time_left_ms: float | None = None
    ) -> Execution | EndpointAnswer:
        """The execution that EXECUTE_JOB asks for, or a refusal."""
        try:
            request = ExecuteJob.parse(body)
        except Exception as error:
            return self.failed(Action.EXECUTE_JOB, error)
        job = self._app.find_job(request.job.id)
        if job is None:
            return self._no_job(request.job.id)
        from perdure.execution import Execution  # half of the SDK, which programs without jobs spare

        version = headers.get(names.PERDURE_VERSION, "1")
        speaks = int(version) if version.isdigit() else 1
        return Execution(self._app, job, request, body, extension_version=speaks, time_left_ms=time_left_ms)

    def answer(self, execution: Execution, reply: bytes) -> EndpointAnswer:
        """The answer with a reply; as ``execute``."""
        job = execution.job
        wanted = None if job.internal else wanted_of(job.hooks, self._app.hooks)
        told = {} if wanted is None else {names.RUN_METADATA: wanted}
        return EndpointAnswer(200, told, reply, took_ms=execution.took_ms)

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

    async def _act(self, action: Action, headers: Mapping[str, str], body: bytes) -> EndpointAnswer:
        match action:
            case Action.PING:
                return _answer(self._ping(headers.get(names.ENDPOINT_ID)))
            case Action.VALIDATE:
                return _answer(wire.manifest.ValidateAnswer(ok=True, endpoint_id=self._app.id))
            case Action.INDEX_ENDPOINT:
                return _answer(self._app.manifest())
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

    def _execute_many(self, headers: Mapping[str, str], body: bytes) -> EndpointAnswer:
        bodies = body.removesuffix(b"\n").split(b"\n")
        if len(bodies) > self._app.max_batch:
            return _refuse(400, f"At most {self._app.max_batch} executions; see max_batch of Perdure()")
        stream = partial(_execute_all, partial(self.execute, headers), bodies)
        streamed = {"content-type": names.NDJSON_TYPE, "x-accel-buffering": "no"}
        return EndpointAnswer(200, _headers() | streamed, b"", stream)

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

    def failed(self, action: Action, error: BaseException) -> EndpointAnswer:
        """The answer to what is not the job's mistake."""
        if isinstance(error, MalformedMessage):
            return _refuse(400, f"Invalid request: {error}")
        _log.error("the endpoint of app %r failed on %s", self._app.id, action, exc_info=error)
        return _refuse(500, f"{type(error).__name__}: {error}")

    def _no_job(self, job_id: str) -> EndpointAnswer:
        known = ", ".join(sorted(one.id for one in self._app.jobs)) or "none"
        return _refuse(404, f"Job not found: {job_id!r}; this app has {known}")


async def _execute_all(
    execute: Callable[[bytes], Coroutine[Any, Any, EndpointAnswer]],
    bodies: Sequence[bytes],
    write: Callable[[bytes, bool], Awaitable[None]],
) -> None:
    """Answer EXECUTE_JOBS, an extension of ours: executions in one request, answered as they end.

    The request has a line for each, an EXECUTE_JOB's body. The answer has two, in the order in which they
    end: a head ``{"index": line, from 0, "status", "ms": since the request came, "took": since the job was
    called, "headers"}``, and the body. Goes on when nobody listens any more; cancelled, cancels them.

    Args:
        execute: answers one; raises nothing.
        write: sends a piece of the answer, and whether there is more to come.
    """
    came_at = time.monotonic()
    tasks: set[asyncio.Task[EndpointAnswer]] = set()
    lines: list[bytes] = []
    news = asyncio.Event()

    def end(index: int, task: asyncio.Task[EndpointAnswer]) -> None:
        tasks.discard(task)
        news.set()
        if not task.cancelled():
            answer = task.result()
            ms = round((time.monotonic() - came_at) * 1000)
            told = {"ms": ms, "took": answer.took_ms, "headers": answer.headers}
            head = {"index": index, "status": answer.status, **told}
            lines.extend((to_json(head), b"\n", answer.body, b"\n"))

    loop = asyncio.get_running_loop()
    for index, body in enumerate(bodies):
        task = loop.create_task(execute(body))
        tasks.add(task)
        task.add_done_callback(partial(end, index))
    listens = more = True
    try:
        while more:
            await news.wait()
            news.clear()
            more, piece = bool(tasks), b"".join(lines)
            lines.clear()
            if listens:
                try:
                    await write(piece, more)
                except Exception:
                    listens = False
    finally:
        for task in tasks:
            task.cancel()


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
        names.PYTHON_SDK_VERSION: names.VERSION,
    }
