"""All operations of the API: where a new resource is added."""

from __future__ import annotations

from perdure_server.api import endpoints, events, health, openapi, runs, sources, tasks, whoami
from perdure_server.routing import Operation

# The hot ones first: routes are tried in this order.
_RESOURCES = (tasks, events, runs, sources, endpoints, whoami, openapi, health)

OPERATIONS: tuple[Operation, ...] = tuple(
    operation for resource in _RESOURCES for operation in resource.operations
)
