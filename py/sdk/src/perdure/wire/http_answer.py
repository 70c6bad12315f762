"""Reading an HTTP/1.1 answer piece by piece: httptools parses, no sockets here."""

from __future__ import annotations

from dataclasses import dataclass

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

_MAX_HEAD_BYTES = 64 * 1024


class HttpError(Exception):
    """No usable answer came back. Subclasses: ConnectionFailed, RequestTimedOut, ResponseTooLarge."""


class ConnectionFailed(HttpError):
    """No connection, or it broke before the answer was complete. The request may have had its effect."""


class RequestTimedOut(HttpError):
    """The answer was not complete in time. The request may have had its effect."""


class ResponseTooLarge(HttpError):
    """The answer is larger than allowed; the rest of it was not read."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer read to its end; header names are lower case, of repeated headers the first counts."""

    status: int
    headers: dict[str, str]
    body: bytes


class AnswerParser:
    """Takes bytes as they come and yields one answer. Not for HEAD, whose answers announce a body.

    Args:
        max_body_bytes: most bytes of body to accept.
    """

    def __init__(self, *, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes
        self._parser = HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._head_bytes: int | None = 0  # None: the head is complete
        self._body = bytearray()
        self._ends_with_connection = False
        self._complete = False
        self._failure: HttpError | None = None
        self.reusable = False
        """True when the connection may carry another request after this answer."""
        self.started = False
        """True once a byte of the answer has come."""

    def feed(self, data: bytes) -> HttpResponse | None:
        """Take the next bytes; return the answer when it is complete.

        Raises:
            ConnectionFailed: this is not an HTTP/1.1 answer.
            ResponseTooLarge: the body grows beyond ``max_body_bytes``.
        """
        self.started = True
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as error:
            raise ConnectionFailed("the answer switches protocols, which was not asked for") from error
        except HttpParserError as error:
            if self._failure is not None:
                raise self._failure from None
            if not self._complete:
                raise ConnectionFailed(f"the answer is not HTTP/1.1: {error}") from error
            self.reusable = False  # more than was asked for came: nothing after it can be trusted
        if self._complete:
            return self._answer()
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > _MAX_HEAD_BYTES:
                raise ConnectionFailed(f"the answer's headers are larger than {_MAX_HEAD_BYTES} bytes")
        return None

    def close(self) -> HttpResponse:
        """The peer closed the connection; return the answer if the close is its proper end.

        Raises:
            ConnectionFailed: the answer is not complete.
        """
        if self._ends_with_connection:
            return self._answer()
        if not self.started:
            raise ConnectionFailed("the connection was closed before any answer came")
        raise ConnectionFailed("the connection was closed in the middle of the answer")

    def _answer(self) -> HttpResponse:
        return HttpResponse(self._parser.get_status_code(), self._headers, bytes(self._body))

    # Called by httptools

    def on_message_begin(self) -> None:
        """A second answer nobody asked for, or one after an interim answer such as 103."""
        if self._complete:
            self._fail(ConnectionFailed("the answer is followed by another"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; of repeated ones the first counts."""
        self._headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        """Refuse early what is announced to be too large."""
        self._head_bytes = None
        length = self._headers.get("content-length")
        if length is not None:
            self._check_size(int(length))
        elif "transfer-encoding" not in self._headers:
            self._ends_with_connection = self._parser.get_status_code() not in (204, 304)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._check_size(len(self._body) + len(body))
        self._body += body

    def on_message_complete(self) -> None:
        """The end, unless this was an interim answer."""
        if 100 <= self._parser.get_status_code() < 200:
            self._headers, self._head_bytes, self._ends_with_connection = {}, 0, False
            return
        self.reusable = self._parser.should_keep_alive()
        self._complete = True

    def _check_size(self, size: int) -> None:
        if size > self._max_body_bytes:
            self._fail(
                ResponseTooLarge(f"the answer is larger than the {self._max_body_bytes} bytes allowed")
            )

    def _fail(self, failure: HttpError) -> None:
        """Leave the parser: it passes on that a callback raised, not what."""
        self._failure = None if self._complete else failure
        raise failure
