"""The pages of docs/how-to/show-progress.md in a browser, with the app that it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.system import Environment, System
from tests.docs.pages import ROOT, read_page

PAGE = read_page(ROOT / "docs/how-to/show-progress.md")
PYTHON = next(block for block in PAGE.blocks if block.language == "python")
TEMPLATES = {
    name[1]: block.code
    for block in PAGE.blocks
    if (name := re.match(r"<!-- templates/([a-z0-9-]+\.html) -->", block.code))
}
STATIC = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "hx-sse.min.js": "htmx.org/dist/ext/hx-sse.min.js",
    "htmx-2.min.js": "htmx-2/dist/htmx.min.js",
    "sse.min.js": "htmx-2-sse/dist/sse.min.js",
}


@pytest.fixture(scope="module")
def environment(system: System) -> Environment:
    return system.environment("shop")


@pytest.fixture(scope="module")
def shop(
    system: System, environment: Environment, packages: Path, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The app, in a folder as the page says, with the packages that its pages load."""
    folder = tmp_path_factory.mktemp("shop")
    assert PYTHON.file_name == "shop.py"
    (folder / "shop.py").write_text(PYTHON.code)
    for place in ("templates", "static"):
        (folder / place).mkdir()
    for name, source in TEMPLATES.items():
        (folder / "templates" / name).write_text(source.replace("https://jobs.example.com", system.url))
    for name, path in STATIC.items():
        (folder / "static" / name).symlink_to(packages / path)

    (folder / "main.py").write_text(
        "import os\n"
        "from pathlib import Path\n"
        "os.chdir(Path(__file__).parent)\n"
        "from shop import api\n"
        "from starlette.staticfiles import StaticFiles\n"
        "api.mount('/static', StaticFiles(directory='static', follow_symlink=True))\n"
    )
    return system.serve(environment, "main:api", folder, path="/api/perdure/", app_id="shop")


@pytest.mark.parametrize(("number", "template"), list(enumerate(TEMPLATES)))
def test_a_page_follows_its_run(shop: str, page: Page, number: int, template: str) -> None:
    page.goto(f"{shop}/orders/{number}/{template}")
    progress = page.locator("#progress")
    for box in (1, 2, 3):
        expect(progress).to_have_text(f"Packed {box} of 3")
    expect(progress).to_have_text("On its way: shipped" if template == "module.html" else "On its way")
