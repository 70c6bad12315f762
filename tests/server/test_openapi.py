import pytest
from openapi_spec_validator import validate
from starlette.requests import Request
from starlette.responses import Response

from perdure_server.messages.health import Health
from perdure_server.openapi import build_document
from perdure_server.operations import OPERATIONS
from perdure_server.routing import Operation, build_resources


async def test_the_document_is_served_to_anybody_and_is_valid(server):
    response = await server.client.get("/api/openapi.json", headers={"authorization": ""})
    assert response.status_code == 200
    assert response.json()["openapi"] == "3.1.0"
    validate(response.json())


def test_every_route_is_documented():
    document = build_document(OPERATIONS, version="1")
    documented = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    registered = {(method, operation.path) for operation in OPERATIONS for method in operation.methods}
    assert documented == registered
    assert {path for _, path in documented} == {resource.path for resource in build_resources(OPERATIONS)}


def test_every_operation_says_what_it_does_and_what_it_answers():
    document = build_document(OPERATIONS, version="1")
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation["summary"], (method, path)
            assert {"200", "500"} <= set(operation["responses"]), (method, path)


async def answer(request: Request) -> Response:
    """Answer."""
    return Response()


def test_a_query_parameter_that_must_be_there_is_documented_as_such():
    document = build_document(OPERATIONS, version="1")
    required = {
        (path, parameter["name"]): parameter["required"]
        for path, item in document["paths"].items()
        for parameter in item.get("get", {}).get("parameters", [])
        if parameter["in"] == "query"
    }
    assert required["/api/v1/runs/{runId}/tasks/cached", "cursor"] is True
    assert required["/api/v1/runs", "cursor"] is False


def test_a_route_cannot_be_registered_twice():
    operations = [Operation("GET", "/a", answer, answer=Health), Operation("GET", "/a", answer)]
    with pytest.raises(ValueError, match="GET /a is registered twice"):
        build_resources(operations)


def test_operations_need_names_of_their_own():
    operations = [Operation("GET", f"/api/v1/{name}", answer) for name in "abc"]
    with pytest.raises(ValueError, match="two operations would be called answerV1"):
        build_document(operations, version="1")
