"""What is known of apps: whether several executions go to one in one request."""

from __future__ import annotations

import pytest

from perdure.wire.http import HttpResponse
from perdure_dispatcher.known_apps import KnownApp, KnownApps

NOW = 1000.0


def answer(said: str | None = "20", *, status: int = 200, took: str | None = None) -> HttpResponse:
    told = {"perdure-batch": said, "perdure-took": took}
    return HttpResponse(status, {name: text for name, text in told.items() if text is not None}, b"")


def quick_app() -> KnownApp:
    app = KnownApp()
    app.took(5)
    app.answered(answer(), 5)
    return app


def test_nothing_is_batched_before_the_app_has_said_so() -> None:
    app = KnownApp()
    assert app.most_in_batch(NOW) == 1
    app.took(5)
    assert app.most_in_batch(NOW) == 1
    app.answered(answer(), 5)
    assert app.most_in_batch(NOW) == 20


@pytest.mark.parametrize(
    ("said", "most"),
    [
        ("2", 2),
        ("1", 1),
        ("0", 1),
        ("500", 100),
        ("9" * 5000, 100),
        ("many", 1),
        ("-5", 1),
        ("²", 1),
        ("", 1),
    ],
)
def test_what_the_app_says_is_taken_with_care(said: str, most: int) -> None:
    app = quick_app()
    app.answered(answer(said), 5)
    assert app.most_in_batch(NOW) == most


def test_an_app_that_does_not_say_so_any_more_is_believed() -> None:
    app = quick_app()
    app.answered(answer(None, status=502), 5)
    assert app.most_in_batch(NOW) == 20, "a proxy's answer tells nothing"
    app.answered(answer(None), 5)
    assert app.most_in_batch(NOW) == 1


def test_slow_executions_go_alone_until_they_are_quick_again() -> None:
    app = quick_app()
    for _ in range(50):
        app.took(500)
    assert app.most_in_batch(NOW) == 1
    counts = 0
    while app.most_in_batch(NOW) == 1:
        app.took(5)
        counts += 1
    assert 5 < counts < 50


def test_an_app_that_has_much_to_do_is_not_taken_for_slow() -> None:
    """It says how long it was at work; that the answer took longer is for its other executions."""
    app = quick_app()
    for _ in range(50):
        app.answered(answer(took="3"), 500)
    assert app.most_in_batch(NOW) == 20
    for _ in range(50):
        app.answered(answer(took="soon"), 500)
    assert app.most_in_batch(NOW) == 1


def test_one_slow_execution_among_many_quick_ones_changes_nothing() -> None:
    app = quick_app()
    app.took(900)
    assert app.most_in_batch(NOW) == 20


def test_the_first_execution_alone_says_how_long_they_take() -> None:
    app = KnownApp()
    app.took(500)
    app.answered(answer(), 5)
    assert app.most_in_batch(NOW) == 1


def test_a_refusal_is_remembered_for_a_minute() -> None:
    app = quick_app()
    app.refused(NOW)
    app.answered(answer(), 5)  # another process of the app
    assert app.most_in_batch(NOW + 59) == 1
    assert app.most_in_batch(NOW + 61) == 20


def test_answers_held_back_mean_ten_minutes_of_single_requests() -> None:
    app = quick_app()
    app.held_back(NOW)
    assert app.most_in_batch(NOW + 599) == 1
    assert app.most_in_batch(NOW + 601) == 20


def test_a_thousand_apps_are_known_those_asked_last() -> None:
    apps = KnownApps()
    first = apps.at("http://first")
    for number in range(999):
        apps.at(f"http://{number}")
    assert apps.at("http://first") is first
    apps.at("http://one-more")
    assert apps.at("http://first") is first, "it was asked again"
    second = apps.at("http://1")
    assert apps.at("http://0") is not None
    for number in range(2000, 3000):
        apps.at(f"http://{number}")
    assert apps.at("http://1") is not second
    assert len(apps._apps) == 1000
