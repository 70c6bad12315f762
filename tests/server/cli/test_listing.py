"""Following a list: what is told when, and what happens when the server is gone for a while."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from perdure_server.cli import listing
from perdure_server.cli.api_client import NoAnswer
from perdure_server.cli.listing import Item, Listing

LISTING = Listing(("id", "status"), lambda item: (item["id"], item["status"]), "There is none.")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_POLL_S", 0)


def follow(*answers: Sequence[Item] | Exception, as_json: bool = False) -> None:
    found = iter(answers)

    def newest() -> Sequence[Item]:
        answer = next(found, None)
        if answer is None:
            raise KeyboardInterrupt
        if isinstance(answer, Exception):
            raise answer
        return answer

    LISTING.follow(newest, as_json=as_json)


def item(id: str, status: str) -> Item:
    return {"id": id, "status": status}


def test_what_is_new_and_what_changes_is_told_the_newest_last(capsys: pytest.CaptureFixture[str]) -> None:
    follow(
        [item("2", "QUEUED"), item("1", "SUCCESS")],
        [item("2", "QUEUED"), item("1", "SUCCESS")],
        [item("3", "QUEUED"), item("2", "FAILURE")],
    )
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert told == [["id", "status"], ["1", "SUCCESS"], ["2", "QUEUED"], ["2", "FAILURE"], ["3", "QUEUED"]]


def test_a_server_that_is_gone_is_told_once_and_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    gone = NoAnswer("no answer from the server")
    follow([item("1", "QUEUED")], gone, gone, [item("1", "SUCCESS")], as_json=True)
    printed = capsys.readouterr()
    assert [json.loads(line)["status"] for line in printed.out.splitlines()] == ["QUEUED", "SUCCESS"]
    assert printed.err.count("no answer from the server") == 1


def test_what_cannot_get_better_is_the_end() -> None:
    with pytest.raises(RuntimeError):
        follow([], RuntimeError("a mistake"))
