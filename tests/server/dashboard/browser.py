"""A person at a browser: cookies, redirects by hand, forms sent as the page has them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from typing import Any

import httpx

PASSWORD = "correct horse battery"


class _Forms(HTMLParser):
    """The forms of a page: action -> its fields with their values."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self._fields: dict[str, str] = {}
        self._textarea: str | None = None  # the one that is being read
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._fields = self.forms.setdefault(given["action"], {})
        elif tag in ("input", "select") and "name" in given:
            self._fields[given["name"]] = given.get("value", "")
        elif tag == "textarea":
            self._textarea = given["name"]
            self._fields[given["name"]] = ""

    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            self._fields[self._textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._textarea = None


@dataclass(frozen=True, slots=True)
class Browser:
    """One browser; ``client`` keeps its cookies and follows no redirect."""

    client: httpx.AsyncClient

    async def open(self, path: str, **options: Any) -> httpx.Response:
        """Open a page."""
        return await self.client.get(path, **options)

    async def send(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Open ``page`` and send its form with this action, some fields filled in."""
        forms = _Forms((await self.open(page)).text).forms
        assert action in forms, (action, sorted(forms))
        return await self.post(action, **(forms[action] | fields))

    async def post(self, action: str, **fields: str) -> httpx.Response:
        """Send a form as it is, from a page of the same host."""
        return await self.client.post(action, data=fields, headers={"origin": str(self.client.base_url)})

    async def log_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        """Fill in the login."""
        return await self.send("/dashboard/login", "/dashboard/login", email=email, password=password)


def words(page: str) -> str:
    """What a person reads of a page."""
    body = page.partition("<body")[2].partition(">")[2]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())
