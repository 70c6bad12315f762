"""Names of the HTTP headers, actions and versions that travel between platform and endpoint."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What the platform asks of an endpoint: the value of ``x-trigger-action``."""

    PING = "PING"
    VALIDATE = "VALIDATE"
    INDEX_ENDPOINT = "INDEX_ENDPOINT"
    EXECUTE_JOB = "EXECUTE_JOB"
    EXECUTE_JOBS = "EXECUTE_JOBS"  # perdure.endpoint
    PREPROCESS_RUN = "PREPROCESS_RUN"
    RUN_NOTIFICATION = "RUN_NOTIFICATION"
    INITIALIZE_TRIGGER = "INITIALIZE_TRIGGER"
    DELIVER_HTTP_SOURCE_REQUEST = "DELIVER_HTTP_SOURCE_REQUEST"
    DELIVER_HTTP_ENDPOINT_REQUEST_FOR_RESPONSE = "DELIVER_HTTP_ENDPOINT_REQUEST_FOR_RESPONSE"
    DELIVER_WEBHOOK_REQUEST = "DELIVER_WEBHOOK_REQUEST"
    PROBE_EXECUTION_TIMEOUT = "PROBE_EXECUTION_TIMEOUT"


# Platform -> endpoint.
ACTION = "x-trigger-action"
PLATFORM_VERSION = "x-trigger-version"
PERDURE_VERSION = "x-perdure-version"
ENDPOINT_ID = "x-trigger-endpoint-id"
API_KEY = "x-trigger-api-key"  # only for endpoints that turned out to be the v2 JavaScript SDK

# Request signing (Standard Webhooks).
WEBHOOK_ID = "webhook-id"
WEBHOOK_TIMESTAMP = "webhook-timestamp"
WEBHOOK_SIGNATURE = "webhook-signature"

# Delivery of a request that a source received.
SOURCE_KEY = "x-ts-key"
SOURCE_SECRET = "x-ts-secret"
SOURCE_PARAMS = "x-ts-params"
SOURCE_DATA = "x-ts-data"
SOURCE_HTTP_URL = "x-ts-http-url"
SOURCE_HTTP_METHOD = "x-ts-http-method"
SOURCE_HTTP_HEADERS = "x-ts-http-headers"
SOURCE_DYNAMIC_ID = "x-ts-dynamic-id"
SOURCE_AUTH = "x-ts-auth"
SOURCE_METADATA = "x-ts-metadata"

# Endpoint -> platform, on answers.
SDK_PROTOCOL_VERSION = "trigger-version"
JS_SDK_VERSION = "trigger-sdk-version"
PYTHON_SDK_VERSION = "perdure-sdk-version"
RUN_METADATA = "x-trigger-run-metadata"
MOST_IN_BATCH = "perdure-batch"  # beside replies to EXECUTE_JOB: most of them in EXECUTE_JOBS
TOOK_MS = "perdure-took"  # so long the job was at work

# SDK -> platform, on API calls.
AUTHORIZATION = "authorization"
IDEMPOTENCY_KEY = "idempotency-key"
CACHED_TASKS_CURSOR = "x-cached-tasks-cursor"

VERSION = "0.1.0"  # as in pyproject.toml; to ask what is installed is slow
PROTOCOL_VERSION = "2023-09-29"
SERIALIZED_OUTPUT_VERSION = "2023-11-01"
EXTENSION_VERSION = "3"
"""1: records of tasks; 2: their effects, and names in EXECUTE_JOB; 3: steps of many runs in a call."""

JSON_TYPE = "application/json"
NDJSON_TYPE = "application/x-ndjson"
BYTES_TYPE = "application/octet-stream"
