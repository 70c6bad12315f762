"""``io``: chance, identity and time that are the same in every execution."""

from __future__ import annotations

import hashlib
import random
from datetime import datetime
from uuid import UUID

from perdure.clock import utc_now
from perdure.io.base import MINIMAL, IOBase
from perdure.keys import Key

_UUID_VERSION = 4


class ValuesIO(IOBase):
    """None of these costs a call, and none needs to be awaited."""

    def random(self, key: Key) -> random.Random:
        """A generator of random numbers that begins alike in every execution.

        ``io.random("dice").randint(1, 6)``. Made of the run and the key, not stored. Not for secrets.

        Args:
            key: unique within the surrounding task.
        """
        return random.Random(self._digest(key))  # noqa: S311 - says so

    def uuid(self, key: Key) -> UUID:
        """A UUID that is the same in every execution and differs between runs. Made of the run and the key.

        Args:
            key: unique within the surrounding task.
        """
        return UUID(bytes=self._digest(key)[:16], version=_UUID_VERSION)

    def now(self, key: Key) -> datetime:
        """The present when the run came here first, in UTC; stored with the next call.

        Args:
            key: unique within the surrounding task.
        """
        fields = {"name": "now", "icon": "clock", **MINIMAL}
        return datetime.fromisoformat(self._note(key, fields, utc_now().isoformat()))

    def _digest(self, key: Key) -> bytes:
        claim = self._runner.claim(key)
        return hashlib.sha256(claim.idempotency_key.encode()).digest()
