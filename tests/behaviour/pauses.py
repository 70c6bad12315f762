"""What async and plain code say differently, under one name for the cases."""

from __future__ import annotations

import asyncio
import time


async def pause(seconds: float) -> None:
    """Wait within user code, which is not durable."""
    await asyncio.sleep(seconds)


def pause_thread(seconds: float) -> None:
    """``pause`` in plain code."""
    time.sleep(seconds)
