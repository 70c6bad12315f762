"""Pure: what an HTTP exchange means. The database decides what follows from it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from json.encoder import encode_basestring_ascii
from typing import NamedTuple

from perdure.wire.base import MalformedMessage
from perdure.wire.headers import RUN_METADATA
from perdure.wire.http import HttpError, HttpResponse, RequestTimedOut, ResponseTooLarge
from perdure_dispatcher.addresses import AddressRefused
from perdure_dispatcher.batch_answer import MalformedBatch

NO_KEY = "The environment has no active API key to sign the request with: create one"

_LONGEST_MESSAGE = 2000  # characters; an endpoint may answer megabytes, a message is for people
_EXCERPT = 120
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


_STRICT = json.JSONDecoder(parse_constant=_refuse)


class Verdict(StrEnum):
    """What came of one request, spelled as ``apply_results`` and ``apply_delivery_results`` take it."""

    REPLY = "REPLY"
    UNREACHABLE = "UNREACHABLE"
    TIMEOUT = "TIMEOUT"
    REFUSED = "REFUSED"
    FUNCTION_TIMEOUT = "FUNCTION_TIMEOUT"
    MALFORMED = "MALFORMED"


class Judgement(NamedTuple):
    """A verdict with what is known about it.

    Args:
        http_status: None when no answer came.
        message: for people; None when there is nothing to say.
        reply: the reply to EXECUTE_JOB as the endpoint wrote it, JSON; only with REPLY.
        metadata: JSON of an object that came in a header beside the reply.
        headers: JSON of an object with the headers of the answer to a delivery.
        body: JSON of the text that is the body of the answer to a delivery.
    """

    verdict: Verdict
    http_status: int | None = None
    message: str | None = None
    reply: bytes | None = None
    metadata: bytes | None = None
    headers: bytes | None = None
    body: bytes | None = None

    def result(self, id_member: str, id: str, *, lease_number: int, duration_ms: int) -> bytes:
        """The JSON that tells the database what came of a claim; what was answered goes in as it was written.

        Args:
            id_member: ``runId`` or ``deliveryId``: what ``id`` is called there.
        """
        text = (
            f'{{"{id_member}":{encode_basestring_ascii(id)},"leaseNumber":{lease_number},'
            f'"verdict":"{self.verdict}","durationMs":{duration_ms}'
        )
        if self.http_status is not None:
            text += f',"httpStatus":{self.http_status}'
        if self.message is not None:
            text += f',"message":{encode_basestring_ascii(self.message)}'
        members = [text.encode()]
        if self.reply is not None:
            members.append(b'"reply":%b' % self.reply)
        if self.metadata is not None:
            members.append(b'"metadata":%b' % self.metadata)
        if self.headers is not None:
            members.append(b'"headers":%b' % self.headers)
        if self.body is not None:
            members.append(b'"body":%b' % self.body)
        return b",".join(members) + b"}"


def judge_answer(answer: HttpResponse, parse: Callable[[bytes], object]) -> Judgement:
    """Tell what an endpoint's answer to EXECUTE_JOB means.

    Args:
        parse: reads the body of a good answer; raises MalformedMessage when it is none.
    Source: "Non-200 or no answer" of the trigger.dev v2 endpoint protocol; a redirect is not in it: it is
    never followed, because the signed body would go to an address that nobody registered.
    """
    status = answer.status
    if status == 200:
        return _judge_reply(answer, parse)
    if _is_function_timeout(answer):
        message = f"The host stopped the function: it took too long ({status})"
        return Judgement(Verdict.FUNCTION_TIMEOUT, status, _stated_message(answer.body) or message)
    if 300 <= status < 400:
        target = answer.headers.get("location", "nowhere")
        message = (
            f"Endpoint answered {status}, a redirect to {target}; register the final URL: none is followed"
        )
        return Judgement(Verdict.REFUSED, status, _clean(message))
    if 400 <= status < 600:
        verdict = Verdict.REFUSED if status < 500 else Verdict.UNREACHABLE
        message = f"Endpoint responded with {status} status code"
        return Judgement(verdict, status, _stated_message(answer.body) or message)
    message = f"Endpoint answered {status} where a reply comes with 200; {_describe(answer)}"
    return Judgement(Verdict.MALFORMED, status, _clean(message))


def judge_failure(error: HttpError) -> Judgement:
    """Tell what it means that no usable answer came."""
    if isinstance(error, ResponseTooLarge):
        return Judgement(Verdict.MALFORMED, message=_clean(f"The answer is too large: {error}"))
    if isinstance(error, MalformedBatch):
        message = f"Endpoint answered 200, but {error}; a line begins with: {_excerpt(error.line)}"
        return Judgement(Verdict.MALFORMED, 200, _clean(message))
    return Judgement(Verdict.UNREACHABLE, message=_clean(str(error)))


def judge_delivery(answer: HttpResponse) -> Judgement:
    """Any answer to a delivery, as it came: what it means depends on the delivery, and the database knows."""
    body = answer.body.decode(errors="replace")
    return Judgement(
        Verdict.REPLY,
        answer.status,
        headers=json.dumps(answer.headers).encode(),
        body=json.dumps(body).encode(),
    )


def judge_delivery_failure(error: HttpError) -> Judgement:
    """Tell what it means that no usable answer to a delivery came."""
    if isinstance(error, RequestTimedOut):
        return Judgement(Verdict.TIMEOUT, message=_clean(str(error)))
    if isinstance(error, AddressRefused):
        return Judgement(Verdict.REFUSED, message=_clean(str(error)))
    return judge_failure(error)


def judge_unsendable(reason: str) -> Judgement:
    """What to report when a request lacks a key: try again, somebody may mend it meanwhile."""
    return Judgement(Verdict.UNREACHABLE, message=_clean(reason))


def judge_own_error(error: Exception) -> Judgement:
    """What to report when the dispatcher itself failed: try again, and show why."""
    message = f"The dispatcher failed: {type(error).__name__}: {error}"
    return Judgement(Verdict.UNREACHABLE, message=_clean(message))


def judge_refused(judgement: Judgement, error: Exception) -> Judgement:
    """What to report when the database refuses a judgement: JSON may hold what Postgres cannot store."""
    verdict = Verdict.MALFORMED if judgement.verdict is Verdict.REPLY else judgement.verdict
    message = _clean(f"The database refused what the endpoint answered: {error}")
    return Judgement(verdict, judgement.http_status, message)


def _judge_reply(answer: HttpResponse, parse: Callable[[bytes], object]) -> Judgement:
    try:
        parse(answer.body)
    except MalformedMessage as error:
        message = f"Endpoint answered 200, but {error}; {_describe(answer)}"
        return Judgement(Verdict.MALFORMED, 200, _clean(message))
    return Judgement(Verdict.REPLY, 200, reply=answer.body, metadata=_metadata(answer.headers))


def _is_function_timeout(answer: HttpResponse) -> bool:
    status, headers, body = answer.status, answer.headers, answer.body
    return (
        status in (408, 504)  # 504 with x-amz-cf-id (CloudFront in front of Lambda) included
        or headers.get("x-vercel-error") == "FUNCTION_INVOCATION_TIMEOUT"
        or (status == 502 and b"TIME_LIMIT" in body)
        or (status == 503 and "cf-ray" in headers and b"Worker exceeded resource limits" in body)
    )


def _stated_message(body: bytes) -> str | None:
    """The text of a JSON body ``{"message": …}``."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    message = parsed.get("message") if isinstance(parsed, dict) else None
    return _clean(message) if isinstance(message, str) and message.strip() else None


def _metadata(headers: Mapping[str, str]) -> bytes | None:
    """The header beside a reply, if it is an object. It asks for a notification at most: the reply counts."""
    text = headers.get(RUN_METADATA, "")
    if text in ("", "{}"):  # as good as always
        return None
    try:
        return text.encode() if isinstance(_STRICT.decode(text), dict) else None
    except (ValueError, RecursionError):
        return None


def _describe(answer: HttpResponse) -> str:
    """What the body is, for somebody who looks for the mistake."""
    body = answer.body.lstrip()
    encoding = answer.headers.get("content-encoding")
    if not body:
        return "the body is empty"
    if encoding:
        return f"the body is encoded as {encoding}, though no encoding was asked for"
    if body[:1] == b"<":
        title = _TITLE.search(body)
        named = f' titled "{_excerpt(title[1])}"' if title else ""
        return f"the body is an HTML page{named}: does the registered URL lead to the Perdure endpoint?"
    kind = answer.headers.get("content-type", "no content type")
    return f"the body ({kind}) begins with: {_excerpt(body)}"


def _excerpt(body: bytes) -> str:
    return " ".join(body[: 4 * _EXCERPT].decode(errors="replace").split())[:_EXCERPT]


def _clean(text: str) -> str:
    """Cut to a length for people, without what Postgres cannot store: NUL and halves of surrogate pairs."""
    return text[:_LONGEST_MESSAGE].replace("\x00", "\ufffd").encode(errors="replace").decode()
