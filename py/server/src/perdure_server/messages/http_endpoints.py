"""HTTP endpoints as the API shows them."""

from __future__ import annotations

from perdure.wire.base import WireModel


class HttpEndpoint(WireModel):
    """A public URL that feeds jobs; ``id`` is the app's name for it."""

    id: str
    url: str
