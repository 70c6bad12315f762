"""Fixtures: pools of the roles that call functions, and an app with a source."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from perdure_engine.pool import Pool, open_pool
from tests.support.builders import Builders, Endpoint, job

SOURCE = {
    "version": "2",
    "channel": "HTTP",
    "integration": {"id": "github", "metadata": {"id": "github", "name": "GitHub"}, "authSource": "LOCAL"},
    "key": "github.acme.site",
    "params": {"repo": "site"},
    "options": {"event": ["issues"]},
}


@dataclass
class Pools:
    """A pool for each role that calls functions."""

    server: Pool
    dispatcher: Pool
    owner: Pool


@pytest.fixture
async def pools(db_url: str) -> AsyncIterator[Pools]:
    server, dispatcher, owner = [
        await open_pool(db_url, role=role, application_name="test calls")
        for role in ("perdure_server", "perdure_dispatcher", "perdure_owner")
    ]
    async with server, dispatcher, owner:
        yield Pools(server, dispatcher, owner)


@pytest.fixture
def endpoint(builders: Builders) -> Endpoint:
    return builders.endpoint(job(), sources=[SOURCE])


def read(document: bytes) -> Any:
    assert isinstance(document, bytes)
    return json.loads(document)


def nothing() -> str:
    """An id of nothing."""
    return str(uuid4())
