"""What happens outside a run while it waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import httpx


class Outside(Protocol):
    """One run of a case, as the world around sees it."""

    run_id: str
    api: httpx.Client

    def last_seen(self, what: str) -> Any:
        """What its user code saw last under this name."""
        ...


Step: TypeAlias = Callable[[Outside], None]


def send(name: str, payload: Any = None, **fields: Any) -> Step:
    """Send an event. In the payload and the id, ``{run}`` becomes the run's id."""

    def step(outside: Outside) -> None:
        event = _with_run({"name": name, "payload": payload, **fields}, outside.run_id)
        options = event.pop("options", {})
        _check(outside.api.post("/api/v1/events", json={"event": event, "options": options}))

    return step


def respond(body: Any) -> Step:
    """POST to the URL that the run's user code saw last."""

    def step(outside: Outside) -> None:
        _check(httpx.post(outside.last_seen("url"), json=body, trust_env=False, timeout=30))

    return step


def cancel(outside: Outside) -> None:
    """Cancel the run."""
    _check(outside.api.post(f"/api/v1/runs/{outside.run_id}/cancel"))


def _with_run(value: Any, run_id: str) -> Any:
    if isinstance(value, str):
        return value.replace("{run}", run_id)
    if isinstance(value, dict):
        return {key: _with_run(part, run_id) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_run(part, run_id) for part in value]
    return value


def _check(answer: httpx.Response) -> None:
    assert answer.is_success, f"{answer.request.url} answered {answer.status_code}: {answer.text}"
