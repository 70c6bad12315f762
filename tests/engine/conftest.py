"""Servers of their own for the tests of the engine package: to be stopped, killed, or of another version."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from perdure_engine.embedded import FAST_SETTINGS, EmbeddedPostgres
from tests.support.fix_database import fast_folder

MakeServer = Callable[..., EmbeddedPostgres]


@contextmanager
def temporary_servers() -> Iterator[MakeServer]:
    """Makes embedded servers that are not started yet; all of them are gone at the end."""
    with ExitStack() as stack:

        def make(**options: object) -> EmbeddedPostgres:
            folder = fast_folder("perdure-server-")
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            arguments = {"data_dir": folder, "settings": FAST_SETTINGS, **options}
            server = EmbeddedPostgres(**arguments)  # type: ignore[arg-type]  # each test passes what it may
            stack.callback(server.delete)
            return server

        yield make


@pytest.fixture
def make_server() -> Iterator[MakeServer]:
    """Makes servers for one test."""
    with temporary_servers() as make:
        yield make


@pytest.fixture(scope="session")
def make_lasting_server() -> Iterator[MakeServer]:
    """Makes servers for the session."""
    with temporary_servers() as make:
        yield make


@pytest.fixture(scope="session")
def _restartable(make_lasting_server: MakeServer) -> EmbeddedPostgres:
    return make_lasting_server(listen_port=0)


@pytest.fixture
def server(_restartable: EmbeddedPostgres) -> EmbeddedPostgres:
    """A running server that a test may stop, restart or kill: no other test depends on its state."""
    return _restartable.start()
