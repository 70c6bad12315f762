"""A real PostgreSQL on this machine, without an installation: for ``perdure dev``, the demo and tests."""

from perdure_engine.errors import EmbeddedPostgresError

from .server import FAST_SETTINGS, EmbeddedPostgres

__all__ = ["FAST_SETTINGS", "EmbeddedPostgres", "EmbeddedPostgresError"]
