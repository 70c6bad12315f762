"""The HTTP clients: a lean one for the apps' endpoints, httpx for anybody else."""

from __future__ import annotations

import asyncio
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from perdure.wire.http import ConnectionFailed, HttpClient, HttpResponse, RequestTimedOut, ResponseTooLarge
from perdure_dispatcher.addresses import refuse_private_addresses
from perdure_dispatcher.endpoint_request import USER_AGENT

_MAX_REDIRECTS = 20  # as fetch() does
_HIGHEST_PORT = 65535
_NO_TIMEOUT = httpx.Timeout(None)  # httpx's own timeouts start anew with every byte


class OutsideClient:
    """Sends requests to receivers that nobody has registered: HTTP in all its forms, TLS verified.

    Args:
        private: receivers in this machine and the networks around it may be reached; else neither they nor a
            proxy, which would look up the receiver by itself.
    """

    def __init__(self, *, private: bool = True) -> None:
        no_cookies = CookieJar(
            DefaultCookiePolicy(allowed_domains=[])
        )  # one run's are none of another's business
        self._client = httpx.AsyncClient(
            headers={"user-agent": USER_AGENT},
            cookies=no_cookies,
            timeout=_NO_TIMEOUT,
            max_redirects=_MAX_REDIRECTS,
            transport=None if private else httpx.AsyncHTTPTransport(),
        )
        self._extensions = {} if private else {"trace": refuse_private_addresses}

    async def request(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
        *,
        timeout_s: float,
        max_response_bytes: int,
        follow_redirects: bool,
    ) -> HttpResponse:
        """Send one request and read its answer, whatever its status.

        Args:
            timeout_s: seconds for the whole exchange, redirects included.
            max_response_bytes: most bytes of answer body to accept, as they are after decompression.
            follow_redirects: as a browser's fetch() does; else a redirect is the answer.
        Raises:
            AddressRefused: the receiver, or where it redirects to, is private and that is not allowed.
            ConnectionFailed: as HttpClient; also too many redirects.
            RequestTimedOut: no complete answer within ``timeout_s``.
            ResponseTooLarge: more body than ``max_response_bytes``.
        """
        try:
            request = self._client.build_request(
                method, url, headers=headers, content=body, extensions=self._extensions
            )
            if (request.url.port or 0) > _HIGHEST_PORT:
                raise httpx.InvalidURL(f"there is no port {request.url.port}")
            async with asyncio.timeout(timeout_s):
                response = await self._client.send(request, stream=True, follow_redirects=follow_redirects)
                try:
                    return await _read(response, max_response_bytes)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise RequestTimedOut(f"{url} did not answer within {timeout_s:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError) as error:
            raise ConnectionFailed(f"{url}: {str(error) or type(error).__name__}") from error

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()


class Clients:
    """Both clients, shared by all requests of a dispatcher.

    Args:
        private: as OutsideClient.
    """

    def __init__(self, *, private: bool = True) -> None:
        self.endpoints = HttpClient()
        self.outside = OutsideClient(private=private)

    async def close(self) -> None:
        """Close all connections."""
        await self.endpoints.close()
        await self.outside.close()


async def _read(response: httpx.Response, max_response_bytes: int) -> HttpResponse:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > max_response_bytes:
            raise ResponseTooLarge(f"{response.url} answered more than {max_response_bytes} bytes")
    return HttpResponse(response.status_code, dict(response.headers), bytes(body))
