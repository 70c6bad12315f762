"""The event loop of async tests."""

from tests.support.job_runner import anyio_backend

__all__ = ["anyio_backend"]
