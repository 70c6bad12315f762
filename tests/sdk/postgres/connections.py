"""Connections of every kind, as apps have them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg2
import sqlalchemy
from psycopg_pool import ConnectionPool
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import NullPool


def sqlalchemy_url(url: str, driver: str) -> str:
    """A URL of ours as SQLAlchemy has it."""
    return url.replace("postgresql://", f"postgresql+{driver}://", 1)


def django_connection(url: str) -> Any:
    """What ``django.db.connection`` is, for a database under an alias of its own; close it in the end."""
    import django
    import django.conf
    import django.db
    from django.utils.connection import ConnectionProxy
    from psycopg.conninfo import conninfo_to_dict

    if not django.conf.settings.configured:
        django.conf.settings.configure()
    django.setup()
    parts = conninfo_to_dict(url)
    alias = f"perdure_{parts['dbname']}"
    settings = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts["dbname"],
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "")),
    }
    handler = django.db.connections
    handler.databases[alias] = handler.configure_settings({"default": {}, alias: settings})[alias]
    return ConnectionProxy(handler, alias)


def plain_database(kind: str, url: str, stack: ExitStack) -> Any:
    """What Perdure(database=...) takes, for plain functions."""
    if kind == "url":
        return sqlalchemy_url(url, "psycopg")
    if kind.startswith("pool"):
        pool = stack.enter_context(ConnectionPool(url, min_size=1, max_size=2))
        return pool if kind == "pool" else pool.connection
    if kind == "django":
        return django_connection(url)
    if kind == "psycopg2":

        @contextmanager
        def connect() -> Iterator[Any]:
            connection = psycopg2.connect(url)
            try:
                yield connection
            finally:
                connection.close()

        return connect
    driver, _, what = kind.partition(", ")
    engine = sqlalchemy.create_engine(sqlalchemy_url(url, driver), poolclass=NullPool)
    return engine if what == "engine" else sessionmaker(engine)


PLAIN = [
    "url",
    "pool",
    "pool.connection",
    "django",
    "psycopg2",
    "psycopg, sessionmaker",
    "psycopg, engine",
    "psycopg2, sessionmaker",
]
