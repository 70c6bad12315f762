"""``python -m tests.dispatcher.batch_app PORT FOLDER``: an app that notes its requests, to be killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import uvicorn

from perdure import IO, Perdure, event_trigger


class Noting:
    """Notes the action of each request, a line each in ``FOLDER/requests``; else as the app."""

    def __init__(self, asgi: Any, folder: Path) -> None:
        self._asgi = asgi
        self._path = folder / "requests"
        self._path.touch()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One ASGI connection."""
        if scope["type"] == "http":
            action = dict(scope["headers"])[b"x-trigger-action"].decode()
            with self._path.open("a") as file:
                file.write(f"{action}\n")
        await self._asgi(scope, receive, send)


def make_app(folder: Path, **options: Any) -> Any:
    """The ASGI app; its key is ``PERDURE_API_KEY`` unless it is among the options."""
    app = Perdure("app", api_url="http://127.0.0.1:9", patience_s=0, **options)

    @app.job(id="greet", version="1.0.0", on=event_trigger("greet"))
    async def greet(payload: dict[str, Any], io: IO) -> str:
        """Does what the payload says."""
        match payload.get("do"):
            case "fail":
                raise ZeroDivisionError("no")
            case "wait":
                await io.wait("a day", 86_400)
            case "hang":
                while not (folder / "open").exists():
                    await asyncio.sleep(0.01)
            case "boast":
                return "x" * 10_000
        return f"Hello {payload.get('name')}"

    return Noting(app.asgi(), folder)


if __name__ == "__main__":
    uvicorn.run(make_app(Path(sys.argv[2])), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
