"""The headers of a delivery to an app's source, as the platform makes them."""

import json

from perdure.integrations import SourceRequest
from perdure.wire import headers as names


def write_source_headers(request: SourceRequest) -> dict[str, str]:
    """The ``x-ts-*`` headers for a received request; values are ASCII."""
    written = {
        names.SOURCE_KEY: request.key,
        names.SOURCE_SECRET: request.secret,
        names.SOURCE_PARAMS: json.dumps(request.params),
        names.SOURCE_DATA: json.dumps(request.data),
        names.SOURCE_HTTP_URL: request.url,
        names.SOURCE_HTTP_METHOD: request.method,
        names.SOURCE_HTTP_HEADERS: json.dumps(request.headers),
    }
    if request.dynamic_id is not None:
        written[names.SOURCE_DYNAMIC_ID] = request.dynamic_id
    if request.auth is not None:
        written[names.SOURCE_AUTH] = json.dumps(request.auth)
    if request.metadata is not None:
        written[names.SOURCE_METADATA] = json.dumps(request.metadata)
    return written
