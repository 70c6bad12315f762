"""An app whose only job waits for a file before its step."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import uvicorn

from perdure import IO, Perdure, event_trigger

app = Perdure("one")
gate = Path(os.environ["GATE"])


def is_open() -> bool:
    """Whether the job may go on."""
    return gate.exists()


@app.job(id="greet", version="1.0.0", on=event_trigger("greet"))
async def greet(payload: dict[str, Any], io: IO) -> str:
    """Wait, then take a step."""
    while not is_open():
        await asyncio.sleep(0.02)
    return await io.run_task("step", lambda: "done")


if __name__ == "__main__":
    uvicorn.run(app.asgi(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
