"""Calls about environments and what belongs to them: endpoints, connections, the store."""

import json

import pytest

from perdure_engine import connections, endpoints, environments, store
from perdure_engine.errors import InvalidArgument, NotFound
from tests.engine.calls.conftest import Pools, read
from tests.support.builders import Builders, Endpoint, job, manifest
from tests.support.database import Database


async def test_environments(pools: Pools, db: Database) -> None:
    async with pools.owner.connection() as conn:
        project_id = await environments.create_project(conn, "acme", "site", "Site")
        assert await environments.create_project(conn, "acme", "site") == project_id
        environment_id = await environments.get_environment(conn, "site", "prod")
        key = await environments.create_api_key(conn, environment_id)
        public = await environments.create_api_key(conn, environment_id, "PUBLIC")
        await environments.set_setting(conn, "public_url", "https://jobs.example")
    assert db.value("select value from perdure.settings where name = 'public_url'") == "https://jobs.example"
    async with pools.server.connection() as conn:
        caller = await environments.authenticate(conn, key)
        assert caller is not None
        assert caller == environments.Caller(
            environment_id, "SECRET", "prod", "PRODUCTION", "site", "acme", caller.api_key_id
        )
        await environments.keep_sealed_key(conn, caller.api_key_id, "sealed")
        assert (await environments.authenticate(conn, public) or caller).kind == "PUBLIC"
        assert await environments.authenticate(conn, "tr_dev_unknown") is None
        assert [len(secret) for secret in await environments.get_signing_secrets(conn, environment_id)] == [
            32
        ]
    async with pools.owner.connection() as conn:
        assert await environments.revoke_api_key(conn, key)
        assert not await environments.revoke_api_key(conn, key)
        with pytest.raises(NotFound):
            await environments.get_environment(conn, "site", "moon")


async def test_endpoints(pools: Pools, builders: Builders) -> None:
    environment = builders.environment()
    environment_id = environment.id
    async with pools.server.connection() as conn:
        caller = await environments.authenticate(conn, environment.key)
        assert caller is not None
        await environments.keep_sealed_key(conn, caller.api_key_id, "sealed")
        url = "http://app.test/api"
        made = read(
            await endpoints.register_endpoint(conn, environment_id, "app", url, 5000, caller.api_key_id)
        )
        access = await endpoints.get_endpoint_access(conn, environment_id, "app")
        assert (access.endpoint_id, access.url, access.sealed_api_key) == (made["id"], url, "sealed")
        assert [len(secret) for secret in access.signing_secrets] == [32]
        assert read(await endpoints.get_endpoint(conn, environment_id, "app"))["id"] == made["id"]
        assert [e["slug"] for e in read(await endpoints.list_endpoints(conn, environment_id))] == ["app"]
        answer = json.dumps(manifest(job())).encode()
        index = read(await endpoints.index_endpoint(conn, made["id"], answer, b'{"name": "perdure"}'))
        assert index["stats"]["jobs"] == 1
        failed = read(await endpoints.record_index_failure(conn, made["id"], "it answered HTML"))
        assert read(await endpoints.get_index(conn, environment_id, failed["id"]))["status"] == "FAILURE"
        with pytest.raises(NotFound):
            await endpoints.get_endpoint(conn, environment_id, "other")
        with pytest.raises(InvalidArgument):
            await endpoints.index_endpoint(conn, made["id"], b'{"jobs": 5}')
        with pytest.raises(InvalidArgument, match="json"):
            await endpoints.index_endpoint(conn, made["id"], b"<html>")


async def test_connections(pools: Pools, builders: Builders) -> None:
    slack = {"id": "slack", "metadata": {"id": "slack", "name": "Slack"}, "authSource": "HOSTED"}
    environment_id = builders.endpoint(job(integrations={"slack": slack})).environment.id
    async with pools.server.connection() as conn:
        sealed = b'{"type": "oauth2", "sealedToken": "sealed"}'
        own = read(await connections.create_connection(conn, environment_id, None, "slack", sealed))
        theirs = read(await connections.create_connection(conn, environment_id, "anna", "slack", sealed))
        assert read(await connections.get_connection(conn, environment_id, "slack", theirs["id"])) == theirs
        auth = read(await connections.get_auth(conn, environment_id, "app", "slack"))
        assert (auth["type"], auth["sealedToken"]) == ("oauth2", "sealed")
        assert read(await connections.delete_connection(conn, environment_id, "slack", own["id"])) == own
        with pytest.raises(NotFound):
            await connections.get_auth(conn, environment_id, "app", "slack")
        with pytest.raises(InvalidArgument):
            await connections.create_connection(conn, environment_id, None, "slack", b"[]")


async def test_store(pools: Pools, endpoint: Endpoint) -> None:
    environment_id = endpoint.environment.id
    async with pools.server.connection() as conn:
        assert not await store.has_store_item(conn, environment_id, "k")
        await store.set_store_item(conn, environment_id, "k", b'{"a":  1.0}')
        assert read(await store.get_store_item(conn, environment_id, "k"))["value"] == '{"a":  1.0}'
        assert await store.has_store_item(conn, environment_id, "k")
        assert read(await store.delete_store_item(conn, environment_id, "k"))["deleted"]
        with pytest.raises(InvalidArgument):
            await store.set_store_item(conn, environment_id, "k", b"<html>")
