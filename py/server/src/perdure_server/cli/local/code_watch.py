"""Which Python files change."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from watchfiles import PythonFilter, watch

from perdure_server.cli.failures import CommandFailed

Changes: TypeAlias = "queue.SimpleQueue[set[Path] | CommandFailed]"


@contextmanager
def watch_code(folders: Sequence[Path]) -> Iterator[Changes]:
    """Watch folders and all below them; the queue gets the files that changed together, or why it ended.

    Raises:
        CommandFailed: a folder is not there.
    """
    missing = [str(folder) for folder in folders if not folder.is_dir()]
    if missing:
        raise CommandFailed(f"cannot watch {', '.join(missing)}: there is no such folder")
    changes: Changes = queue.SimpleQueue()
    stop = threading.Event()
    thread = threading.Thread(target=_watch, args=(folders, changes, stop), name="code watch", daemon=True)
    thread.start()
    try:
        yield changes
    finally:
        stop.set()
        thread.join(timeout=5)


def _watch(folders: Sequence[Path], changes: Changes, stop: threading.Event) -> None:
    try:
        for batch in watch(
            *folders, watch_filter=PythonFilter(), stop_event=stop, rust_timeout=500, raise_interrupt=False
        ):
            changes.put({Path(path) for _, path in batch})
    except Exception as error:  # such as too many folders for the kernel: whoever waits must hear of it
        folder_names = ", ".join(map(str, folders))
        changes.put(CommandFailed(f"cannot watch {folder_names}: {error}\nWatch less: --watch FOLDER"))
