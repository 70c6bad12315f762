"""The generated pages of docs/reference/ are what `make docs` would write now."""

from scripts import http_reference, sql_reference


def test_the_sql_reference_is_current() -> None:
    assert sql_reference.PAGE.read_text("utf-8") == sql_reference.render(), (
        "run make docs and commit the page"
    )


def test_the_http_reference_is_current() -> None:
    assert http_reference.PAGE.read_text("utf-8") == http_reference.render(), (
        "run make docs and commit the page"
    )


def test_it_shows_public_functions_and_leaves_out_the_others() -> None:
    page = sql_reference.render()
    assert "\n### perdure.send_events\n" in page
    assert "### perdure._" not in page
    assert "### perdure.tg_" not in page
