"""Every block of code in the documentation runs, or is checked, as the reader finds it there."""

from __future__ import annotations

from pathlib import Path

import pytest

from perdure.testing import Platform
from tests.docs.pages import ROOT, left_out, page_files, page_name, read_page
from tests.docs.running import PageRun

OWN_TESTS = {
    "docs/how-to/show-progress.md": "tests/browser/test_show_progress.py",
    "docs/psql.md": "tests/docs/test_psql_guide.py",
}
"""Pages whose blocks a test of their own runs."""

MOST_LEFT_OUT = 8


@pytest.mark.parametrize(
    "path", [path for path in page_files() if page_name(path) not in OWN_TESTS], ids=page_name
)
async def test_page(path: Path, folder: Path, request: pytest.FixtureRequest) -> None:
    def new_platform() -> Platform:
        platform: Platform = request.getfixturevalue("perdure_platform")
        return platform

    await PageRun(read_page(path), folder, new_platform).run()


@pytest.mark.parametrize(("page", "test"), OWN_TESTS.items())
def test_a_page_has_a_test_of_its_own(page: str, test: str) -> None:
    assert ROOT / page in page_files()
    assert page in (ROOT / test).read_text("utf-8")


def test_hardly_a_block_is_left_out() -> None:
    lines = left_out()
    assert all(not line.endswith(": ") for line in lines), "say why"
    assert len(lines) <= MOST_LEFT_OUT, "\n".join(lines)
