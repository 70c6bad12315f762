"""What holds for every call: names, order of arguments, rights, transactions."""

import importlib
import inspect
import pkgutil

import psycopg
import pytest

import perdure_engine
from perdure_engine import events, maintenance
from perdure_engine.errors import NotFound
from tests.engine.calls.conftest import Pools
from tests.support.builders import Endpoint
from tests.support.database import Database


def test_every_call_names_a_function_with_these_arguments(db: Database) -> None:
    """The arguments of each call are those of the function that it is named after, in the same order.

    What reads views has no such function.
    """
    checked = 0
    for _finder, module_name, _is_package in pkgutil.iter_modules(perdure_engine.__path__):
        if module_name.startswith("_"):
            continue
        module = importlib.import_module(f"perdure_engine.{module_name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ != module.__name__ or name.startswith("_"):
                continue
            database, *arguments = inspect.signature(function).parameters or [""]
            if database not in ("conn", "db"):
                continue
            found = db.rows(
                "select proargnames[1:pronargs] as names from pg_proc"
                " where pronamespace = 'perdure'::regnamespace and proname = %s",
                name,
            )
            if not found or "perdure_views." in inspect.getsource(function):
                assert "perdure_views." in inspect.getsource(module), name
                continue
            given = [f"p_{argument}" for argument in arguments]
            assert given == (found[0].names or []), name
            checked += 1
    assert checked > 130


async def test_calls_of_a_role_are_limited_to_its_rights(pools: Pools) -> None:
    async with pools.server.connection() as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await maintenance.promote_due(conn)


async def test_a_call_takes_part_in_a_transaction(pools: Pools, endpoint: Endpoint) -> None:
    environment_id = endpoint.environment.id
    async with pools.server.connection() as conn:
        async with conn.transaction(force_rollback=True):
            await events.send_event(conn, environment_id, "greet", event_id="undone")
        with pytest.raises(NotFound):
            await events.get_event(conn, environment_id, "undone")
