"""The HTTP API as the commands use it: one call after the other, each failure explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from perdure_server.cli.dev_files import DevFiles
from perdure_server.cli.failures import CommandFailed

DEFAULT_PORT = 8030
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_TIMEOUT_S = 30.0


class NoAnswer(CommandFailed):
    """The server cannot be reached; another time it may."""


class ApiClient:
    """Calls the API of one server with one key.

    Args:
        url: the server, without a trailing slash.
        key: a secret key.
    """

    def __init__(self, url: str, key: str) -> None:
        self.url = url.rstrip("/")
        self._client = _http_client(self.url, {"authorization": f"Bearer {key}"})

    def get(self, path: str, **query: str | int | bool | Sequence[str] | None) -> Any:
        """GET; parameters that are None are left out, those of a list are given once for each.

        Raises:
            CommandFailed: no answer, or a refusal; with what to do.
        """
        given = {name: _as_parameter(value) for name, value in query.items() if value is not None}
        return self._call("GET", path, params=given)

    def post(self, path: str, body: Any = None) -> Any:
        """POST a JSON body, or none.

        Raises:
            CommandFailed: as for ``get``.
        """
        return self._call("POST", path, json=body)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        try:
            response = self._client.request(method, path, **arguments)
        except httpx.TransportError as error:
            raise NoAnswer(
                f"no answer from the Perdure server at {self.url}: {error}\n"
                "Start one (`perdure dev`, `perdure serve`), or say where: PERDURE_API_URL or --api-url."
            ) from error
        return _read(response)


def connect(url: str | None, key: str | None, data_dir: Path) -> ApiClient:
    """A client for the server that is meant.

    Args:
        url: None: the server of ``perdure dev`` in ``data_dir``, or its usual address.
        key: None: the development key in ``data_dir``, but only for that server.
    Raises:
        CommandFailed: no key is known.
    """
    files = DevFiles(data_dir)
    if key is None and url is None:
        key = files.read_key()
    if key is None:
        raise CommandFailed(
            "the API key is missing: set PERDURE_API_KEY to a secret key of the environment.\n"
            "`perdure keys create` makes one; where `perdure dev` has run, its key is found by itself "
            "(in .perdure, or give --data-dir)."
        )
    return ApiClient(url or files.read_url() or DEFAULT_URL, key)


def segment(text: str) -> str:
    """Text as one segment of a path."""
    return quote(text, safe="")


def _as_parameter(value: str | int | bool | Sequence[str]) -> str | list[str]:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (str, int)) else list(value)


def _http_client(url: str, headers: Mapping[str, str] | None = None) -> httpx.Client:
    proxied = urlsplit(url).hostname not in _LOOPBACK  # a proxy cannot reach this machine's own addresses
    return httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_S, trust_env=proxied)


def _read(response: httpx.Response) -> Any:
    try:
        answer = response.json()
    except ValueError as error:
        kind = response.headers.get("content-type", "no content type")
        raise CommandFailed(
            f"{response.url} answered {response.status_code} with {kind} instead of JSON: "
            "is PERDURE_API_URL a Perdure server?"
        ) from error
    if response.status_code == 200:
        return answer
    text = answer.get("error") if isinstance(answer, dict) else None
    code = answer.get("code") if isinstance(answer, dict) else None
    raise CommandFailed(f"{text or response.text} ({code or response.status_code})")
