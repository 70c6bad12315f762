"""All operations of the API: where a new resource is added."""

from __future__ import annotations

from perdure_server.api import (
    callbacks,
    connections,
    dynamic_triggers,
    endpoints,
    event_dispatchers,
    events,
    health,
    http_endpoints,
    jobs,
    openapi,
    run_streams,
    runs,
    schedules,
    sources,
    statuses,
    store,
    tasks,
    webhooks,
    whoami,
)
from perdure_server.routing import Operation

# The hot ones first: routes are tried in this order.
_RESOURCES = (
    tasks,
    events,
    runs,
    run_streams,
    jobs,
    statuses,
    store,
    event_dispatchers,
    callbacks,
    sources,
    http_endpoints,
    webhooks,
    dynamic_triggers,
    schedules,
    endpoints,
    connections,
    whoami,
    openapi,
    health,
)

OPERATIONS: tuple[Operation, ...] = tuple(
    operation for resource in _RESOURCES for operation in resource.operations
)
