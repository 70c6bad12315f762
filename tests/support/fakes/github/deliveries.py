"""How GitHub calls a hook: signed, with its headers, from threads of its own, never retried by itself."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from urllib.parse import urlencode
from uuid import uuid4

import httpx

from tests.support.fakes.github.state import Delivery, Hook, Ids, JsonObject, Repository, now

TIMEOUT_S = 10.0  # GitHub gives a receiver this long


def sign(secret: str, body: bytes, digest: str = "sha256") -> str:
    """The value of ``X-Hub-Signature-256`` (or, with sha1, of ``X-Hub-Signature``) for a body."""
    return f"{digest}=" + hmac.new(secret.encode(), body, digest).hexdigest()


def delivery_headers(repo: Repository, hook: Hook, delivery: Delivery) -> dict[str, str]:
    """Every header of a delivery."""
    form = hook.content_type == "form"
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
        "User-Agent": "GitHub-Hookshot/" + hashlib.sha256(b"fake").hexdigest()[:7],
        "X-GitHub-Delivery": delivery.guid,
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Hook-ID": str(hook.id),
        "X-GitHub-Hook-Installation-Target-ID": str(repo.id),
        "X-GitHub-Hook-Installation-Target-Type": "repository",
    }
    if hook.secret is not None:
        headers["X-Hub-Signature"] = sign(hook.secret, delivery.body, "sha1")
        headers["X-Hub-Signature-256"] = sign(hook.secret, delivery.body)
    return headers


class Deliverer:
    """Sends deliveries and notes the answers on their hooks."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="github-delivery")
        self._pending: set[Future[Delivery]] = set()

    def send(
        self,
        repo: Repository,
        hook: Hook,
        event: str,
        payload: JsonObject,
        *,
        guid: str | None = None,
        redelivery: bool = False,
        headers: dict[str, str | None] | None = None,
    ) -> Future[Delivery]:
        """Start one delivery. ``headers`` replace the real ones, None leaves one out: to sign wrongly."""
        text = json.dumps(payload, separators=(",", ":"))
        delivery = Delivery(
            id=self._ids.next(),
            guid=guid or str(uuid4()),
            event=event,
            action=payload.get("action"),
            body=(urlencode({"payload": text}) if hook.content_type == "form" else text).encode(),
            delivered_at=now(),
            redelivery=redelivery,
        )
        hook.deliveries.append(delivery)
        sent: dict[str, str | None] = {**delivery_headers(repo, hook, delivery), **(headers or {})}
        future = self._pool.submit(
            self._post, hook.url, delivery, {k: v for k, v in sent.items() if v is not None}
        )
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def settle(self, timeout_s: float) -> None:
        """Wait until no delivery is under way.

        Raises:
            TimeoutError: some still are.
        """
        if wait(list(self._pending), timeout=timeout_s).not_done:
            raise TimeoutError(f"deliveries are still under way after {timeout_s} s")

    def close(self) -> None:
        """Send nothing more and wait for what is under way."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    @staticmethod
    def _post(url: str, delivery: Delivery, headers: dict[str, str]) -> Delivery:
        started = time.monotonic()
        try:
            answer = httpx.post(
                url, content=delivery.body, headers=headers, timeout=TIMEOUT_S, trust_env=False
            )
        except httpx.TimeoutException:
            delivery.status = "timed out"
        except httpx.HTTPError as error:
            delivery.status = f"failed to connect to host: {error}"
        else:
            delivery.status_code = answer.status_code
            delivery.status = (
                "OK" if answer.is_success else "Invalid HTTP Response: " + str(answer.status_code)
            )
            delivery.response_body = answer.text
        delivery.duration_s = time.monotonic() - started
        return delivery
