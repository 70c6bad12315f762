"""Links between pages lead somewhere: to a file that is there, and to a heading that is in it."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.docs.pages import FOLDERS, ROOT, page_name

PAGES = [*ROOT.glob("*.md")] + [
    path
    for folder in (*FOLDERS, "benchmarks", "py", "tests")
    for path in (ROOT / folder).rglob("*.md")
    if "node_modules" not in path.parts
]


@cache
def tokens(path: Path) -> list[Token]:
    return MarkdownIt().enable("table").parse(path.read_text("utf-8"))


def links(path: Path) -> list[str]:
    """Return where the links and pictures of a page lead."""
    return [
        str(token.attrs.get("href") or token.attrs.get("src"))
        for block in tokens(path)
        for token in block.children or []
        if token.type in ("link_open", "image")
    ]


@cache
def anchors(path: Path) -> set[str]:
    """Return the names of a page's headings as GitHub makes them, and those that the page itself gives."""
    found: set[str] = set(re.findall(r'<a (?:id|name)="([^"]+)"', path.read_text("utf-8")))
    seen: Counter[str] = Counter()
    blocks = tokens(path)
    for opening, block in pairwise(blocks):
        if opening.type == "heading_open":
            text = "".join(part.content for part in block.children or [])
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
    return found


@pytest.mark.parametrize("path", sorted(set(PAGES)), ids=page_name)
def test_the_links_of_a_page_lead_somewhere(path: Path) -> None:
    lost = []
    for link in links(path):
        if re.match(r"[a-z]+:", link):
            continue  # elsewhere
        file, _, anchor = unquote(link).partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []
