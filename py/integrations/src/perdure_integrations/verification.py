"""Who sent a request? Checks of signatures and passwords, for HTTP endpoints, webhooks and sources."""

from __future__ import annotations

import base64
import binascii
import hmac
import inspect
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Literal, Protocol, TypeAlias, TypeVar

from perdure.codec import is_async
from perdure.errors import ConfigurationError
from perdure.threads import run_in_thread
from perdure.wire.signing import SignatureError, verify
from perdure_integrations.messages import HttpRequest

_DIGESTS = ("sha1", "sha256", "sha512")


class ReceivedRequest(Protocol):
    """What is checked: an HttpRequest, WebhookRequest or SourceRequest."""

    @property
    def headers(self) -> dict[str, str]:
        """By lower-case names."""
        ...

    @property
    def body(self) -> bytes:
        """As it was sent."""
        ...


Check: TypeAlias = Callable[[ReceivedRequest], bool]
"""What the functions here make: True for a request that is genuine."""

Verify: TypeAlias = Callable[[HttpRequest], bool | Awaitable[bool]]
"""True: the request is genuine. Async or plain; it may also raise NotGenuine, to say why it is not."""


R = TypeVar("R", bound=HttpRequest)


class NotGenuine(Exception):
    """A request was not sent by whom it should be; the text says why."""


def hmac_signature(
    secret: str | Sequence[str],
    *,
    header: str,
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256",
    encoding: Literal["hex", "base64"] = "hex",
    prefix: str = "",
) -> Check:
    """Requests whose body is signed with a secret that only the sender has, as most providers do it.

    GitHub: ``hmac_signature(secret, header="x-hub-signature-256", prefix="sha256=")``. Shopify:
    ``hmac_signature(secret, header="x-shopify-hmac-sha256", encoding="base64")``.

    Args:
        secret: shared with the sender; several while it is being changed.
        header: where the signature is.
        prefix: what stands before it there.
    Raises:
        ConfigurationError: a secret is empty.
    """
    keys = [one.encode() for one in _secrets(secret)]
    if algorithm not in _DIGESTS:
        raise ConfigurationError(f"hmac_signature: algorithm must be one of {', '.join(_DIGESTS)}")

    def check(request: ReceivedRequest) -> bool:
        given = request.headers.get(header.lower(), "")
        if not given.startswith(prefix):
            return False
        signature = _decoded(given.removeprefix(prefix), encoding)
        digests = [hmac.digest(key, request.body, algorithm) for key in keys]
        return any(hmac.compare_digest(signature, digest) for digest in digests)

    return check


def standard_webhooks(secret: str | Sequence[str], *, tolerance: timedelta = timedelta(minutes=5)) -> Check:
    """Requests signed as the Standard Webhooks specification says, in ``webhook-signature``.

    Args:
        secret: ``whsec_`` and base64; several while it is being changed.
        tolerance: how far the sender's clock may be off.
    Raises:
        ConfigurationError: a secret is empty or not base64.
    """
    keys = [_base64_secret(one) for one in _secrets(secret)]
    window_s = int(tolerance.total_seconds())

    def check(request: ReceivedRequest) -> bool:
        received_at = getattr(request, "received_at", None)  # a run may begin long after that
        now = time.time() if received_at is None else received_at.timestamp()
        try:
            verify(keys, request.headers, request.body, now=now, window_s=window_s)
        except SignatureError:
            return False
        return True

    return check


def shared_secret(secret: str | Sequence[str], *, header: str = "authorization", prefix: str = "") -> Check:
    """Requests that carry a password: ``shared_secret(token, prefix="Bearer ")``.

    Args:
        secret: several while it is being changed.
        header: where it is.
        prefix: what stands before it there.
    Raises:
        ConfigurationError: a secret is empty.
    """
    expected = [(prefix + one).encode() for one in _secrets(secret)]

    def check(request: ReceivedRequest) -> bool:
        given = request.headers.get(header.lower(), "").encode()
        return any(hmac.compare_digest(given, one) for one in expected)

    return check


async def problem_of(request: R, check: Callable[[R], bool | Awaitable[bool]]) -> str | None:
    """Why a request is not genuine; None: it is. A plain check is made off the event loop."""
    try:
        answered = check(request) if is_async(check) else await run_in_thread(lambda: check(request))
        passed = await answered if inspect.isawaitable(answered) else answered
    except NotGenuine as error:
        return str(error) or "the request is not genuine"
    return None if passed is True else "the request is not genuine"


def _secrets(secret: str | Sequence[str]) -> list[str]:
    secrets = [secret] if isinstance(secret, str) else list(secret)
    if not secrets or not all(secrets):
        raise ConfigurationError("the secret to check requests with is empty: is its setting there?")
    return secrets


def _base64_secret(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigurationError("standard_webhooks: the secret must be whsec_ and base64") from error


def _decoded(signature: str, encoding: Literal["hex", "base64"]) -> bytes:
    """Empty when it cannot be one, which equals no digest."""
    try:
        if encoding == "hex":
            return bytes.fromhex(signature)
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return b""
