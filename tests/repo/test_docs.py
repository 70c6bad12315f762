"""The generated pages of docs/reference/ are what `make docs` would write now."""

import perdure
from scripts import http_reference, sdk_reference, sql_reference


def test_the_sql_reference_is_current() -> None:
    assert sql_reference.PAGE.read_text("utf-8") == sql_reference.render(), (
        "run make docs and commit the page"
    )


def test_the_http_reference_is_current() -> None:
    assert http_reference.PAGE.read_text("utf-8") == http_reference.render(), (
        "run make docs and commit the page"
    )


def test_the_sdk_reference_is_current() -> None:
    assert sdk_reference.PAGE.read_text("utf-8") == sdk_reference.render(), (
        "run make docs and commit the page"
    )


def test_the_sdk_reference_has_every_public_name_and_its_methods() -> None:
    page = sdk_reference.render()
    for name in perdure.__all__:
        assert name == "__version__" or f"\n### {name}\n" in page
    for heading in ("#### IO.run_task", "#### Perdure.send_event", "#### Job.invoke"):
        assert f"\n{heading}\n" in page
    assert "#### IO._" not in page
    assert "* `TaskFailed`: `fn` raised, now or in an earlier execution" in page


def test_it_shows_public_functions_and_leaves_out_the_others() -> None:
    page = sql_reference.render()
    assert "\n### perdure.send_events\n" in page
    assert "### perdure._" not in page
    assert "### perdure.tg_" not in page
