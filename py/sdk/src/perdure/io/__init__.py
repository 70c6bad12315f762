"""What a job does through its second argument; a module for each part."""

from __future__ import annotations

from perdure.io.async_io import IO
from perdure.io.sync import SyncIO
from perdure.io.waits import ReceivedEvent

__all__ = ["IO", "ReceivedEvent", "SyncIO"]
