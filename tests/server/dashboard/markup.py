"""A page as a browser reads it: what could run script in it, where it leads, its forms, its text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_LINKS = {"href", "src", "action", "formaction", "poster", "data", "xlink:href"}
_ALIEN = {"style", "iframe", "object", "embed", "base", "foreignobject", "math", "set", "animate"}


@dataclass
class Form:
    """A form with its fields and what is in them."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    has_button: bool = False
    """It can be sent."""


class Markup(HTMLParser):
    """One page, or a part of one.

    ``dangers`` are what a page of ours never has, whatever data it shows: script in it, event handlers,
    styles, frames, links elsewhere than to http, https or a path of ours.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.dangers: list[str] = []
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.text = ""
        self._select: str | None = None
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        given = {name: value or "" for name, value in attrs}
        self.text += " ".join(given.values()) + " "
        if tag in _ALIEN or (tag == "script" and not given.get("src", "").startswith("/dashboard/static/")):
            self.dangers.append(f"<{tag} {given}>")
        for name, value in given.items():
            is_code = name.startswith("on") or name in ("style", "srcdoc")
            if is_code or (name in _LINKS and not _leads_nowhere_bad(value)):
                self.dangers.append(f"<{tag} {name}={value!r}>")
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif self.forms:
            self._fill(self.forms[-1], tag, given)

    def handle_data(self, data: str) -> None:
        """Collect the text."""
        self.text += data

    def _fill(self, form: Form, tag: str, given: dict[str, str]) -> None:
        if tag == "button":
            form.has_button |= given.get("type", "submit") == "submit"
            if "formaction" in given:
                self.forms.append(Form(given["formaction"], form.method, form.fields, has_button=True))
        if tag == "option":
            if self._select and ("selected" in given or not form.fields[self._select]):
                form.fields[self._select] = given.get("value", "")
        elif name := given.get("name"):
            self._select = name if tag == "select" else None
            form.fields.setdefault(name, given.get("value", ""))


def _leads_nowhere_bad(address: str) -> bool:
    """Whether a link goes to http, https or, relative, to this server."""
    if address.startswith(("http://", "https://")):
        return True
    path = address.partition("?")[0].partition("#")[0]
    return (
        not address.startswith(("//", "/\\")) and ":" not in path.partition("/")[0] and address.isprintable()
    )
