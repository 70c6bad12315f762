"""The command that starts a job for the first time, put together from what the job says of itself."""

from __future__ import annotations

import json
import shlex
from typing import Any

import psycopg

from perdure_engine.errors import PerdureError
from perdure_server.cli.views import Views

_SPECS = """
select j.event_spec
from perdure_views.jobs as j
inner join perdure_views.environments as e on e.id = j.environment_id
where
    e.project = %s and e.slug = 'dev' and j.endpoint = %s and not j.internal
    and j.event_spec ->> 'source' = 'trigger.dev' and j.event_spec ->> 'name' not like 'dev.trigger.%%'
order by j.id
limit 1
"""

_TEXTS = {"email": "ada@example.com", "name": "Ada", "url": "https://example.com", "id": "1"}
_FORMATS = {
    "email": _TEXTS["email"],
    "uri": _TEXTS["url"],
    "date-time": "2026-01-01T12:00:00Z",
    "date": "2026-01-01",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_VALUES: dict[str, Any] = {"integer": 1, "number": 1.5, "boolean": True, "array": [], "null": None}
_DEEPEST = 5  # levels of a payload that refers to itself


def find_first_event(database_url: str, project: str, endpoint: str) -> str | None:
    """A ``perdure trigger …`` that starts a job of an app in development; None: no event starts one.

    Nor is there one where the database cannot be read, such as with a login that lacks perdure_readonly.
    """
    try:
        with Views(database_url) as views:
            return next(
                (first_event(row["event_spec"]) for row in views.rows(_SPECS, project, endpoint)), None
            )
    except (PerdureError, psycopg.Error):
        return None


def first_event(event_spec: dict[str, Any]) -> str | None:
    """A ``perdure trigger …`` that starts a job; None: no event starts it.

    Args:
        event_spec: of the job: the event's name, its examples, the JSON Schema of its payload.
    """
    name = event_spec.get("name")
    if isinstance(name, list):
        name = name[0] if name else None
    if not isinstance(name, str):
        return None
    examples = event_spec.get("examples") or []
    schema = event_spec.get("schema")
    payload = examples[0].get("payload") if examples else _example(schema, "", schema or {}, 0)
    text = json.dumps(payload, ensure_ascii=False)
    return f"perdure trigger {shlex.quote(name)} --payload {shlex.quote(text)}"


def _example(schema: Any, name: str, root: dict[str, Any], depth: int) -> Any:
    """A value that the schema may accept: the smallest that looks like something."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {}
    if "$ref" in schema:
        target = root.get("$defs", {}).get(str(schema["$ref"]).rpartition("/")[2])
        return _example(target, name, root, depth + 1)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return _example(schema[key][0], name, root, depth + 1)
    kind = schema.get("type")
    if kind == "string":
        return _FORMATS.get(schema.get("format", "")) or _TEXTS.get(name.lower(), "text")
    if kind in _VALUES:
        return _VALUES[kind]
    members = schema.get("properties", {})
    needed = [member for member in schema.get("required", []) if member in members]
    return {member: _example(members[member], member, root, depth + 1) for member in needed}
