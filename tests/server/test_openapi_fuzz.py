"""Requests made from the OpenAPI document, valid ones and others: no 5xx, and every answer is as documented.

``PERDURE_FUZZ_EXAMPLES`` asks for so many requests per operation and kind, other ones each time; without it
they are few and always the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import uuid4

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from perdure_engine.sealing import new_secret_key
from perdure_server import event_stream
from perdure_server.app import create_app
from perdure_server.openapi import build_document
from perdure_server.operations import OPERATIONS
from perdure_server.settings import Settings
from tests.support.builders import Builders, job, task
from tests.support.database import Database
from tests.support.fix_database import TestServer
from tests.support.http_server import serve

AnyOperation: TypeAlias = APIOperation[Any, Any, Any, Any]
AnyCase: TypeAlias = Case[Any]

EXAMPLES = int(os.environ.get("PERDURE_FUZZ_EXAMPLES", "0"))
SLUG = "app"  # of everything that has one, whatever a path means by it
NOWHERE = "http://127.0.0.1:9/api/trigger"
HOSTED = {"id": SLUG, "metadata": {"id": "slack", "name": "Slack"}, "authSource": "HOSTED"}
LOCAL = {**HOSTED, "authSource": "LOCAL"}
OPTIONS = {"event": ["issues"]}
SOURCE = {
    "version": "2",
    "channel": "HTTP",
    "integration": LOCAL,
    "key": SLUG,
    "params": {},
    "options": OPTIONS,
}
WEBHOOK = {"key": SLUG, "params": {}, "config": OPTIONS, "integration": LOCAL, "httpEndpoint": {"id": SLUG}}
HTTP_ENDPOINT = {
    "id": SLUG,
    "version": "1",
    "enabled": True,
    "event": {"title": "Shop"},
    "source": "shop.example",
}
KINDS = {
    "valid": (GenerationMode.POSITIVE, True),
    "invalid": (GenerationMode.NEGATIVE, True),
    "of nothing": (GenerationMode.POSITIVE, False),
}
"""What is sent -> whether its form is valid, and whether the path names something that is there."""
CHECKED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
schemathesis.serializer.alias("application/x-ndjson", "application/json")  # one line of it
DOCUMENT = build_document(OPERATIONS, version="test")
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATION_BY_LABEL: dict[str, AnyOperation] = {
    f"{method.upper()} {path}": SCHEMA[path][method]
    for path, item in DOCUMENT["paths"].items()
    for method in item
}


@dataclass(frozen=True, slots=True)
class Target:
    """A running server, the headers that open it, and what there is to be found."""

    url: str
    session: requests.Session
    known: Mapping[str, str]


@pytest.fixture(scope="module")
def target(postgres_server: TestServer, template_database: str) -> Iterator[Target]:
    """A server on a database of its own that has one of everything."""
    name = f"perdure_test_{uuid4().hex[:12]}"
    with postgres_server.janitor(name, template_database), Database(postgres_server.url(name)) as db:
        key, known = furnish(db)
        settings = Settings(
            db.url,
            endpoint_timeout_s=0.5,
            secret_keys=new_secret_key(),
            access_log=False,
            database_timeout_s=10,
        )
        with (
            pytest.MonkeyPatch.context() as patch,
            serve(create_app(settings)) as url,
            requests.Session() as session,
        ):
            patch.setattr(event_stream, "LONGEST_S", 0.01)  # streams are read to their end
            session.trust_env = False
            session.headers["authorization"] = f"Bearer {key}"
            yield Target(url, session, known)


def furnish(db: Database) -> tuple[str, dict[str, str]]:
    """Make one of everything; returns the secret key, and the path parameters that name it."""
    builders = Builders(db)
    endpoint = builders.endpoint(
        job(SLUG, integrations={"x": HOSTED}),
        slug=SLUG,
        url=NOWHERE,
        sources=[SOURCE],
        webhooks=[WEBHOOK],
        httpEndpoints=[HTTP_ENDPOINT],
        dynamicTriggers=[{"id": SLUG, "jobs": [{"id": SLUG, "version": "1.0.0"}]}],
    )
    environment = endpoint.environment
    connection = {"type": "oauth2", "sealedToken": "sealed elsewhere"}
    connected = db.call("create_connection", environment.id, None, SLUG, connection)
    run = builders.run(endpoint)
    (stored,) = builders.claim(run).stored(task("one"))
    known = {
        "connectionId": connected["id"],
        "environment": environment.slug,
        "environmentId": environment.id,
        "eventId": run.event_id,
        "hookId": db.value("select indexing_hook_id from perdure.endpoints"),
        "indexId": db.value("select id from perdure.endpoint_indexes"),
        "runId": run.id,
        "shortcode": db.value("select shortcode from perdure.environments where id = %s", environment.id),
        "sourceId": db.value("select id from perdure.sources"),
        "taskId": stored["id"],
    }
    return environment.key, known


def path_parameters(operation: AnyOperation, known: Mapping[str, str]) -> dict[str, str]:
    """Path parameters that name what is there."""
    return {parameter.name: known.get(parameter.name, SLUG) for parameter in operation.path_parameters}


# Schemathesis draws the ids of its cases from there.
@pytest.mark.filterwarnings("ignore:Do not use the .random. module inside strategies")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("label", OPERATION_BY_LABEL)
def test_every_answer_is_as_documented(target: Target, label: str, kind: str) -> None:
    operation = OPERATION_BY_LABEL[label]
    mode, there = KINDS[kind]
    fixed = path_parameters(operation, target.known) if there else {}

    @settings(
        max_examples=EXAMPLES or 4,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(mode, path_parameters=fixed))
    def send(case: AnyCase) -> None:
        keep_at_home(case)
        response = case.call(target.url, session=target.session)
        case.validate_response(response, checks=CHECKED)
        if response.status_code != 200 and case.method != "HEAD":
            assert set(response.json()) == {"error", "code"}

    try:
        send()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # whatever is sent is valid


def keep_at_home(case: AnyCase) -> None:
    """Have the server call nobody."""
    if isinstance(case.body, dict) and isinstance(case.body.get("url"), str):
        case.body["url"] = NOWHERE
