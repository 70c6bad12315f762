"""What a developer reads when the app that was named cannot be loaded."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perdure_server.cli.local.app_loader import AppNotLoaded, load_app


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of an app, from which its modules are imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def refusal(target: str) -> str:
    with pytest.raises(AppNotLoaded) as refused:
        load_app(target)
    return str(refused.value)


def test_a_perdure_app_can_be_connected_or_served(folder: Path) -> None:
    (folder / "plain_shop.py").write_text("from perdure import Perdure\napp = Perdure('shop')\n")
    loaded = load_app("plain_shop:app")
    assert loaded.perdure.id == "shop"
    assert callable(loaded.asgi)


def test_any_asgi_app_is_served_as_it_is(folder: Path) -> None:
    (folder / "asgi_shop.py").write_text(
        "class web:\n    @staticmethod\n    async def api(scope, receive, send): ...\n"
    )
    loaded = load_app("asgi_shop:web.api")
    assert loaded.perdure is None
    assert loaded.asgi.__name__ == "api"


def test_a_missing_module_is_named_with_the_folder(folder: Path) -> None:
    text = refusal("no_such_shop:app")
    assert "there is no module 'no_such_shop'" in text
    assert str(folder) in text


def test_a_missing_name_is_answered_with_the_apps_there_are(folder: Path) -> None:
    (folder / "named_shop.py").write_text("from perdure import Perdure\njobs = Perdure('shop')\n")
    assert refusal("named_shop:app") == "named_shop has no 'app'; what it has: jobs."


def test_something_else_than_an_app_is_named(folder: Path) -> None:
    (folder / "empty_shop.py").write_text("app = 7\n")
    assert refusal("empty_shop:app") == "empty_shop:app is a int, not a Perdure app or an ASGI app."


def test_a_job_is_no_app_though_it_can_be_called(folder: Path) -> None:
    (folder / "job_shop.py").write_text(
        "from perdure import Perdure, event_trigger\n"
        "app = Perdure('shop')\n"
        "@app.job(id='pack', version='1.0.0', on=event_trigger('ordered'))\n"
        "async def pack(payload, io): ...\n"
    )
    expected = "job_shop:pack is a Job, not a Perdure app or an ASGI app; what it has: app."
    assert refusal("job_shop:pack") == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import a_package_that_is_not_there\n", "ModuleNotFoundError"),
        ("def broken(:\n", "SyntaxError"),
        ("def f():\n    raise ValueError('too expensive')\n\nf()\n", "ValueError: too expensive"),
        ("import sys\nsys.exit('bye')\n", "SystemExit: bye"),
    ],
)
def test_an_error_shows_the_place_in_the_apps_code_and_nothing_of_ours(
    folder: Path, code: str, expected: str
) -> None:
    (folder / "failing_shop.py").write_text(code)
    text = refusal("failing_shop:app")
    assert text.startswith("importing failing_shop failed:")
    assert expected in text
    assert 'failing_shop.py", line' in text
    assert "app_loader" not in text
    assert "importlib" not in text
