"""Fixtures of the tests of pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fix_database import TestServer


@pytest.fixture(scope="session")
def perdure_postgres_url(postgres_server: TestServer) -> str:
    """The platforms of pages are on the server of this session."""
    return postgres_server.url("postgres")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, perdure_postgres_url: str) -> Path:
    """The page's own folder: the working directory, where its files are imported from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PERDURE_API_URL", "http://perdure.test")
    monkeypatch.setenv("PERDURE_API_KEY", "tr_dev_docs")
    monkeypatch.setenv("PERDURE_TEST_DATABASE_URL", perdure_postgres_url)
    monkeypatch.setenv("PERDURE_DATABASE_URL", "postgresql://db.example.com/app")
    return tmp_path
