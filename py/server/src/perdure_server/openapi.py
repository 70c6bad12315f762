"""The OpenAPI document, made from the registered operations: their models, docstrings and access."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from inspect import cleandoc
from typing import Any

from pydantic import BaseModel, TypeAdapter

from perdure.wire.headers import JSON_TYPE, NDJSON_TYPE
from perdure_server.event_stream import MEDIA_TYPE
from perdure_server.messages.errors import ErrorAnswer
from perdure_server.routing import Access, Operation

_SCHEMA_PLACE = "#/components/schemas/{model}"
_STATUS_TEXTS = {
    204: "The run has ended, and `last-event-id` says that its end is known: do not come again.",
    400: "The request is malformed; the text names the field and the fix.",
    401: "The key is missing, malformed or unknown.",
    403: "The key does not open this.",
    404: "There is no such thing in the key's environment.",
    409: "The state of the thing does not allow this, or not any more.",
    413: "The body is too large.",
    429: "Too many requests with this key; come again at `x-ratelimit-reset`, in unix milliseconds.",
    500: "The server failed; its log has the details under the request id.",
    502: "The app did not answer as it should.",
    503: "Come again after `retry-after` seconds: the database is away. Without it: a secret key is missing.",
}


def build_document(operations: Sequence[Operation], *, version: str) -> dict[str, Any]:
    """Describe the operations as OpenAPI 3.1.

    Args:
        version: of the server.
    """
    schemas = _Schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    names: set[str] = set()
    for operation in operations:
        for method in operation.methods:
            name = _unique_name(operation, method, names)
            names.add(name)
            paths.setdefault(operation.path, {})[method.lower()] = _describe(operation, name, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Perdure",
            "version": version,
            "description": "Durable background jobs in Postgres. Every success is exactly 200.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas.definitions,
            "securitySchemes": {
                "secretKey": {"type": "http", "scheme": "bearer", "description": "A secret key, `tr_…`."},
                "publicKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A public key, `pk_…`: read only.",
                },
                "runToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token for one run, `rt_…`: reads it and nothing else.",
                },
                "runTokenInQuery": {
                    "type": "apiKey",
                    "in": "query",
                    "name": "token",
                    "description": "A token for one run, where no header can be sent (`EventSource`).",
                },
            },
        },
    }


class _Schemas:
    """The JSON Schemas of all models together, so that each is defined once."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        models: dict[int, type[BaseModel] | TypeAdapter[Any]] = {id(ErrorAnswer): ErrorAnswer}
        for operation in operations:
            for model in (operation.answer, operation.body, operation.query):
                if model is not None:
                    models[id(model)] = model
        adapters = {
            key: model if isinstance(model, TypeAdapter) else TypeAdapter(model)
            for key, model in models.items()
        }
        self._by_key, together = TypeAdapter.json_schemas(
            [(key, "validation", adapter) for key, adapter in adapters.items()], ref_template=_SCHEMA_PLACE
        )
        self.definitions: dict[str, Any] = together.get("$defs", {})

    def of(self, model: type[BaseModel] | TypeAdapter[Any]) -> dict[str, Any]:
        """A reference to the model's schema, or the schema itself."""
        return self._by_key[id(model), "validation"]

    def members(self, model: type[BaseModel]) -> list[tuple[str, dict[str, Any], bool]]:
        """The members of a model: name, schema, and whether it must be there."""
        schema = self.definitions[self.of(model)["$ref"].rsplit("/", 1)[1]]
        required = schema.get("required", ())
        return [(name, member, name in required) for name, member in schema["properties"].items()]


def _describe(operation: Operation, name: str, schemas: _Schemas) -> dict[str, Any]:
    summary, _, description = cleandoc(operation.handler.__doc__ or "").partition("\n")
    described: dict[str, Any] = {
        "operationId": name,
        "tags": [operation.handler.__module__.rsplit(".", 1)[1]],
        "summary": summary.rstrip("."),
        "security": _SECURITY[operation.access],
        "responses": {"200": _answer(operation, schemas), **_errors(operation, schemas)},
    }
    if description.strip():
        described["description"] = description.strip()
    if parameters := _parameters(operation, schemas):
        described["parameters"] = parameters
    if operation.body is not None:
        content = {_media_type(operation): {"schema": schemas.of(operation.body)}}
        described["requestBody"] = {"required": True, "content": content}
    return described


_SECURITY: dict[Access, list[dict[str, list[str]]]] = {
    Access.SECRET: [{"secretKey": []}],
    Access.SECRET_OR_PUBLIC: [{"secretKey": []}, {"publicKey": []}],
    Access.RUN: [{"secretKey": []}, {"publicKey": []}, {"runToken": []}, {"runTokenInQuery": []}],
    Access.OPEN: [],
}


def _answer(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    schema = schemas.of(operation.answer) if operation.answer is not None else {}
    if operation.is_stream:
        data = {"type": "string", "contentMediaType": "application/json", "contentSchema": schema}
        event = {"type": "object", "properties": {"data": data}}
        return {"description": "Server-sent events.", "content": {MEDIA_TYPE: {"schema": event}}}
    return {"description": "Done.", "content": {_media_type(operation): {"schema": schema}}}


def _media_type(operation: Operation) -> str:
    return NDJSON_TYPE if operation.is_lines else JSON_TYPE


def _errors(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    statuses = {*operation.errors, 500}
    if operation.access is not Access.OPEN:
        statuses |= {401, 403, 429, 503}
    if operation.body is not None:
        statuses |= {400, 413}
    if operation.query is not None or "{" in operation.path:
        statuses.add(400)
    content = {"application/json": {"schema": schemas.of(ErrorAnswer)}}
    described: dict[str, Any] = {
        str(status): {"description": _STATUS_TEXTS[status], "content": content} for status in sorted(statuses)
    }
    if operation.is_stream:
        described["204"] = {"description": _STATUS_TEXTS[204]}
    if operation.any_status:
        described["default"] = {"description": "As the app answers."}
    return described


def _parameters(operation: Operation, schemas: _Schemas) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"\{(\w+)\}", operation.path)
    ]
    if operation.query is not None:
        for name, schema, required in schemas.members(operation.query):
            parameters.append({"name": name, "in": "query", "required": required, "schema": schema})
    for name, meaning in (operation.headers or {}).items():
        parameters.append(
            {
                "name": name,
                "in": "header",
                "required": False,
                "description": meaning,
                "schema": {"type": "string"},
            }
        )
    return parameters


def _unique_name(operation: Operation, method: str, taken: set[str]) -> str:
    """The handler's name in camelCase, with the method or the path's version where it serves several."""
    first, *rest = operation.handler.__name__.split("_")
    name = first + "".join(word.title() for word in rest)
    if len(operation.methods) > 1:
        name += method.title()
    if name in taken:
        name += operation.path.split("/")[2].title()
    if name in taken:
        raise ValueError(f"two operations would be called {name}: name their handlers apart")
    return name
