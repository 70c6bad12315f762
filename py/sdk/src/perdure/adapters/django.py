"""Django: a view for ``urls.py``, under WSGI and ASGI. Imports Django when the first request comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, TypeAlias

from perdure.endpoint import Endpoint, EndpointAnswer
from perdure.threads import worker_guard

DjangoView: TypeAlias = Callable[[Any], Awaitable[Any]]


def django_view(endpoint: Endpoint) -> DjangoView:
    """A view that translates Django's requests for the endpoint.

    It is an async view. Under ASGI, async jobs run in the server's event loop, and plain ones in worker
    threads. Under WSGI everything plain runs in the request's own thread, as if it were a plain view. It is
    exempt from CSRF checks, as requests are signed, and from ``ATOMIC_REQUESTS``: a transaction around all of
    a job would undo the work of tasks that are stored as done.
    """

    async def view(request: Any) -> Any:
        if hasattr(request, "scope"):
            answer = await _answer(endpoint, request)
        else:
            in_request_thread = import_module("asgiref.sync").sync_to_async
            answer = await in_request_thread(_answer_blocking, thread_sensitive=True)(endpoint, request)
        return import_module("django.http").HttpResponse(
            answer.body, status=answer.status, headers={"content-type": "text/plain", **answer.headers}
        )

    view.csrf_exempt = True  # type: ignore[attr-defined]
    view._non_atomic_requests = _EveryDatabase()  # type: ignore[attr-defined]
    return view


async def _answer(endpoint: Endpoint, request: Any) -> EndpointAnswer:
    worker_guard.set(_with_good_connections)
    return await endpoint.handle(request.method, _headers(request), _read_body(endpoint, request))


def _answer_blocking(endpoint: Endpoint, request: Any) -> EndpointAnswer:
    return endpoint.handle_blocking(request.method, _headers(request), _read_body(endpoint, request))


def _headers(request: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _with_good_connections(call: Callable[[], Any]) -> Any:
    """Call, with care for the connections of this thread; Django cares for those of a request's thread."""
    close_old_connections = import_module("django.db").close_old_connections
    close_old_connections()
    try:
        return call()
    finally:
        close_old_connections()


def _read_body(endpoint: Endpoint, request: Any) -> bytes:
    """The body, which may be longer than Django's limit on forms. A byte more than ours is refused, too."""
    body: bytes = request.read(endpoint.max_body_bytes + 1)
    return body


class _EveryDatabase(set[str]):
    """What ``transaction.non_atomic_requests`` says of a view, for every database that there may be."""

    def __contains__(self, _alias: object) -> bool:
        return True
