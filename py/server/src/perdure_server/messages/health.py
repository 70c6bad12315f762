"""Health as the API shows it."""

from __future__ import annotations

from typing import Literal

from perdure.wire.base import WireModel


class Health(WireModel):
    """``ok``: the process is alive; ``ready``: it can serve requests."""

    status: Literal["ok", "ready"]
