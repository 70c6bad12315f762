"""``io``: tags and metadata of the run itself, by which people find and understand it."""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import Any

from perdure.calls import make_change
from perdure.io.base import IOBase
from perdure.io.state import WHILE_OUT_OF_REACH
from perdure.keys import Key
from perdure.options import TaskOptions
from perdure.wire.metadata import RunMetadata, RunMetadataChange


class MetadataIO(IOBase):
    """Each is a task; what is read back is in ``app.get_run`` and ``app.list_runs``."""

    def add_tags(self, key: Key, *tags: str) -> Coroutine[Any, Any, RunMetadata]:
        """Give the run tags, to find it by: ``app.list_runs(tag="vip")``, ``perdure runs list --tag vip``.

        Args:
            key: of the task, unique within the surrounding one.
            tags: at most 50 in all, of at most 200 characters each.
        Returns: the run's tags and metadata, as they were then.
        Raises:
            ValueError: a tag is empty or too long.
            TaskFailed: the run would have more than 50.
        """
        return self._describe(key, "Add Tags", make_change(tags, (), None))

    def set_metadata(self, key: Key, /, **values: Any) -> Coroutine[Any, Any, RunMetadata]:
        """Say more about the run; each value replaces that of the same name, None removes it.

        Args:
            key: of the task, unique within the surrounding one.
            values: JSON, pydantic models or dataclasses; at most 64 KiB in all.
        Returns: the run's tags and metadata, as they were then.
        Raises:
            TypeError: a value is not JSON.
            TaskFailed: there would be more than 64 KiB.
        """
        return self._describe(key, "Set Metadata", make_change((), (), values))

    def _describe(self, key: Key, name: str, change: RunMetadataChange) -> Coroutine[Any, Any, RunMetadata]:
        options = TaskOptions(name=name, icon="tag", params=change.to_wire(), retry=WHILE_OUT_OF_REACH)
        call = partial(self._api.set_run_metadata, self._runner.run_id, change)
        return self._task(key, call, returns=RunMetadata, options=options)
