"""SyncIO has what IO has, called in the same way."""

import inspect
from typing import Any

import pytest

from perdure import IO, SyncIO

METHODS = sorted(name for name in dir(IO) if not name.startswith("_") and callable(getattr(IO, name)))


@pytest.mark.parametrize("name", METHODS)
def test_a_method_takes_the_same_arguments(name: str) -> None:
    assert _shape(getattr(SyncIO, name)) == _shape(getattr(IO, name))


def test_it_has_nothing_besides() -> None:
    ours = {name for name in dir(SyncIO) if not name.startswith("_") and callable(getattr(SyncIO, name))}
    assert ours == set(METHODS)


def _shape(method: Any) -> list[tuple[str, Any, Any]]:
    parameters = inspect.signature(method).parameters.values()
    return [(one.name, one.kind, one.default) for one in parameters]
