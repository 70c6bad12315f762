"""How a page looks: for who cannot see it well, on a phone, in the dark."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Page

SHOTS = Path(__file__).parent / "shots"
"""Pictures of all pages, for people to look at; taken when PERDURE_TEST_SHOTS is set, and not kept."""
_TAKES_SHOTS = bool(os.environ.get("PERDURE_TEST_SHOTS"))
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 375, "height": 812}
_WIDEST = "document.scrollingElement.scrollWidth"
_RUN_AXE = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations.map((found) =>
  `${found.id}: ${found.help}: ` + found.nodes.slice(0, 3).map((at) => `${at.target} ${at.failureSummary}`)
)"""
_CUT_OFF = """() => [...document.querySelectorAll(".scroll:has(.list)")]
  .filter((part) => part.scrollWidth > part.clientWidth + 1).map((part) => part.getAttribute("aria-label"))"""
_TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
  .filter((element) => !element.closest(".scroll, pre, .tabs, .subtabs, .side, svg"))
  .slice(0, 5).map((element) => element.outerHTML.slice(0, 120))"""


@cache
def _axe(packages: Path) -> str:
    return (packages / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def problems(page: Page, packages: Path, name: str) -> list[str]:
    """What is wrong with a page that is open: with accessibility in both themes, with its width on a phone.

    Args:
        page: is left as on a desktop.
        packages: where axe is.
        name: of the pictures.
    """
    found: list[str] = []
    page.evaluate(_axe(packages))
    for size, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        themes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for theme in themes:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            if _TAKES_SHOTS:
                page.screenshot(path=SHOTS / f"{name}-{size}-{theme}.png", full_page=True)
            if (size, theme) in (("desktop", "light"), ("phone", "dark")):  # each size, each theme
                violations: list[Any] = page.evaluate(_RUN_AXE)
                found += [f"{name}, {size}, {theme}: {violation}" for violation in violations]
    width = page.evaluate(_WIDEST)
    if width > PHONE["width"]:
        found.append(f"{name} is {width} px wide on a phone: {page.evaluate(_TOO_WIDE)}")
    if cut_off := page.evaluate(_CUT_OFF):
        found.append(f"{name}: lists are wider than a phone: {cut_off}")
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light")
    return found
