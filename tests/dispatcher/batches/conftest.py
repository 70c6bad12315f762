"""An app, and what sends executions to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from perdure_dispatcher import known_apps
from perdure_dispatcher.batches import Batches
from tests.dispatcher.batches.scripted_app import App
from tests.dispatcher.batches.sending import (
    claim,
    send_all,
    sending,
)
from tests.support.http_server import serve


@pytest.fixture(autouse=True)
def busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts as quick: also the first answer of an app, when others keep the machine busy."""
    monkeypatch.setattr(known_apps, "_QUICK_MS", 5_000.0)


@pytest.fixture
def app() -> Any:
    app = App()
    with serve(app) as url:
        app.url = f"{url}/api/perdure"
        yield app


@pytest.fixture
async def batches() -> AsyncIterator[Batches]:
    async with sending() as batches:
        yield batches


@pytest.fixture
async def known(app: App, batches: Batches) -> App:
    """The app, which has told the sender that it takes batches."""
    await send_all(batches, [claim(app)])
    app.requests.clear()
    return app
