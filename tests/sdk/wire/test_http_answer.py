"""Reading answers piece by piece: every way to cut a good one, and many bad ones."""

import pytest

from perdure.wire.http import AnswerParser, ConnectionFailed, HttpError, HttpResponse, ResponseTooLarge

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    b"2;ext=1\r\nhe\r\n3\r\nllo\r\n0\r\ntrailer: x\r\n\r\n"
)
INTERIM = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 5\r\n\r\nhello"


def parser(*, most: int = 100) -> AnswerParser:
    made = AnswerParser()
    made.expect(max_body_bytes=most)
    return made


def feed(data: bytes, *, step: int, reader: AnswerParser | None = None) -> HttpResponse | None:
    reader = reader or parser()
    response = None
    for start in range(0, len(data), step):
        assert response is None
        response = reader.feed(data[start : start + step])
    return response


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(("data", "status"), [(LENGTH, 200), (CHUNKED, 200), (INTERIM, 201)])
def test_an_answer_is_read_however_it_is_cut(data: bytes, status: int, step: int) -> None:
    reader = parser()
    response = feed(data, step=step, reader=reader)
    assert response is not None
    assert (response.status, response.body) == (status, b"hello")
    assert reader.reusable


def test_header_names_are_lower_case_and_the_first_value_counts() -> None:
    response = feed(LENGTH, step=1000)
    assert response is not None
    assert response.headers == {"content-length": "5", "x-a": "1"}


def test_without_a_length_the_body_ends_with_the_connection() -> None:
    reader = parser()
    assert reader.feed(b"HTTP/1.0 200 OK\r\n\r\nhel") is None
    assert reader.feed(b"lo") is None
    assert reader.close().body == b"hello"
    assert not reader.reusable


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_body(status: int) -> None:
    response = feed(b"HTTP/1.1 %d X\r\ncontent-length: 9\r\n\r\n" % status, step=1)
    assert response is not None
    assert response.body == b""


@pytest.mark.parametrize(
    "data",
    [
        LENGTH.replace(b"X-A: 1", b"Connection: Close"),
        LENGTH.replace(b"HTTP/1.1", b"HTTP/1.0"),
        LENGTH + b"more than was asked for",
    ],
)
def test_after_some_answers_the_connection_is_not_used_again(data: bytes) -> None:
    reader = parser()
    response = reader.feed(data)
    assert response is not None
    assert response.body == b"hello"
    assert not reader.reusable


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "not HTTP/1.1"),
        (b"<html>", "not HTTP/1.1"),
        (b"\x15\x03\x01\x00\x02\x02", "not HTTP/1.1"),
        (b"HTTP/1.2 200 OK\r\n\r\n", "not HTTP/1.1: Invalid HTTP version"),
        (b"HTTP/1.1 OK\r\n\r\n", "not HTTP/1.1: Invalid status code"),
        (b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "switches protocols"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "Invalid header token"),
        (b"HTTP/1.1 200 OK\r\n: empty\r\n\r\n", "Invalid header token"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "Invalid character in Content-Length"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: " + b"9" * 60 + b"\r\n\r\n", "Content-Length overflow"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "Content-Length"),
        (
            CHUNKED.replace(b"\r\n\r\n2;", b"\r\ncontent-length: 5\r\n\r\n2;"),
            "Content-Length can't be present",
        ),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", "Invalid character in chunk size"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc", "after chunk data"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"x" * 70_000, "headers are larger than"),
    ],
)
def test_what_is_not_an_answer_is_refused(data: bytes, text: str) -> None:
    with pytest.raises(ConnectionFailed, match=text):
        parser().feed(data)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        + b"32\r\n"
        + b"x" * 50
        + b"\r\n33\r\n"
        + b"x" * 51,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 101,
    ],
)
def test_a_too_large_answer_is_refused_before_it_is_read(data: bytes) -> None:
    with pytest.raises(ResponseTooLarge, match="larger than the 100 bytes allowed"):
        parser().feed(data)


@pytest.mark.parametrize("end", range(len(LENGTH)))
def test_an_answer_that_stops_early_is_an_error(end: int) -> None:
    reader = parser()
    if end:
        assert reader.feed(LENGTH[:end]) is None
    with pytest.raises(HttpError, match="closed before the answer was complete"):
        reader.close()


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_pieces_are_handed_on_as_they_come_and_not_kept(step: int) -> None:
    pieces: list[bytes] = []
    reader = parser(most=3)
    reader.expect(max_body_bytes=3, on_piece=pieces.append)
    response = feed(CHUNKED, step=step, reader=reader)
    assert b"".join(pieces) == b"hello"
    assert response == HttpResponse(200, {"transfer-encoding": "chunked"}, b"")
    assert reader.reusable


def test_pieces_of_another_answer_than_200_are_kept() -> None:
    reader = parser()
    reader.expect(max_body_bytes=100, on_piece=lambda piece: pytest.fail(f"handed on: {piece!r}"))
    response = feed(INTERIM, step=1, reader=reader)
    assert response is not None
    assert (response.status, response.body) == (201, b"hello")


def test_an_answer_in_pieces_that_is_announced_to_be_too_large_is_refused() -> None:
    reader = parser()
    reader.expect(max_body_bytes=4, on_piece=lambda piece: pytest.fail(f"handed on: {piece!r}"))
    with pytest.raises(ResponseTooLarge):
        reader.feed(LENGTH)


def test_the_next_answer_is_kept_again() -> None:
    reader = parser()
    reader.expect(max_body_bytes=100, on_piece=lambda piece: None)
    feed(LENGTH, step=1000, reader=reader)
    reader.expect(max_body_bytes=100)
    response = feed(LENGTH, step=1000, reader=reader)
    assert response is not None
    assert response.body == b"hello"
