"""Paths of all pages, for tests that walk them."""

import re
from collections.abc import Mapping
from uuid import uuid4

from perdure_server.dashboard.access import Page
from tests.server.dashboard.conftest import Office
from tests.support.builders import Builders

_PARAMETER = re.compile(r"\{(\w+)\}")
PLACE = {"organization": "acme", "project": "project-1", "environment": "dev"}


def walk_place(office: Office) -> None:
    """Make the environment that ``PLACE`` names."""
    Builders(office.db).environment()


def parameters(page: Page) -> list[str]:
    """The names in its path."""
    return _PARAMETER.findall(page.path)


def path_of(page: Page, given: Mapping[str, str] = PLACE) -> str:
    """The path of a page with these values; a parameter without one is an id that nothing has."""
    return "/dashboard" + _PARAMETER.sub(lambda name: given.get(name[1], str(uuid4())), page.path)


def names_something(page: Page) -> bool:
    """Whether the path of a page names more than a place, such as a run."""
    return not set(parameters(page)) <= set(PLACE)
