"""The signature on GitHub's deliveries."""

from __future__ import annotations

HEADER = "x-hub-signature-256"


def is_genuine(secret: str, body: bytes, signature: str | None) -> bool:
    """True when ``signature``, the value of ``X-Hub-Signature-256``, was made from ``body`` with ``secret``.

    Compares in constant time. GitHub's older SHA-1 signatures are not accepted.
    Source: "Validating webhook deliveries" in GitHub's documentation.
    """
    from githubkit.webhooks import verify  # loaded when needed: see GitHub.connect

    if signature is None or not signature.startswith("sha256=") or not signature.isascii():
        return False
    return verify(secret, body, signature)
